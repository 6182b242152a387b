//! What a comment asks for: `# sidestage: ignore[rule-a, rule-b] reason`.

use crate::diagnostics::{RuleId, nearest};
use crate::source::Span;

/// What a comment that speaks to sidestage holds.
pub(super) const MARK: &str = "sidestage:";

const LINE: &str = "ignore";
const FILE: &str = "ignore-file";

/// How far an ignore reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Line,
    File,
}

/// One rule name of an ignore, or what is wrong with the ignore; with its bytes in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Ignore { scope: Scope, rule: RuleId, at: Span },
    Error { error: DirectiveError, at: Span },
}

/// Why an ignore has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DirectiveError {
    /// The word after the mark is unknown.
    UnknownWord(String),
    /// `ignore` without brackets.
    NoList(Scope),
    /// `ignore[a`.
    Unclosed(Scope),
    /// `ignore[]`.
    Empty(Scope),
    /// No rule has this name.
    UnknownRule(String),
    /// `ignore-file` after the top of the file.
    Misplaced,
}

impl Scope {
    /// As it is written.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Line => LINE,
            Self::File => FILE,
        }
    }
}

/// Everything that the comment at a span of a file says, in order.
pub(super) fn read(text: &str, comment: Span) -> Vec<Directive> {
    let mut found = Vec::new();
    let body = comment.slice(text);
    for (mark, _) in body.match_indices(MARK) {
        if !opens_comment(&body[..mark]) {
            continue;
        }
        let mut reader = Reader { body, at: mark + MARK.len(), base: comment.start as usize, found: &mut found };
        if reader.word(true) {
            while reader.word(false) {}
        }
    }
    found
}

/// Whether only a `#` and blanks are before it: at the beginning of the comment, or of a comment in it.
fn opens_comment(before: &str) -> bool {
    let hash = before.trim_end_matches([' ', '\t']);
    let outside = hash.trim_end_matches('#');
    outside.len() < hash.len() && (outside.is_empty() || outside.ends_with([' ', '\t']))
}

struct Reader<'a> {
    body: &'a str,
    at: usize,
    /// Where `body` begins in the file.
    base: usize,
    found: &'a mut Vec<Directive>,
}

impl Reader<'_> {
    /// Reads `ignore[..]`; whether all of it is there. Only the first word after the mark must be one: after that
    /// the reason may say anything.
    fn word(&mut self, is_first: bool) -> bool {
        let rest = &self.body[self.at..];
        let start = self.at + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
        let rest = &self.body[start..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(length);
        let list = rest.strip_prefix('[');
        let scope = match word {
            LINE => Scope::Line,
            FILE => Scope::File,
            _ => {
                // Words without brackets that are not similar to ours are prose.
                let is_meant = !word.is_empty() && (list.is_some() || nearest(word, [LINE, FILE]).is_some());
                if is_first && is_meant {
                    self.error(DirectiveError::UnknownWord(word.to_owned()), start, word.len());
                }
                return false;
            }
        };
        let Some(list) = list else {
            if is_first {
                self.error(DirectiveError::NoList(scope), start, word.len());
            }
            return false;
        };
        let from = start + length + 1;
        let Some(end) = list.find(']') else {
            self.error(DirectiveError::Unclosed(scope), start, length + 1);
            return false;
        };
        self.names(scope, &list[..end], from);
        self.at = from + end + 1;
        true
    }

    fn names(&mut self, scope: Scope, list: &str, from: usize) {
        let mut at = from;
        let mut is_empty = true;
        for item in list.split(',') {
            let name = item.trim();
            let start = at + (item.len() - item.trim_start().len());
            at += item.len() + 1;
            if name.is_empty() {
                continue;
            }
            is_empty = false;
            match RuleId::named(name) {
                Some(rule) => {
                    let at = self.span(start, name.len());
                    self.found.push(Directive::Ignore { scope, rule, at });
                }
                None => self.error(DirectiveError::UnknownRule(name.to_owned()), start, name.len()),
            }
        }
        if is_empty {
            let word = scope.word().len();
            self.error(DirectiveError::Empty(scope), from - 1 - word, word + list.len() + 2);
        }
    }

    fn span(&self, start: usize, length: usize) -> Span {
        Span::new(self.base + start, self.base + start + length)
    }

    fn error(&mut self, error: DirectiveError, start: usize, length: usize) {
        let at = self.span(start, length);
        self.found.push(Directive::Error { error, at });
    }
}

/// What is wrong with a directive, and what to type.
pub(super) struct Explanation {
    pub(super) title: String,
    pub(super) label: String,
    pub(super) help: String,
}

impl DirectiveError {
    /// What is wrong and what to type.
    pub(super) fn explain(&self) -> Explanation {
        let form = |scope: &Scope| format!("write `{}[rule]`, with the name that findings show in brackets", scope.word());
        let (title, help) = match self {
            Self::UnknownWord(word) => {
                let help = match nearest(word, [LINE, FILE]) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write `ignore[rule]` for a line, `ignore-file[rule]` for the whole file".to_owned(),
                };
                (format!("unknown directive `{word}`"), help)
            }
            Self::NoList(scope) => (format!("`{}` names no rule", scope.word()), form(scope)),
            Self::Unclosed(scope) => (format!("the list of `{}` is never closed", scope.word()), "add `]` after the last name".to_owned()),
            Self::Empty(scope) => (format!("the list of `{}` is empty", scope.word()), form(scope)),
            Self::UnknownRule(name) => (format!("unknown rule `{name}`"), RuleId::hint(name)),
            Self::Misplaced => (
                "`ignore-file` is not at the top of the file".to_owned(),
                "move it to the comments at the top, or write `ignore[rule]` for one line".to_owned(),
            ),
        };
        Explanation { title, label: "nothing is suppressed".to_owned(), help }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a comment says: names as they are written, errors by their help.
    fn said(comment: &str) -> Vec<String> {
        let text = format!("ä {comment}");
        let said = read(&text, Span::new(3, text.len())).into_iter().map(|directive| match directive {
            Directive::Ignore { scope, rule, at } => {
                assert_eq!(at.slice(&text), rule.name());
                format!("{} {}", scope.word(), rule.name())
            }
            Directive::Error { error, at } => format!("{} ({})", error.explain().help, at.slice(&text)),
        });
        said.collect()
    }

    #[test]
    fn names_are_read_with_their_places() {
        let two = ["ignore late-export", "ignore missing-stage"];
        assert_eq!(said("# sidestage: ignore[late-export]"), two[..1]);
        assert_eq!(said("#sidestage:ignore[late-export,missing-stage,] why: [not] yet"), two);
        assert_eq!(said("# sidestage: ignore[ late-export ,\tmissing-stage ]\r"), two);
        assert_eq!(said("# sidestage: ignore[late-export] a # sidestage: ignore[missing-stage] b"), two);
        assert_eq!(said("# sidestage: ignore[late-export] ignore[missing-stage] b"), two);
        assert_eq!(said("# shellcheck disable=SC1091 # sidestage: ignore[late-export]"), two[..1]);
        assert_eq!(said("## sidestage: ignore-file[late-export]"), ["ignore-file late-export"]);
    }

    #[test]
    fn what_only_speaks_of_it_is_prose() {
        for prose in [
            "# see sidestage: ignore[late-export]",
            "# sidestage: checks this file",
            "# sidestage:",
            "# sidestage: https://example.com/[x]",
            "# a#sidestage: ignore[late-export]",
            "# sidestage ignore[late-export]",
        ] {
            assert!(said(prose).is_empty(), "{prose}: {:?}", said(prose));
        }
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let form = "write `ignore[rule]`, with the name that findings show in brackets";
        assert_eq!(said("# sidestage: ignore late-export"), [format!("{form} (ignore)")]);
        assert_eq!(said("# sidestage: ignore [late-export]"), [format!("{form} (ignore)")]);
        assert_eq!(said("# sidestage: ignore[ , ]"), [format!("{form} (ignore[ , ])")]);
        assert_eq!(said("# sidestage: ignore[late-export why"), ["add `]` after the last name (ignore[)"]);
        assert_eq!(said("# sidestage: ignroe[late-export]"), ["did you mean `ignore`? (ignroe)"]);
        assert_eq!(
            said("# sidestage: ignore[late-exprot, late-export]"),
            ["did you mean `late-export`? (late-exprot)", "ignore late-export"]
        );
        assert_eq!(said("# sidestage: ignore[everything]"), ["`sidestage rules` lists them (everything)"]);
    }
}
