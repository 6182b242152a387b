//! Commands that go on over several lines: in most of those lines no comment can stand.

use crate::config::Model;
use crate::source::{ScriptMap, Span};
use crate::syntax::shell::{self, LoopHead, Redirect, Script, Statement, StatementKind, Target};
use crate::syntax::yaml::Document;

/// The commands of all scripts that a configuration embeds.
pub(crate) fn of_config(document: &Document, text: &str, model: &Model) -> Vec<Span> {
    let mut commands = Commands::default();
    for id in model.stages.iter().filter_map(|stage| stage.script) {
        if let Some((script, map)) = document.script(text, id).filter(|(_, map)| map.is_exact()) {
            commands.script(&shell::parse(script.as_bytes(), &map));
        }
    }
    commands.0
}

/// The commands of a script file.
pub(crate) fn of_script(text: &str) -> Vec<Span> {
    let mut commands = Commands::default();
    let content = text.trim_start_matches('\u{feff}');
    commands.script(&shell::parse(content.as_bytes(), &ScriptMap::verbatim(text.len() - content.len())));
    commands.0
}

/// From a compound command only its head: what is inside has comments of its own.
#[derive(Default)]
struct Commands(Vec<Span>);

impl Commands {
    fn script(&mut self, script: &Script) {
        self.list(&script.body);
    }

    fn list(&mut self, block: &[Statement]) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        if is_simple(statement) {
            self.0.push(Span { start: statement.span.start, end: end(statement) });
            return;
        }
        let start = statement.span.start;
        match &statement.kind {
            StatementKind::Chain(chain) => {
                let members: Vec<&Statement> = std::iter::once(&chain.first).chain(chain.rest.iter().map(|(_, member)| member)).collect();
                self.members(start, &members);
            }
            StatementKind::Pipe(members) => self.members(start, &members.iter().collect::<Vec<_>>()),
            StatementKind::Not(inner) | StatementKind::Time(inner) | StatementKind::Background(inner) => self.statement(inner),
            StatementKind::Coproc(coproc) => self.statement(&coproc.inner),
            StatementKind::Redirected(redirected) => self.statement(&redirected.inner),
            StatementKind::If(branches) => {
                for (condition, body) in &branches.arms {
                    self.list(condition);
                    self.list(body);
                }
                self.list(branches.otherwise.as_deref().unwrap_or_default());
            }
            StatementKind::Loop(repeated) => {
                match &repeated.head {
                    LoopHead::Words { words, .. } | LoopHead::Select { words, .. } => {
                        let last = words.as_deref().and_then(<[_]>::last);
                        self.0.extend(last.map(|word| Span { start, end: word.span.end }));
                    }
                    LoopHead::Condition { condition, .. } => self.list(condition),
                    LoopHead::Arithmetic(_) => {}
                }
                self.list(&repeated.body);
            }
            StatementKind::Case(case) => {
                self.0.push(Span { start, end: case.word.span.end });
                case.arms.iter().for_each(|arm| self.list(&arm.body));
            }
            StatementKind::Group(block) | StatementKind::Subshell(block) => self.list(block),
            StatementKind::Function(function) => self.list(&function.body),
            _ => {}
        }
    }

    /// Members of a chain or a pipe, of which some are compound: what stands before the first of those is one command.
    fn members(&mut self, start: u32, members: &[&Statement]) {
        let first = members.iter().position(|member| !is_simple(member)).unwrap_or_default();
        self.0.push(Span { start, end: members[first].span.start });
        members[first..].iter().for_each(|member| self.statement(member));
    }
}

/// Whether a statement holds no list of others.
fn is_simple(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Chain(chain) => is_simple(&chain.first) && chain.rest.iter().all(|(_, member)| is_simple(member)),
        StatementKind::Pipe(members) => members.iter().all(is_simple),
        StatementKind::Not(inner) | StatementKind::Time(inner) | StatementKind::Background(inner) => is_simple(inner),
        StatementKind::Redirected(redirected) => is_simple(&redirected.inner),
        StatementKind::If(_)
        | StatementKind::Loop(_)
        | StatementKind::Case(_)
        | StatementKind::Group(_)
        | StatementKind::Subshell(_)
        | StatementKind::Coproc(_)
        | StatementKind::Function(_) => false,
        _ => true,
    }
}

/// Where a simple statement ends, with its here-documents.
fn end(statement: &Statement) -> u32 {
    let documents = |redirects: &[Redirect]| {
        let bodies = redirects.iter().filter_map(|redirect| match &redirect.target {
            Target::Document(document) => Some(document.body().span.end),
            Target::Word(_) => None,
        });
        bodies.max().unwrap_or_default()
    };
    let inner = match &statement.kind {
        StatementKind::Command(command) => documents(command.redirects()),
        StatementKind::Chain(chain) => chain.rest.iter().map(|(_, member)| end(member)).fold(end(&chain.first), u32::max),
        StatementKind::Pipe(members) => members.iter().map(end).max().unwrap_or_default(),
        StatementKind::Not(inner) | StatementKind::Time(inner) | StatementKind::Background(inner) => end(inner),
        StatementKind::Redirected(redirected) => documents(&redirected.redirects).max(end(&redirected.inner)),
        _ => 0,
    };
    inner.max(statement.span.end)
}
