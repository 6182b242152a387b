//! The line before a trigger, where `export_env` belongs.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::diagnostics::{Edit, Fix, Safety};
use crate::rules::Context;
use crate::source::{FileId, Location, ScriptMap, Span, line_start};
use crate::syntax::shell::{self, LoopHead, Statement, StatementKind};
use crate::syntax::yaml::{NodeId, ScalarStyle};

/// Finds, script by script, where a line can be inserted before a trigger.
pub(crate) struct TriggerLines<'a> {
    context: &'a Context<'a>,
    /// The literal blocks that hold scripts, in order: only there a line of the file is a line of the script.
    blocks: Option<Vec<(Span, NodeId)>>,
    /// The statements of each script, by the file and the script's first byte.
    scripts: FxHashMap<(FileId, u32), Vec<Spot>>,
}

/// A statement of a list.
struct Spot {
    span: Span,
    /// Where the line begins that can have another one before it; `None` where the statement stands inside a line.
    line: Option<u32>,
}

impl<'a> TriggerLines<'a> {
    pub(crate) fn new(context: &'a Context<'a>) -> Self {
        Self { context, blocks: None, scripts: FxHashMap::default() }
    }

    /// The export of a key on a line of its own before the trigger. `None` where no line can be inserted, or where the
    /// key is set only behind that line.
    pub(crate) fn export(&mut self, key: &str, trigger: Location, sets: &[Location]) -> Option<Edit> {
        if key.is_empty() || key.chars().any(|c| c.is_control() || matches!(c, '"' | '$' | '`' | '\\' | '!')) {
            return None;
        }
        let line = self.line(trigger)?;
        let is_set_behind = |set: &Location| set.file == trigger.file && set.span.start >= line && set.span.start < trigger.span.start;
        if sets.iter().any(is_set_behind) {
            return None;
        }
        let text = self.context.sources.get(trigger.file).text();
        let rest = text.get(line as usize..)?;
        let indent = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
        let edit = format!("{indent}export_env \"{key}\"{}", line_break(text, line as usize));
        Some(Edit { at: Location { file: trigger.file, span: Span { start: line, end: line } }, text: edit })
    }

    fn line(&mut self, trigger: Location) -> Option<u32> {
        let first = if trigger.file == self.context.file { self.block(trigger.span)? } else { (Span::default(), None) };
        let spots = self.scripts.entry((trigger.file, first.0.start)).or_insert_with(|| spots(self.context, trigger.file, first));
        let behind = spots.partition_point(|spot| spot.span.start <= trigger.span.start);
        spots[..behind].iter().rev().find(|spot| spot.span.end >= trigger.span.end)?.line
    }

    /// The literal block of the configuration that a span stands in.
    fn block(&mut self, span: Span) -> Option<(Span, Option<NodeId>)> {
        let Context { document, model, .. } = self.context;
        let blocks = self.blocks.get_or_insert_with(|| {
            let scripts = model.stages.iter().filter_map(|stage| stage.script);
            let is_literal = |id: &NodeId| document.scalar(*id).is_some_and(|scalar| scalar.style == ScalarStyle::Literal);
            let mut blocks: Vec<_> = scripts.filter(is_literal).map(|id| (document.resolve(id).1.span, id)).collect();
            blocks.sort_unstable();
            blocks.dedup_by_key(|(span, _)| *span);
            blocks
        });
        let behind = blocks.partition_point(|(block, _)| block.start <= span.start);
        let (block, id) = blocks.get(behind.checked_sub(1)?)?;
        (block.end >= span.end).then_some((*block, Some(*id)))
    }
}

/// The statements of the lists of a script: of a literal block, or of a file.
fn spots(context: &Context<'_>, file: FileId, (block, id): (Span, Option<NodeId>)) -> Vec<Spot> {
    let text: &str = context.sources.get(file).text();
    let script = match id {
        Some(id) => match context.document.script(text, id) {
            Some((script, map)) if map.is_exact() => shell::parse(script.as_bytes(), &map),
            _ => return Vec::new(),
        },
        None => match text.strip_prefix('\u{feff}') {
            Some(rest) => shell::parse(rest.as_bytes(), &ScriptMap::verbatim(3)),
            None => shell::parse(text.as_bytes(), &ScriptMap::verbatim(0)),
        },
    };
    let mut walk = Walk { text, first: line_start(text.as_bytes(), block.start as usize), spots: Vec::new() };
    walk.list(&script.body, None);
    walk.spots.sort_by_key(|spot| (spot.span.start, std::cmp::Reverse(spot.span.end)));
    walk.spots
}

struct Walk<'a> {
    text: &'a str,
    /// Where the script's first line begins.
    first: usize,
    spots: Vec<Spot>,
}

/// The statement around a list: where it begins, and the line before which it can have another one.
type Around = Option<(u32, Option<u32>)>;

impl Walk<'_> {
    fn list(&mut self, block: &[Statement], around: Around) {
        for statement in block {
            let start = statement.span.start;
            // What stands in one line with its loop or condition goes with it.
            let is_one_line = |outer: u32| self.text.get(outer as usize..start as usize).is_some_and(|text| !text.contains(['\n', '\r']));
            let outer = || around.filter(|(outer, _)| is_one_line(*outer)).and_then(|(_, line)| line);
            let line = self.own_line(start as usize).or_else(outer);
            self.spots.push(Spot { span: statement.span, line });
            self.inside(statement, Some((start, line)));
        }
    }

    fn inside(&mut self, statement: &Statement, around: Around) {
        match &statement.kind {
            StatementKind::Chain(chain) => {
                self.inside(&chain.first, around);
                chain.rest.iter().for_each(|(_, member)| self.inside(member, around));
            }
            StatementKind::Not(inner) | StatementKind::Time(inner) => self.inside(inner, around),
            StatementKind::Background(inner) => self.list(std::slice::from_ref(inner), around),
            StatementKind::Coproc(coproc) => self.inside(&coproc.inner, around),
            StatementKind::Redirected(redirected) => self.inside(&redirected.inner, around),
            StatementKind::Pipe(members) => members.iter().for_each(|member| self.inside(member, around)),
            StatementKind::If(branches) => {
                for (condition, body) in &branches.arms {
                    self.list(condition, around);
                    self.list(body, around);
                }
                self.list(branches.otherwise.as_deref().unwrap_or_default(), around);
            }
            StatementKind::Loop(repeated) => {
                if let LoopHead::Condition { condition, .. } = &repeated.head {
                    self.list(condition, around);
                }
                self.list(&repeated.body, around);
            }
            StatementKind::Case(case) => case.arms.iter().for_each(|arm| self.list(&arm.body, around)),
            StatementKind::Group(block) | StatementKind::Subshell(block) => self.list(block, around),
            // Before a function is not before its call.
            StatementKind::Function(function) => self.list(&function.body, None),
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

    /// The beginning of the line that a statement is the first of, unless the line before goes on in it.
    fn own_line(&self, start: usize) -> Option<u32> {
        let line = line_start(self.text.as_bytes(), start);
        let is_first = self.text.get(line..start)?.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
        if !is_first {
            return None;
        }
        if line > self.first {
            let above = self.text[self.first..line].trim_end_matches(['\r', '\n']);
            let above = above[line_start(above.as_bytes(), above.len())..].trim();
            if !above.starts_with('#') && ["\\", "&&", "|"].iter().any(|end| above.ends_with(end)) {
                return None;
            }
        }
        u32::try_from(line).ok()
    }
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

    pub(crate) fn add(&mut self, export: Option<Edit>) {
        match (&mut self.0, export) {
            (Some(edits), Some(export)) => {
                edits.insert(export);
            }
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
