//! What parameter expansions make of known text.

use compact_str::CompactString;

use super::glob::Pattern;
use crate::syntax::shell::Replaced;

/// `${text#pattern}`, `${text##pattern}`.
pub(crate) fn without_prefix(text: &str, pattern: &Pattern, longest: bool) -> CompactString {
    let chars: Vec<char> = text.chars().collect();
    let cut = pattern.prefix(&chars, longest).unwrap_or_default();
    chars[cut..].iter().collect()
}

/// `${text%pattern}`, `${text%%pattern}`.
pub(crate) fn without_suffix(text: &str, pattern: &Pattern, longest: bool) -> CompactString {
    let chars: Vec<char> = text.chars().collect();
    let cut = pattern.suffix(&chars, longest).unwrap_or_default();
    chars[..chars.len() - cut].iter().collect()
}

/// `${text/pattern/new}` and its kin.
pub(crate) fn replaced(text: &str, pattern: &Pattern, new: &str, which: Replaced) -> CompactString {
    let chars: Vec<char> = text.chars().collect();
    match which {
        Replaced::Start => match pattern.prefix(&chars, true) {
            Some(length) => new.chars().chain(chars[length..].iter().copied()).collect(),
            None => text.into(),
        },
        Replaced::End => match pattern.suffix(&chars, true) {
            Some(length) => chars[..chars.len() - length].iter().copied().chain(new.chars()).collect(),
            None => text.into(),
        },
        Replaced::First | Replaced::All => {
            let mut result = CompactString::default();
            let mut at = 0;
            let mut is_done = false;
            while at < chars.len() {
                match pattern.prefix(&chars[at..], true).filter(|length| *length > 0 && !is_done) {
                    Some(length) => {
                        result.push_str(new);
                        at += length;
                        is_done = which == Replaced::First;
                    }
                    None => {
                        result.push(chars[at]);
                        at += 1;
                    }
                }
            }
            result
        }
    }
}

/// `${text:offset:length}`; `None` where bash would refuse it.
pub(crate) fn slice(text: &str, offset: i64, length: Option<i64>) -> Option<CompactString> {
    let chars: Vec<char> = text.chars().collect();
    let (from, to) = slice_bounds(chars.len(), offset, length)?;
    Some(chars[from..to].iter().collect())
}

/// The bounds of a slice of a list of so many elements.
pub(crate) fn slice_bounds(count: usize, offset: i64, length: Option<i64>) -> Option<(usize, usize)> {
    let count = i64::try_from(count).ok()?;
    let from = if offset < 0 { count + offset } else { offset };
    if from < 0 || from > count {
        return Some((0, 0));
    }
    let to = match length {
        None => count,
        Some(length) if length < 0 => count + length,
        Some(length) => (from + length).min(count),
    };
    Some((usize::try_from(from).ok()?, usize::try_from(to).ok()?)).filter(|(from, to)| to >= from)
}

/// `${text^}`, `${text^^}`, `${text,}`, `${text,,}` without a pattern.
pub(crate) fn case_changed(text: &str, to_upper: bool, all: bool) -> CompactString {
    let changed = |char: char| -> Vec<char> { if to_upper { char.to_uppercase().collect() } else { char.to_lowercase().collect() } };
    let mut result = CompactString::default();
    for (index, char) in text.chars().enumerate() {
        if all || index == 0 {
            result.extend(changed(char));
        } else {
            result.push(char);
        }
    }
    result
}

/// The fields that text becomes where it is not quoted.
pub(crate) fn split_fields(text: &str, separators: &str) -> Vec<CompactString> {
    let is_separator = |c: char| separators.contains(c);
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n') && is_separator(c);
    let mut fields = Vec::new();
    let mut rest = text.trim_start_matches(is_blank);
    while !rest.is_empty() {
        let end = rest.find(is_separator).unwrap_or(rest.len());
        fields.push(CompactString::from(&rest[..end]));
        rest = rest[end..].trim_start_matches(is_blank);
        // One separator that is no blank ends the field, with the blanks around it.
        if let Some(first) = rest.chars().next().filter(|c| is_separator(*c)) {
            rest = rest[first.len_utf8()..].trim_start_matches(is_blank);
        }
    }
    fields
}

/// The escapes of `echo -e`, `printf` and `%b`; `None` for those that are not known here.
pub(crate) fn unescaped(text: &str) -> Option<CompactString> {
    let mut result = CompactString::default();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            result.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => result.push('\n'),
            Some('t') => result.push('\t'),
            Some('r') => result.push('\r'),
            Some('\\') | None => result.push('\\'),
            Some('"') => result.push('"'),
            Some('\'') => result.push('\''),
            Some(_) => return None,
        }
    }
    Some(result)
}

/// What `read` takes of a text: its first line without the line break, and the rest; whether a line break ended it.
pub(crate) fn first_line(text: &str) -> (&str, &str, bool) {
    match text.split_once('\n') {
        Some((line, rest)) => (line, rest, true),
        None => (text, "", false),
    }
}

#[cfg(test)]
mod tests {
    use super::{case_changed, replaced, slice, split_fields, without_prefix, without_suffix};
    use crate::flow::value::glob::Pattern;
    use crate::syntax::shell::Replaced;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        pattern.push_pattern(text);
        pattern
    }

    #[test]
    fn expansions_are_those_of_bash() {
        assert_eq!(without_prefix("a/b/c", &pattern("*/"), false), "b/c");
        assert_eq!(without_prefix("a/b/c", &pattern("*/"), true), "c");
        assert_eq!(without_suffix("a.tar.gz", &pattern(".*"), false), "a.tar");
        assert_eq!(without_suffix("a.tar.gz", &pattern(".*"), true), "a");
        assert_eq!(replaced("a-b-c", &pattern("-"), "_", Replaced::All), "a_b_c");
        assert_eq!(replaced("a-b-c", &pattern("-"), "_", Replaced::First), "a_b-c");
        assert_eq!(replaced("a-b", &pattern("a"), "", Replaced::Start), "-b");
        assert_eq!(slice("hello", 1, Some(3)).as_deref(), Some("ell"));
        assert_eq!(slice("hello", -2, None).as_deref(), Some("lo"));
        assert_eq!(slice("hello", 1, Some(-1)).as_deref(), Some("ell"));
        assert_eq!(case_changed("ab", true, false), "Ab");
    }

    #[test]
    fn words_are_split_at_separators() {
        assert_eq!(split_fields("  a  b\n", " \t\n"), ["a", "b"]);
        assert_eq!(split_fields("a:b::c", ":"), ["a", "b", "", "c"]);
        assert_eq!(split_fields("a:b:", ":"), ["a", "b"]);
        assert_eq!(split_fields(" a : b ", " :"), ["a", "b"]);
        assert_eq!(split_fields("a b", ""), ["a b"]);
        assert_eq!(split_fields("", ":"), Vec::<&str>::new());
    }
}
