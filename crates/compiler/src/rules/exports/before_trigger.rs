//! The place before a trigger, where `export_env` belongs.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::diagnostics::{Edit, Fix, Safety};
use crate::rules::Context;
use crate::source::{FileId, Location, ScriptMap, Span, line_start};
use crate::syntax::shell::{self, AndOr, LoopHead, Statement, StatementKind};
use crate::syntax::yaml::{NodeId, ScalarStyle};

/// Finds, script by script, where a command can be inserted before a trigger.
pub(crate) struct TriggerLines<'a> {
    context: &'a Context<'a>,
    /// The scalars that hold scripts, in order.
    embedded: Option<Vec<(Span, NodeId)>>,
    /// The statements of each script, by the file and the script's first byte.
    scripts: FxHashMap<(FileId, u32), Vec<Spot>>,
}

/// A statement, and where a command goes that must run before it.
struct Spot {
    span: Span,
    point: InsertionPoint,
}

/// Where a command can be inserted.
#[derive(Clone, Copy)]
enum InsertionPoint {
    /// On a line of its own, before the line that begins here.
    Line { at: u32, indent: Span },
    /// In front of a statement, in its line.
    Before(u32),
    /// In front of a member of a chain that runs where the one before it succeeds.
    And(u32),
    /// Together with a member of a chain that runs where the one before it fails.
    Or(Span),
}

impl InsertionPoint {
    fn start(self) -> u32 {
        match self {
            Self::Line { at, .. } | Self::Before(at) | Self::And(at) => at,
            Self::Or(span) => span.start,
        }
    }
}

impl<'a> TriggerLines<'a> {
    pub(crate) fn new(context: &'a Context<'a>) -> Self {
        Self { context, embedded: None, scripts: FxHashMap::default() }
    }

    /// The export of a key before the trigger. `None` where nothing can be inserted, or where the key is set only after
    /// that place.
    pub(crate) fn export(&mut self, key: &str, trigger: Location, sets: &[Location]) -> Option<Vec<Edit>> {
        if key.is_empty() || key.chars().any(|c| c.is_control() || matches!(c, '"' | '$' | '`' | '\\' | '!')) {
            return None;
        }
        let (script, node) = if trigger.file == self.context.file { self.script(trigger.span)? } else { (Span::default(), None) };
        let point = self.point(trigger, (script, node))?;
        let is_set_after =
            |set: &Location| set.file == trigger.file && set.span.start >= point.start() && set.span.start < trigger.span.end;
        if sets.iter().any(is_set_after) {
            return None;
        }
        let text = self.context.sources.get(trigger.file).text();
        // Inside double quotes of YAML, a quote would end the string.
        let is_quoted = node.is_some() && text[script.start as usize..].starts_with('"');
        let command = match is_quoted {
            true if key.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')) => return None,
            true => format!("export_env {key}"),
            false => format!("export_env \"{key}\""),
        };
        let insert = |at: u32, text: String| Edit { at: Location { file: trigger.file, span: Span { start: at, end: at } }, text };
        Some(match point {
            InsertionPoint::Line { at, indent } => {
                vec![insert(at, format!("{}{command}{}", indent.slice(text), line_break(text, at as usize)))]
            }
            InsertionPoint::Before(at) => vec![insert(at, format!("{command}; "))],
            InsertionPoint::And(at) => vec![insert(at, format!("{command} && "))],
            InsertionPoint::Or(span) => vec![insert(span.start, format!("{{ {command}; ")), insert(span.end, "; }".to_owned())],
        })
    }

    fn point(&mut self, trigger: Location, script: (Span, Option<NodeId>)) -> Option<InsertionPoint> {
        let spots = self.scripts.entry((trigger.file, script.0.start)).or_insert_with(|| spots(self.context, trigger.file, script));
        let after = spots.partition_point(|spot| spot.span.start <= trigger.span.start);
        Some(spots[..after].iter().rev().find(|spot| spot.span.end >= trigger.span.end)?.point)
    }

    /// The scalar of the configuration whose script a span is in.
    fn script(&mut self, span: Span) -> Option<(Span, Option<NodeId>)> {
        let Context { document, model, .. } = self.context;
        let embedded = self.embedded.get_or_insert_with(|| {
            let scripts = model.stages.iter().filter_map(|stage| stage.script);
            let mut embedded: Vec<_> = scripts.map(|id| (document.resolve(id).1.span, id)).collect();
            embedded.sort_unstable();
            embedded.dedup_by_key(|(span, _)| *span);
            embedded
        });
        let after = embedded.partition_point(|(scalar, _)| scalar.start <= span.start);
        let (scalar, id) = embedded.get(after.checked_sub(1)?)?;
        (scalar.end >= span.end).then_some((*scalar, Some(*id)))
    }
}

/// The statements of a script: of a scalar whose bytes are the script's, or of a file.
fn spots(context: &Context<'_>, file: FileId, (scalar, id): (Span, Option<NodeId>)) -> Vec<Spot> {
    let text: &str = context.sources.get(file).text();
    let (script, has_lines) = match id {
        Some(id) => match context.document.script(text, id) {
            Some((script, map)) if map.is_exact() => {
                let is_block = context.document.scalar(id).is_some_and(|scalar| scalar.style == ScalarStyle::Literal);
                (shell::parse(script.as_bytes(), &map), is_block)
            }
            _ => return Vec::new(),
        },
        None => match text.strip_prefix('\u{feff}') {
            Some(rest) => (shell::parse(rest.as_bytes(), &ScriptMap::verbatim(3)), true),
            None => (shell::parse(text.as_bytes(), &ScriptMap::verbatim(0)), true),
        },
    };
    let first = line_start(text.as_bytes(), scalar.start as usize);
    let mut walk = Walk { text, first, has_lines, spots: Vec::new() };
    walk.list(&script.body);
    walk.spots.sort_by_key(|spot| (spot.span.start, std::cmp::Reverse(spot.span.end)));
    walk.spots
}

struct Walk<'a> {
    text: &'a str,
    /// Where the script's first line begins.
    first: usize,
    /// Whether a line of the file is a line of the script.
    has_lines: bool,
    spots: Vec<Spot>,
}

impl Walk<'_> {
    fn list(&mut self, block: &[Statement]) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        let start = statement.span.start;
        let point = self.own_line(start as usize).unwrap_or(InsertionPoint::Before(start));
        self.spots.push(Spot { span: statement.span, point });
        self.inside(statement);
    }

    /// The statements in a statement before which a command can be inserted; the others share its own place.
    fn inside(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Chain(chain) => {
                self.inside(&chain.first);
                for (operator, member) in &chain.rest {
                    let point = match operator {
                        AndOr::And => InsertionPoint::And(member.span.start),
                        AndOr::Or => InsertionPoint::Or(member.span),
                    };
                    self.spots.push(Spot { span: member.span, point });
                    self.inside(member);
                }
            }
            StatementKind::Not(inner) | StatementKind::Time(inner) | StatementKind::Background(inner) => self.inside(inner),
            StatementKind::Coproc(coproc) => self.inside(&coproc.inner),
            StatementKind::Redirected(redirected) => self.inside(&redirected.inner),
            StatementKind::Pipe(members) => members.iter().for_each(|member| self.inside(member)),
            StatementKind::If(branches) => {
                for (index, (condition, body)) in branches.arms.iter().enumerate() {
                    match condition.split_first() {
                        // What is before the `if` is before its condition.
                        Some((first, rest)) if index == 0 => {
                            self.inside(first);
                            self.list(rest);
                        }
                        _ => self.list(condition),
                    }
                    self.list(body);
                }
                self.list(branches.otherwise.as_deref().unwrap_or_default());
            }
            StatementKind::Loop(repeated) => {
                if let LoopHead::Condition { condition, .. } = &repeated.head {
                    self.list(condition);
                }
                self.list(&repeated.body);
            }
            StatementKind::Case(case) => case.arms.iter().for_each(|arm| self.list(&arm.body)),
            StatementKind::Group(block) | StatementKind::Subshell(block) => self.list(block),
            StatementKind::Function(function) => self.list(&function.body),
            StatementKind::Command(_)
            | StatementKind::Assign(_)
            | StatementKind::Declare(_)
            | StatementKind::Test(_)
            | StatementKind::Arithmetic(_)
            | StatementKind::Exit(_)
            | StatementKind::Return(_)
            | StatementKind::Break(_)
            | StatementKind::Continue(_) => {}
        }
    }

    /// The line that a statement is the first of, unless the line before goes on in it. Comments directly above it
    /// belong to it: directives for linters must stay there.
    fn own_line(&self, start: usize) -> Option<InsertionPoint> {
        let line = line_start(self.text.as_bytes(), start);
        let indent = self.text.get(line..start)?;
        if !self.has_lines || !indent.trim_start_matches('\u{feff}').bytes().all(|byte| matches!(byte, b' ' | b'\t')) {
            return None;
        }
        let indent_start = line + indent.len() - indent.trim_start_matches('\u{feff}').len();
        let mut at = line.max(indent_start);
        while let Some((above, content)) = self.line_above(at) {
            if is_continued(content) {
                return None;
            }
            if !belongs_to_next(content) {
                break;
            }
            at = above + self.text[above..].len() - self.text[above..].trim_start_matches('\u{feff}').len();
        }
        Some(InsertionPoint::Line { at: u32::try_from(at).ok()?, indent: Span::new(indent_start, start) })
    }

    /// The line before the one that begins at an offset, as far as the script goes: where it begins, and what it says.
    fn line_above(&self, line: usize) -> Option<(usize, &str)> {
        let before = self.text.get(self.first..line).filter(|before| !before.is_empty())?;
        let before = before.strip_suffix("\r\n").or_else(|| before.strip_suffix(['\n', '\r'])).unwrap_or(before);
        let start = line_start(before.as_bytes(), before.len());
        Some((self.first + start, before[start..].trim_start_matches('\u{feff}').trim()))
    }
}

/// Whether a command goes on in the next line.
fn is_continued(line: &str) -> bool {
    !line.starts_with('#') && ["\\", "&&", "|"].iter().any(|end| line.ends_with(end))
}

/// Whether a line is a comment about what follows it, not about the whole file.
fn belongs_to_next(line: &str) -> bool {
    line.starts_with('#') && !line.starts_with("#!") && !line.contains("ignore-file[") && !line.contains("shellcheck shell=")
}

/// The line break of the line that begins at an offset; of the line before where it is the last one.
fn line_break(text: &str, line: usize) -> &'static str {
    let breaks = |text: &str| {
        let at = text.find(['\n', '\r'])?;
        Some(if text[at..].starts_with("\r\n") {
            "\r\n"
        } else if text[at..].starts_with('\r') {
            "\r"
        } else {
            "\n"
        })
    };
    breaks(&text[line..]).or_else(|| breaks(text)).unwrap_or("\n")
}

/// The exports of a key before all the triggers that need it; nothing where one of them has no place for it.
pub(crate) struct Exports(Option<BTreeSet<Edit>>);

impl Exports {
    pub(crate) fn none() -> Self {
        Self(Some(BTreeSet::new()))
    }

    pub(crate) fn add(&mut self, export: Option<Vec<Edit>>) {
        match (&mut self.0, export) {
            (Some(edits), Some(export)) => edits.extend(export),
            (_, None) => self.0 = None,
            (None, _) => {}
        }
    }

    pub(crate) fn fix(self, key: &str, safety: Safety) -> Option<Fix> {
        let edits = self.0.filter(|edits| !edits.is_empty())?;
        let description = format!("insert `export_env \"{key}\"` before the trigger");
        Some(Fix { safety, description, edits: edits.into_iter().collect() })
    }
}
