//! What a word may be: every text that it can expand to, as far as it is known.

use std::sync::Arc;

use compact_str::CompactString;

use super::folder::Folder;
use crate::source::Location;

/// More alternatives than this are one unknown text.
const MAX_OPTIONS: usize = 16;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// Known text.
    Text(CompactString),
    /// A folder whose path is not known but whose meaning is.
    Folder(Folder),
    /// Text that is not known, and why.
    Unknown(Cause),
}

/// Why a text is not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A shell variable that the scripts do not set to a known text.
    Variable(CompactString),
    /// `get_env` of a key without a known value.
    Env(CompactString),
    /// The output of a command.
    Output(CompactString),
    /// It is a secret, or made of one.
    Secret(Arc<Secret>),
    /// Anything else: arithmetic, substrings, globs.
    Expansion,
}

/// A secret that a value is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Secret {
    /// Its key.
    pub key: CompactString,
    /// Where it is read.
    pub place: Location,
}

impl Cause {
    /// The cause as the object of a sentence.
    pub fn describe(&self) -> String {
        match self {
            Self::Variable(name) if name.starts_with(|c: char| c.is_ascii_digit()) || name == "@" => format!("the argument `${name}`"),
            Self::Variable(name) => format!("the shell variable `{name}`"),
            Self::Env(key) => format!("the value of `{key}`, which no stage before sets to a fixed text"),
            Self::Secret(secret) => format!("the secret `{}`", secret.key),
            Self::Output(command) => format!("the output of `{command}`"),
            Self::Expansion => "an expansion that is not followed".to_owned(),
        }
    }
}

/// One text in pieces; adjacent known pieces are joined.
pub(crate) type Text = Vec<Piece>;

/// All texts that a word can be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Value {
    options: Vec<Text>,
}

/// What a shell variable holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Binding {
    /// One text.
    Scalar(Value),
    /// A list of texts.
    Array(Vec<Value>),
}

impl Value {
    pub(crate) fn text(text: impl Into<CompactString>) -> Self {
        let text = text.into();
        Self { options: vec![if text.is_empty() { Vec::new() } else { vec![Piece::Text(text)] }] }
    }

    pub(crate) fn unknown(cause: Cause) -> Self {
        Self { options: vec![vec![Piece::Unknown(cause)]] }
    }

    pub(crate) fn folder(folder: Folder) -> Self {
        Self { options: vec![vec![Piece::Folder(folder)]] }
    }

    pub(crate) fn options(&self) -> &[Text] {
        &self.options
    }

    /// The one text that it surely is.
    pub(crate) fn known(&self) -> Option<CompactString> {
        match &*self.options {
            [only] => known(only),
            _ => None,
        }
    }

    /// The length in bytes of the one text that it surely is.
    pub(crate) fn known_length(&self) -> Option<usize> {
        match &*self.options {
            [only] => match &**only {
                [] => Some(0),
                [Piece::Text(text)] => Some(text.len()),
                _ => None,
            },
            _ => None,
        }
    }

    /// All texts that are known, and why others are not.
    pub(crate) fn split(&self) -> (Vec<CompactString>, Option<Cause>) {
        let mut texts = Vec::new();
        let mut cause = None;
        for option in &self.options {
            match known(option) {
                Some(text) => texts.push(text),
                None => cause = cause.or_else(|| Some(first_cause(option))),
            }
        }
        (texts, cause)
    }

    /// Whether it only hands on what `get_env` gave.
    pub(crate) fn is_from_store(&self) -> bool {
        self.options.iter().flatten().any(|piece| matches!(piece, Piece::Unknown(Cause::Env(_) | Cause::Secret(_))))
    }

    /// The secret that it is made of.
    pub(crate) fn secret(&self) -> Option<&Arc<Secret>> {
        self.options.iter().flatten().find_map(|piece| match piece {
            Piece::Unknown(Cause::Secret(secret)) => Some(secret),
            _ => None,
        })
    }

    /// Every text of either.
    pub(crate) fn or(mut self, other: &Self) -> Self {
        for option in &other.options {
            if !self.options.contains(option) {
                self.options.push(option.clone());
            }
        }
        self.limited()
    }

    /// Every text of this one followed by every text of the other.
    pub(crate) fn then(&self, other: &Self) -> Self {
        if let ([only], [other]) = (&*self.options, &*other.options) {
            return Self { options: vec![concat(only, other)] };
        }
        let pairs = self.options.iter().flat_map(|left| other.options.iter().map(|right| concat(left, right)));
        Self { options: pairs.take(MAX_OPTIONS + 1).collect() }.limited()
    }

    fn limited(self) -> Self {
        if self.options.len() <= MAX_OPTIONS {
            return self;
        }
        if let Some(secret) = self.secret() {
            return Self::unknown(Cause::Secret(secret.clone()));
        }
        let cause = self.options.iter().find(|option| known(option).is_none()).map_or(Cause::Expansion, first_cause);
        Self::unknown(cause)
    }

    /// Whether it is surely empty, or surely not.
    pub(crate) fn is_empty(&self) -> Option<bool> {
        let mut answers = self.options.iter().map(|option| match &**option {
            [] => Some(true),
            pieces if pieces.iter().any(|piece| matches!(piece, Piece::Text(_) | Piece::Folder(_))) => Some(false),
            _ => None,
        });
        let first = answers.next()??;
        answers.all(|answer| answer == Some(first)).then_some(first)
    }
}

impl Binding {
    /// What it holds where either was assigned.
    pub(crate) fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left.clone(),
            (Self::Scalar(left), Self::Scalar(right)) => Self::Scalar(left.clone().or(right)),
            _ => Self::Scalar(Value::unknown(Cause::Expansion)),
        }
    }
}

fn known(text: &Text) -> Option<CompactString> {
    match &**text {
        [] => Some(CompactString::default()),
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    }
}

fn first_cause(text: &Text) -> Cause {
    let cause = text.iter().find_map(|piece| match piece {
        Piece::Unknown(cause) => Some(cause.clone()),
        _ => None,
    });
    cause.unwrap_or(Cause::Expansion)
}

fn concat(left: &Text, right: &Text) -> Text {
    let mut joined = left.clone();
    for piece in right {
        match (joined.last_mut(), piece) {
            (Some(Piece::Text(last)), Piece::Text(next)) => last.push_str(next),
            _ => joined.push(piece.clone()),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::{Cause, Value};

    #[test]
    fn values_join_and_concatenate() {
        let ab = Value::text("a").or(&Value::text("b"));
        let (texts, cause) = ab.then(&Value::text("-x")).split();
        assert_eq!((texts, cause), (vec!["a-x".into(), "b-x".into()], None));
        let open = Value::text("a").or(&Value::unknown(Cause::Expansion));
        assert_eq!(open.known(), None);
        assert_eq!(open.split(), (vec!["a".into()], Some(Cause::Expansion)));
        assert_eq!(Value::text("").is_empty(), Some(true));
        assert_eq!(open.is_empty(), None);
    }
}
