//! Scripts that the platform provides, as the settings say.

use super::value::Piece;
use crate::syntax::shell::{Part, Word};

/// The prefixes of `platform-scripts`, in the one form that paths are compared in: `${X}` for `$X`, no quotes.
#[derive(Debug)]
pub(super) struct Provided(Vec<String>);

impl Provided {
    pub(super) fn new(prefixes: &[String]) -> Self {
        Self(prefixes.iter().map(|prefix| plain(prefix)).filter(|prefix| !prefix.is_empty()).collect())
    }

    /// Whether a path, from the repository's root or absolute, begins like one of them.
    pub(super) fn holds(&self, path: &str) -> bool {
        let path = path.strip_prefix("./").unwrap_or(path);
        self.0.iter().any(|prefix| path.starts_with(prefix))
    }

    /// Whether the path of a call does: as it is written, or as far as its text is known.
    pub(super) fn names(&self, word: &Word, text: &[Piece]) -> bool {
        if self.0.is_empty() {
            return false;
        }
        self.holds(&written(word)) || matches!(text, [Piece::Text(known), ..] if self.holds(known))
    }
}

/// A word as it is written, without quotes, up to the first part that is no text and no variable.
pub(super) fn written(word: &Word) -> String {
    let mut text = String::new();
    for part in &word.parts {
        match part {
            Part::Text(piece, _) => text.push_str(piece),
            Part::Variable(name, _) => text.push_str(&format!("${{{name}}}")),
            Part::Expansion(expansion, _) if expansion.default().is_some() => text.push_str(&format!("${{{}}}", expansion.name)),
            _ => break,
        }
    }
    text
}

/// A prefix in the form of [`written`].
fn plain(prefix: &str) -> String {
    let bare = prefix.replace(['"', '\''], "");
    let mut rest = bare.strip_prefix("./").unwrap_or(&bare);
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let is_braced = after.starts_with('{');
        let from = usize::from(is_braced);
        let name_end = after[from..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(after.len(), |at| from + at);
        let name = &after[from..name_end];
        rest = &after[name_end..];
        if is_braced {
            // What stands for an unset variable is no part of its name.
            rest = rest.split_once('}').map_or("", |(_, rest)| rest);
        }
        text.push_str(&if name.is_empty() { "$".to_owned() } else { format!("${{{name}}}") });
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_prefix_has_one_form_however_it_is_written() {
        for (prefix, expected) in [
            ("scripts/vendored/", "scripts/vendored/"),
            ("./scripts/", "scripts/"),
            ("$TOOLS/", "${TOOLS}/"),
            ("${TOOLS}/x", "${TOOLS}/x"),
            ("\"${TOOLS}\"/x", "${TOOLS}/x"),
            ("${TOOLS:-/opt}/x", "${TOOLS}/x"),
            ("$A$B", "${A}${B}"),
            ("a$", "a$"),
            ("${", "$"),
        ] {
            assert_eq!(plain(prefix), expected, "{prefix}");
        }
    }
}
