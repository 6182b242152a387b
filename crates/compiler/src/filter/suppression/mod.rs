//! Comments that hide findings: `# sidestage: ignore[rule] reason` at a line, `ignore-file[rule]` at the top of a file.
//!
//! It is decided on all findings, before severities: whether an ignore hides something does not depend on what is shown.

mod directive;
mod merge;

use rustc_hash::FxHashMap;

use crate::diagnostics::{Finding, RuleId, sort};
use crate::source::{FileId, Location, Source, Sources, Span};
use directive::{Directive, DirectiveError, Explanation, MARK, Scope};

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
/// `comments` are those of each file; a file may come several times. Nothing is called unused unless `is_whole`: only
/// then was everything looked at that an ignore could hide.
pub fn apply<'a>(
    sources: &Sources,
    comments: impl IntoIterator<Item = (FileId, &'a [Span])>,
    is_whole: bool,
    findings: &mut Vec<Finding>,
) -> Ignores {
    let mut ignores = Ignores::read(sources, comments, is_whole);
    if !ignores.files.is_empty() {
        findings.retain(|finding| !ignores.hides(sources, finding));
        findings.extend(ignores.files.iter().flat_map(FileIgnores::unused));
        sort(findings, sources);
    }
    ignores
}

impl Ignores {
    fn read<'a>(sources: &Sources, comments: impl IntoIterator<Item = (FileId, &'a [Span])>, is_judged: bool) -> Self {
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
            let file = FileIgnores::read(sources.get(id), id, &spans, is_judged);
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

impl FileIgnores {
    fn read(source: &Source, id: FileId, comments: &[Span], is_judged: bool) -> Self {
        let text = source.text();
        let top = top(text);
        let mut file = Self {
            path: source.path().to_owned(),
            id,
            ignores: Vec::new(),
            lines: Vec::new(),
            whole: Vec::new(),
            errors: Vec::new(),
            is_judged,
        };
        // From the last to the first: of comments that stack, the lowest says which line they are about.
        let mut below: Option<(usize, usize)> = None;
        for comment in comments.iter().rev() {
            let directives = directive::read(text, *comment);
            if directives.is_empty() {
                continue;
            }
            let line = source.position(comment.start).line;
            let before = text.get(source.line_table().line_start(line)..comment.start as usize).unwrap_or_default();
            let is_alone = before.trim_start_matches('\u{feff}').trim().is_empty();
            let target = match below {
                _ if !is_alone => {
                    if opens_folded(before) {
                        line + 1
                    } else {
                        line
                    }
                }
                Some((next, target)) if next == line + 1 => target,
                _ => line + 1,
            };
            if is_alone {
                below = Some((line, target));
            }
            for directive in directives.into_iter().rev() {
                match directive {
                    Directive::Ignore { scope: Scope::File, at, .. } if at.start as usize >= top => match file.errors.last_mut() {
                        // One comment is at one place, however many names it lists.
                        Some((first, known, DirectiveError::Misplaced)) if *known == line => *first = at,
                        _ => file.errors.push((at, line, DirectiveError::Misplaced)),
                    },
                    Directive::Ignore { scope, rule, at } => {
                        let index = file.ignores.len();
                        file.ignores.push(Ignore { rule, scope, at, line, is_used: false });
                        match scope {
                            Scope::File => file.whole.push(index),
                            // Findings about a comment are in the comment itself, or in the next comment.
                            Scope::Line if rule == RuleId::UnusedIgnore => {
                                let mut lines = vec![line, target];
                                lines.extend(is_alone.then_some(line + 1));
                                lines.sort_unstable();
                                lines.dedup();
                                file.lines.extend(lines.into_iter().map(|line| (line, index)));
                            }
                            Scope::Line => file.lines.push((target, index)),
                        }
                    }
                    Directive::Error { error, at } => file.errors.push((at, line, error)),
                }
            }
        }
        file.lines.sort_unstable();
        file
    }

    /// The ignores of a rule that the lines from `first` to `last` carry.
    fn covering(&self, rule: RuleId, first: usize, last: usize) -> impl Iterator<Item = usize> {
        let from = self.lines.partition_point(|(line, _)| *line < first);
        let lines = self.lines[from..].iter().take_while(move |(line, _)| *line <= last).map(|(_, index)| *index);
        lines.chain(self.whole.iter().copied()).filter(move |index| self.ignores[*index].rule == rule)
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
        // Then the ignores of `unused-ignore` itself: first those of lines, which those of the file can hide.
        let is_own = |ignore: &Ignore| ignore.rule == RuleId::UnusedIgnore;
        let rounds: [&dyn Fn(&Ignore) -> bool; 3] =
            [&|ignore| !is_own(ignore), &|ignore| is_own(ignore) && ignore.scope == Scope::Line, &|ignore| {
                is_own(ignore) && ignore.scope == Scope::File
            }];
        for (round, is_its) in rounds.iter().enumerate() {
            for (index, ignore) in self.ignores.iter().enumerate() {
                if is_used[index] || !is_its(ignore) {
                    continue;
                }
                let is_hidden = match round {
                    0 => self.ignores_unused(ignore.line, &mut is_used, |_| true),
                    1 => self.ignores_unused(ignore.line, &mut is_used, |hiding| hiding.scope == Scope::File),
                    _ => false,
                };
                if !is_hidden {
                    let place = match ignore.scope {
                        Scope::Line => "on this line",
                        Scope::File => "in this file",
                    };
                    let message = format!("unused suppression of `{}`", ignore.rule.name());
                    let help = "remove the name from the list, or the whole comment";
                    let finding = Finding::new(RuleId::UnusedIgnore, self.at(ignore.at), message);
                    findings.push(finding.label(format!("nothing is found {place}")).help(help));
                }
            }
        }
        findings
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
