//! Comments that hide findings: `# sidestage: ignore[rule] reason` at a line or a command, `ignore-file[rule]` at the top of a file.
//!
//! It is decided on all findings, before severities: whether an ignore hides something does not depend on what is shown.

mod commands;
mod directive;
mod merge;

use rustc_hash::FxHashMap;

use crate::diagnostics::{Finding, RuleId, sort};
use crate::source::{FileId, Location, Source, Sources, Span};
use directive::{Directive, DirectiveError, Explanation, MARK, Scope};

pub(crate) use commands::{of_config, of_script};
pub(super) use merge::merge;

/// The ignores of some files, and which of them hid something.
#[derive(Debug, Default)]
pub struct Ignores {
    files: Vec<FileIgnores>,
    by_id: FxHashMap<FileId, usize>,
}

/// The ignores of one file.
#[derive(Debug, Clone)]
struct FileIgnores {
    path: String,
    /// As it is called in its sources.
    id: FileId,
    ignores: Vec<Ignore>,
    /// Which of `ignores` each line carries, sorted.
    lines: Vec<(usize, usize)>,
    /// The first and the last line of commands of several lines, and which of `ignores` each carries, sorted.
    commands: Vec<(usize, usize, usize)>,
    /// Those that are for the whole file.
    whole: Vec<usize>,
    errors: Vec<(Span, usize, DirectiveError)>,
    /// Whether everything was looked at that could use them.
    is_judged: bool,
}

/// One rule name of an ignore.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ignore {
    rule: RuleId,
    scope: Scope,
    at: Span,
    /// The line of the comment.
    line: usize,
    is_used: bool,
}

/// Takes out the findings that a comment hides, and adds those about comments that hide nothing.
///
/// `comments` are those of each file; a file may come several times. `commands` gives the commands of a file: a comment
/// at one covers all its lines. Nothing is called unused unless `is_whole`: only then was everything looked at that an
/// ignore could hide.
pub fn apply<'a>(
    sources: &Sources,
    comments: impl IntoIterator<Item = (FileId, &'a [Span])>,
    commands: &dyn Fn(FileId) -> Vec<Span>,
    is_whole: bool,
    findings: &mut Vec<Finding>,
) -> Ignores {
    let mut ignores = Ignores::read(sources, comments, commands, is_whole);
    if !ignores.files.is_empty() {
        findings.retain(|finding| !ignores.hides(sources, finding));
        findings.extend(ignores.files.iter().flat_map(FileIgnores::unused));
        sort(findings, sources);
    }
    ignores
}

impl Ignores {
    fn read<'a>(
        sources: &Sources,
        comments: impl IntoIterator<Item = (FileId, &'a [Span])>,
        commands: &dyn Fn(FileId) -> Vec<Span>,
        is_judged: bool,
    ) -> Self {
        let mut by_file: Vec<(FileId, Vec<Span>)> = Vec::new();
        for (file, spans) in comments {
            let text = sources.get(file).text();
            let speaking = spans.iter().copied().filter(|span| span.slice(text).contains(MARK));
            match by_file.iter_mut().find(|(known, _)| *known == file) {
                Some((_, known)) => known.extend(speaking),
                None => by_file.push((file, speaking.collect())),
            }
        }
        let mut ignores = Self::default();
        for (id, mut spans) in by_file.into_iter().filter(|(_, spans)| !spans.is_empty()) {
            spans.sort_unstable();
            spans.dedup();
            let source = sources.get(id);
            let targets = targets(source, &spans, &several_lines(source, commands(id)));
            let file = FileIgnores::new(source, id, targets, is_judged);
            // One file may have been read by two ways.
            let index = ignores.files.iter().position(|known| known.is_same(&file)).unwrap_or(ignores.files.len());
            if index == ignores.files.len() {
                ignores.files.push(file);
            }
            ignores.by_id.insert(id, index);
        }
        ignores
    }

    /// Whether a finding is ignored; what hides it is used then.
    fn hides(&mut self, sources: &Sources, finding: &Finding) -> bool {
        let Some(file) = self.by_id.get(&finding.at.file).and_then(|index| self.files.get_mut(*index)) else { return false };
        let source = sources.get(finding.at.file);
        let first = source.position(finding.at.span.start).line;
        let last = if finding.at.span.is_empty() { first } else { source.position(finding.at.span.end - 1).line };
        let hiding: Vec<usize> = file.covering(finding.rule, first, last).collect();
        for index in &hiding {
            file.ignores[*index].is_used = true;
        }
        !hiding.is_empty()
    }
}

/// A comment, and what it is about.
struct CommentTarget {
    /// The line of the comment.
    line: usize,
    /// Whether nothing else is in its line.
    is_alone: bool,
    /// The line that it is about.
    about: usize,
    /// The first and the last line of a command of several lines that it is about.
    command: Option<(usize, usize)>,
    directives: Vec<Directive>,
}

/// What each comment is about, from the last to the first: of comments that stack, the lowest says which line it is.
fn targets(source: &Source, comments: &[Span], commands: &[(usize, usize)]) -> Vec<CommentTarget> {
    let text = source.text();
    let mut targets: Vec<CommentTarget> = Vec::new();
    let mut below: Option<(usize, usize)> = None;
    for comment in comments.iter().rev() {
        let directives = directive::read(text, *comment);
        if directives.is_empty() {
            continue;
        }
        let line = source.position(comment.start).line;
        let before = text.get(source.line_table().line_start(line)..comment.start as usize).unwrap_or_default();
        let is_alone = before.trim_start_matches('\u{feff}').trim().is_empty();
        let about = match below {
            _ if !is_alone => line + usize::from(opens_folded(before)),
            Some((next, about)) if next == line + 1 => about,
            _ => line + 1,
        };
        if is_alone {
            below = Some((line, about));
        }
        let command = command_at(commands, about, is_alone);
        targets.push(CommentTarget { line, is_alone, about, command, directives });
    }
    targets
}

/// The command that begins in a line; for a comment behind it also the one that ends there.
fn command_at(commands: &[(usize, usize)], line: usize, is_alone: bool) -> Option<(usize, usize)> {
    let around = &commands[commands.partition_point(|(_, last)| *last < line)..];
    let mut around = around.iter().take_while(|(first, _)| *first <= line);
    around.find(|(first, last)| *first == line || (!is_alone && *last == line)).copied()
}

/// The first and the last line of each command that has several.
fn several_lines(source: &Source, commands: Vec<Span>) -> Vec<(usize, usize)> {
    let line = |offset| source.position(offset).line;
    let lines = commands.into_iter().filter(|span| !span.is_empty()).map(|span| (line(span.start), line(span.end - 1)));
    let mut lines: Vec<(usize, usize)> = lines.filter(|(first, last)| first < last).collect();
    lines.sort_unstable();
    lines
}

impl FileIgnores {
    fn new(source: &Source, id: FileId, targets: Vec<CommentTarget>, is_judged: bool) -> Self {
        let mut file = Self {
            path: source.path().to_owned(),
            id,
            ignores: Vec::new(),
            lines: Vec::new(),
            commands: Vec::new(),
            whole: Vec::new(),
            errors: Vec::new(),
            is_judged,
        };
        let top = top(source.text());
        for mut target in targets {
            for directive in std::mem::take(&mut target.directives).into_iter().rev() {
                file.add(directive, &target, top);
            }
        }
        file.lines.sort_unstable();
        file.commands.sort_unstable();
        file
    }

    fn add(&mut self, directive: Directive, target: &CommentTarget, top: usize) {
        let line = target.line;
        match directive {
            Directive::Ignore { scope: Scope::File, at, .. } if at.start as usize >= top => match self.errors.last_mut() {
                // One comment is at one place, however many names it lists.
                Some((first, known, DirectiveError::Misplaced)) if *known == line => *first = at,
                _ => self.errors.push((at, line, DirectiveError::Misplaced)),
            },
            Directive::Ignore { scope, rule, at } => {
                let index = self.ignores.len();
                self.ignores.push(Ignore { rule, scope, at, line, is_used: false });
                match scope {
                    Scope::File => self.whole.push(index),
                    // Findings about a comment are in the comment itself, or in the next comment.
                    Scope::Line if rule == RuleId::UnusedIgnore => {
                        let mut lines = vec![line, target.about];
                        lines.extend(target.is_alone.then_some(line + 1));
                        lines.sort_unstable();
                        lines.dedup();
                        self.lines.extend(lines.into_iter().map(|line| (line, index)));
                    }
                    Scope::Line => {
                        self.lines.push((target.about, index));
                        self.commands.extend(target.command.map(|(first, last)| (first, last, index)));
                    }
                }
            }
            Directive::Error { error, at } => self.errors.push((at, line, error)),
        }
    }

    /// The ignores of a rule that the lines from `first` to `last` carry.
    fn covering(&self, rule: RuleId, first: usize, last: usize) -> impl Iterator<Item = usize> {
        let from = self.lines.partition_point(|(line, _)| *line < first);
        let lines = self.lines[from..].iter().take_while(move |(line, _)| *line <= last).map(|(_, index)| *index);
        let from = self.commands.partition_point(|(_, end, _)| *end < first);
        let commands = self.commands[from..].iter().take_while(move |(start, _, _)| *start <= last).map(|(_, _, index)| *index);
        lines.chain(commands).chain(self.whole.iter().copied()).filter(move |index| self.ignores[*index].rule == rule)
    }

    /// Whether two readings are of one file.
    fn is_same(&self, other: &Self) -> bool {
        let places = |file: &Self| file.ignores.iter().map(|ignore| (ignore.rule, ignore.at)).collect::<Vec<_>>();
        self.path == other.path && self.errors == other.errors && places(self) == places(other)
    }

    /// Findings about the ignores themselves: what has no effect, and what suppresses nothing.
    fn unused(&self) -> Vec<Finding> {
        let mut is_used: Vec<bool> = self.ignores.iter().map(|ignore| ignore.is_used).collect();
        let mut findings = Vec::new();
        for (at, line, error) in &self.errors {
            if !self.ignores_unused(*line, &mut is_used, |_| true) {
                let Explanation { title, label, help } = error.explain();
                findings.push(Finding::new(RuleId::UnusedIgnore, self.at(*at), title).label(label).help(help));
            }
        }
        if !self.is_judged {
            return findings;
        }
        // An ignore of `unused-ignore` in a line hides other findings, one of the file also those about such ignores.
        let is_own = |ignore: &Ignore| ignore.rule == RuleId::UnusedIgnore;
        for (index, ignore) in self.ignores.iter().enumerate().filter(|(_, ignore)| !is_own(ignore)) {
            if !is_used[index] && !self.ignores_unused(ignore.line, &mut is_used, |_| true) {
                findings.push(self.unused_ignore(ignore));
            }
        }
        for scope in [Scope::Line, Scope::File] {
            for (index, ignore) in self.ignores.iter().enumerate().filter(|(_, ignore)| is_own(ignore) && ignore.scope == scope) {
                let may_hide = |hiding: &Ignore| scope == Scope::Line && hiding.scope == Scope::File;
                if !is_used[index] && !self.ignores_unused(ignore.line, &mut is_used, may_hide) {
                    findings.push(self.unused_ignore(ignore));
                }
            }
        }
        findings
    }

    fn unused_ignore(&self, ignore: &Ignore) -> Finding {
        let place = match ignore.scope {
            Scope::Line => "on this line",
            Scope::File => "in this file",
        };
        let message = format!("unused suppression of `{}`", ignore.rule.name());
        let help = "remove the name from the list, or the whole comment";
        Finding::new(RuleId::UnusedIgnore, self.at(ignore.at), message).label(format!("nothing is found {place}")).help(help)
    }

    /// Whether a finding about a comment in this line is ignored in turn; what hides it is used then.
    fn ignores_unused(&self, line: usize, is_used: &mut [bool], may_hide: impl Fn(&Ignore) -> bool) -> bool {
        let mut is_hidden = false;
        for index in self.covering(RuleId::UnusedIgnore, line, line).filter(|index| may_hide(&self.ignores[*index])) {
            is_used[index] = true;
            is_hidden = true;
        }
        is_hidden
    }

    fn at(&self, span: Span) -> Location {
        Location { file: self.id, span }
    }
}

/// Whether a folded block (`key: >-`) begins after the text of a line. Its text has no lines of its own, and no comments:
/// a comment here is about all of it.
fn opens_folded(before: &str) -> bool {
    let header = before.trim_end().trim_end_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    header.strip_suffix('>').is_some_and(|key| key.ends_with([' ', '\t']))
}

/// Where the first line begins that is not a comment, not blank, and does not open a YAML document.
fn top(text: &str) -> usize {
    let mut end = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let content = line.trim_start_matches('\u{feff}').trim();
        let rest = content.strip_prefix("---").unwrap_or(content).trim_start();
        if !rest.is_empty() && !rest.starts_with('#') {
            break;
        }
        end += line.len();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_file_ends_with_the_first_line_that_says_something() {
        for (text, expected) in [
            ("", ""),
            ("#!/bin/sh\n# a\n\nx\n# b\n", "#!/bin/sh\n# a\n\n"),
            ("\u{feff}# a\r\n--- # b\r\nversion: '1'", "\u{feff}# a\r\n--- # b\r\n"),
            ("# a\n--- x\n", "# a\n"),
            ("# only\n", "# only\n"),
            ("x # a\n", ""),
        ] {
            assert_eq!(&text[..top(text)], expected, "{text:?}");
        }
    }

    #[test]
    fn a_folded_block_is_known_by_its_header() {
        for (before, expected) in [("  script: > ", true), ("  - >-2\t", true), ("  script: | ", false), ("  a: b> ", false), ("", false)] {
            assert_eq!(opens_folded(before), expected, "{before:?}");
        }
    }
}
