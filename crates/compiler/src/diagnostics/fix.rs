//! What would fix a finding.

use crate::source::{Location, Sources, Span};
use crate::syntax::yaml;

/// Whether a fix can be taken unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Safety {
    /// It does exactly what is meant, and nothing else.
    Safe,
    /// It may change more than is meant, or leave something to clean up: review it.
    Unsafe,
}

impl Safety {
    /// `safe` or `unsafe`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
        }
    }
}

/// A replacement of text; an empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edit {
    /// What is replaced.
    pub at: Location,
    /// What it is replaced by.
    pub text: String,
}

/// Edits that together fix a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Whether it can be taken unseen.
    pub safety: Safety,
    /// What it does, in the imperative.
    pub description: String,
    /// The edits, in order; no two overlap.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// Replaces a misspelt name, if the place holds exactly that name, with or without quotes. A computed name
    /// is written elsewhere.
    pub(crate) fn rename(sources: &Sources, at: Location, name: &str, better: &str) -> Option<Self> {
        let standing = sources.get(at.file).slice(at.span);
        let span = if standing == name {
            at.span
        } else {
            let inner = ['"', '\''].iter().find_map(|quote| standing.strip_prefix(*quote)?.strip_suffix(*quote))?;
            if inner != name {
                return None;
            }
            Span { start: at.span.start + 1, end: at.span.end - 1 }
        };
        let edit = Edit { at: Location { file: at.file, span }, text: better.to_owned() };
        is_plain(better).then(|| Self { safety: Safety::Safe, description: format!("replace `{name}` by `{better}`"), edits: vec![edit] })
    }
}

/// Whether a name means itself in YAML and in the shell without quotes.
fn is_plain(name: &str) -> bool {
    yaml::is_plain(name) && !name.contains('/')
}
