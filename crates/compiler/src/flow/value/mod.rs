//! What a word may be: every text that it can expand to, as far as it is known.

pub(crate) mod arithmetic;
pub(crate) mod folder;
pub(crate) mod glob;
mod path;
pub(crate) mod text;

use std::sync::Arc;

use compact_str::CompactString;

use crate::source::{Location, MovedFiles};
use folder::Folder;

/// More alternatives than this are one unknown text.
const MAX_OPTIONS: usize = 16;
/// A text of more pieces than this is unknown as a whole.
const MAX_PIECES: usize = 64;
/// A text with parts that are not known is kept up to this length.
const MAX_UNKNOWN_LENGTH: usize = 4_096;
/// A longer text is not kept: nothing that a script does depends on it.
const MAX_LENGTH: usize = 1 << 21;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// Known text.
    Text(CompactString),
    /// A folder whose path is not known but whose meaning is.
    Folder(Arc<Folder>),
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

impl Secret {
    /// The same, in files that have other numbers.
    pub(crate) fn moved(&self, files: &MovedFiles) -> Arc<Self> {
        Arc::new(Self { key: self.key.clone(), place: files.place(self.place) })
    }
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

/// One text in pieces; adjacent known pieces are joined, and none is empty.
pub(crate) type Text = Vec<Piece>;

/// All texts that a word can be. A text in one piece takes no allocation of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    /// One text in one piece; the one piece that may be an empty text.
    One(Piece),
    /// One text in several pieces.
    Pieces(Arc<Text>),
    /// Several texts.
    Options(Arc<Vec<Text>>),
}

/// What a shell variable holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Binding {
    /// One text.
    Scalar(Value),
    /// A list of texts.
    Array(Arc<Vec<Value>>),
    /// Texts by key, where all keys are known.
    Map(Arc<Vec<(CompactString, Value)>>),
    /// `local -n`, `declare -n`: another variable.
    Reference(CompactString),
    /// Surely none: `unset`, `local x`.
    Unset,
}

impl Value {
    pub(crate) fn text(text: impl Into<CompactString>) -> Self {
        Self::One(Piece::Text(text.into()))
    }

    pub(crate) fn unknown(cause: Cause) -> Self {
        Self::One(Piece::Unknown(cause))
    }

    pub(crate) fn folder(folder: Folder) -> Self {
        Self::One(Piece::Folder(Arc::new(folder)))
    }

    /// One text of these pieces.
    pub(crate) fn of_pieces(pieces: &[Piece]) -> Self {
        match pieces {
            [] => Self::text(""),
            [only] => Self::One(only.clone()),
            _ => Self::Pieces(Arc::new(pieces.to_vec())),
        }
    }

    /// Unknown, but made of the secret that the other one is made of.
    pub(crate) fn made_of(other: &Self, cause: Cause) -> Self {
        Self::made_of_any([other], cause)
    }

    /// Unknown, but made of the first secret that any of the values is made of.
    pub(crate) fn made_of_any<'a>(values: impl IntoIterator<Item = &'a Self>, cause: Cause) -> Self {
        let secret = values.into_iter().find_map(Self::secret);
        Self::unknown(secret.map_or(cause, |secret| Cause::Secret(secret.clone())))
    }

    /// At least one text.
    fn of(options: Vec<Text>) -> Self {
        match &*options {
            [only] => Self::of_pieces(only),
            _ => Self::Options(Arc::new(options)),
        }
    }

    /// The pieces of the one text that it surely is.
    pub(crate) fn only(&self) -> Option<&[Piece]> {
        match self {
            Self::One(Piece::Text(text)) if text.is_empty() => Some(&[]),
            Self::One(piece) => Some(std::slice::from_ref(piece)),
            Self::Pieces(pieces) => Some(pieces),
            Self::Options(_) => None,
        }
    }

    /// Every text that it can be, in pieces.
    pub(crate) fn options(&self) -> impl Iterator<Item = &[Piece]> + Clone {
        let several: &[Text] = match self {
            Self::Options(options) => options,
            _ => &[],
        };
        self.only().into_iter().chain(several.iter().map(Vec::as_slice))
    }

    /// The pieces of every text that it can be.
    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.options().flatten()
    }

    /// Every text that it can be, as a value of its own.
    pub(crate) fn each(&self) -> Vec<Value> {
        self.options().map(Self::of_pieces).collect()
    }

    /// The one text that it surely is.
    pub(crate) fn known(&self) -> Option<&CompactString> {
        match self {
            Self::One(Piece::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it surely is this text.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.known().is_some_and(|own| own == text)
    }

    /// The length in bytes of the one text that it surely is.
    pub(crate) fn known_length(&self) -> Option<usize> {
        self.known().map(CompactString::len)
    }

    /// All texts that are known, and why others are not.
    pub(crate) fn split(&self) -> (Vec<CompactString>, Option<Cause>) {
        let mut texts = Vec::new();
        let mut cause = None;
        for option in self.options() {
            match known(option) {
                Some(text) => texts.push(text),
                None => cause = cause.or_else(|| Some(first_cause(option))),
            }
        }
        (texts, cause)
    }

    /// Whether it only hands on what `get_env` gave.
    pub(crate) fn is_from_store(&self) -> bool {
        self.pieces().any(|piece| matches!(piece, Piece::Unknown(Cause::Env(_) | Cause::Secret(_))))
    }

    /// The secret that it is made of.
    pub(crate) fn secret(&self) -> Option<&Arc<Secret>> {
        self.pieces().find_map(|piece| match piece {
            Piece::Unknown(Cause::Secret(secret)) => Some(secret),
            _ => None,
        })
    }

    /// The same, made of other secrets.
    pub(crate) fn map_secrets(&self, map: impl Fn(&Secret) -> Arc<Secret>) -> Self {
        let piece = |piece: &Piece| match piece {
            Piece::Unknown(Cause::Secret(secret)) => Piece::Unknown(Cause::Secret(map(secret))),
            other => other.clone(),
        };
        match self {
            Self::One(only) => Self::One(piece(only)),
            Self::Pieces(pieces) => Self::Pieces(Arc::new(pieces.iter().map(piece).collect())),
            Self::Options(options) => Self::Options(Arc::new(options.iter().map(|option| option.iter().map(piece).collect()).collect())),
        }
    }

    /// The text that it surely begins with.
    pub(crate) fn prefix(&self) -> &str {
        match self.only() {
            Some([Piece::Text(text), ..]) => text,
            _ => "",
        }
    }

    /// Every text of either.
    pub(crate) fn or(self, other: &Self) -> Self {
        if self == *other {
            return self;
        }
        let mut options: Vec<Text> = self.options().map(<[Piece]>::to_vec).collect();
        for option in other.options() {
            if !options.iter().any(|own| **own == *option) {
                options.push(option.to_vec());
            }
        }
        Self::limited(options)
    }

    /// Appends every text of the other one.
    pub(crate) fn push(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::One(Piece::Text(left)), Self::One(Piece::Text(right))) => {
                left.push_str(right);
                if left.len() > MAX_LENGTH {
                    *self = Self::unknown(Cause::Expansion);
                }
            }
            (_, Self::One(Piece::Text(right))) if right.is_empty() => {}
            (Self::One(Piece::Text(left)), right) if left.is_empty() => *self = right.clone(),
            (Self::Pieces(left), right) if let Some(right) = right.only() => {
                let only = Arc::make_mut(left);
                for piece in right {
                    append(only, piece);
                }
                if is_too_much(only) {
                    *self = Self::limited_text(only);
                }
            }
            (Self::One(left), right) if let Some(right) = right.only() => {
                let joined = concat(std::slice::from_ref(left), right);
                // What begins with a known text is known by it.
                let is_limited = !matches!(left, Piece::Text(_)) && is_too_much(&joined);
                *self = if is_limited { Self::limited_text(&joined) } else { Self::Pieces(Arc::new(joined)) };
            }
            (Self::One(left @ Piece::Text(_)), right) => {
                let options = right.options().map(|option| concat(std::slice::from_ref(left), option));
                *self = Self::Options(Arc::new(options.collect()));
            }
            (Self::Options(left), Self::One(right @ Piece::Text(_))) => {
                for option in Arc::make_mut(left) {
                    append(option, right);
                }
            }
            (left, right) => {
                let pairs = left.options().flat_map(|left| right.options().map(|right| concat(left, right)));
                *self = Self::limited(pairs.take(MAX_OPTIONS + 1).collect());
            }
        }
    }

    /// Every text of this one followed by every text of the other.
    pub(crate) fn then(mut self, other: &Self) -> Self {
        self.push(other);
        self
    }

    /// The same with every known text changed; a text that is not known, or whose change is not, is unknown.
    pub(crate) fn map(&self, change: impl Fn(&str) -> Option<CompactString>) -> Self {
        if let Some(text) = self.known() {
            return change(text).map_or_else(|| Self::unknown(Cause::Expansion), Self::text);
        }
        let changed = self.options().map(|option| match known(option).and_then(|text| change(&text)) {
            Some(text) => Self::text(text),
            None => Self::made_of(self, first_cause(option)),
        });
        changed.reduce(|left, right| left.or(&right)).unwrap_or_else(|| Self::unknown(Cause::Expansion))
    }

    /// The same with the known text at the end of each changed; a text whose end is not known, or whose change is not, is
    /// unknown.
    pub(crate) fn map_end(&self, change: impl Fn(&str) -> Option<CompactString>) -> Self {
        let changed = self.options().map(|option| {
            let end = match option.split_last() {
                Some((Piece::Text(end), pieces)) => change(end).map(|end| Self::of_pieces(pieces).then(&Self::text(end))),
                _ => None,
            };
            end.unwrap_or_else(|| Self::made_of(self, first_cause(option)))
        });
        changed.reduce(|left, right| left.or(&right)).unwrap_or_else(|| Self::unknown(Cause::Expansion))
    }

    fn limited_text(text: &[Piece]) -> Self {
        let secret = text.iter().find(|piece| matches!(piece, Piece::Unknown(Cause::Secret(_))));
        Self::One(secret.cloned().unwrap_or_else(|| Piece::Unknown(first_cause(text))))
    }

    fn limited(options: Vec<Text>) -> Self {
        if options.len() <= MAX_OPTIONS {
            return Self::of(options);
        }
        let all = Self::Options(Arc::new(options));
        let cause = all.options().find(|option| known(option).is_none()).map_or(Cause::Expansion, first_cause);
        Self::made_of(&all, cause)
    }

    /// Whether it is surely empty, or surely not.
    pub(crate) fn is_empty(&self) -> Option<bool> {
        let mut answers = self.options().map(|option| match option {
            [] => Some(true),
            pieces if pieces.iter().any(|piece| matches!(piece, Piece::Text(_) | Piece::Folder(_))) => Some(false),
            _ => None,
        });
        let first = answers.next()??;
        answers.all(|answer| answer == Some(first)).then_some(first)
    }

    /// What `$( .. )` leaves of what is printed: line breaks at the end are dropped.
    pub(crate) fn without_last_lines(self) -> Self {
        if !self.options().any(|option| matches!(option.last(), Some(Piece::Text(last)) if last.ends_with('\n'))) {
            return self;
        }
        let trimmed = self.options().map(|option| {
            let mut option = option.to_vec();
            if let Some(Piece::Text(last)) = option.last_mut() {
                *last = last.trim_end_matches('\n').into();
                if last.is_empty() {
                    option.pop();
                }
            }
            option
        });
        Self::of(trimmed.collect())
    }
}

impl Binding {
    /// What it holds where either was assigned.
    pub(crate) fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left.clone(),
            (Self::Scalar(left), Self::Scalar(right)) => Self::Scalar(left.clone().or(right)),
            (Self::Scalar(only), Self::Unset) | (Self::Unset, Self::Scalar(only)) => {
                Self::Scalar(only.clone().or(&Value::unknown(Cause::Expansion)))
            }
            (left, right) => Self::Scalar(Value::made_of_any(left.values().chain(right.values()), Cause::Expansion)),
        }
    }

    /// All texts in it.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        let (list, map): (&[Value], &[(CompactString, Value)]) = match self {
            Self::Scalar(value) => (std::slice::from_ref(value), &[]),
            Self::Array(values) => (values, &[]),
            Self::Map(pairs) => (&[], pairs),
            Self::Reference(_) | Self::Unset => (&[], &[]),
        };
        list.iter().chain(map.iter().map(|(_, value)| value))
    }
}

fn known(text: &[Piece]) -> Option<CompactString> {
    match text {
        [] => Some(CompactString::default()),
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    }
}

fn first_cause(text: &[Piece]) -> Cause {
    let cause = text.iter().find_map(|piece| match piece {
        Piece::Unknown(cause) => Some(cause.clone()),
        _ => None,
    });
    cause.unwrap_or(Cause::Expansion)
}

fn append(text: &mut Text, piece: &Piece) {
    match (text.last_mut(), piece) {
        (_, Piece::Text(next)) if next.is_empty() => {}
        (Some(Piece::Text(last)), Piece::Text(next)) => last.push_str(next),
        _ => text.push(piece.clone()),
    }
}

/// Whether so many pieces, or a text so long of which a part is not known, are of no use.
fn is_too_much(text: &[Piece]) -> bool {
    text.len() > MAX_PIECES || matches!(text.last(), Some(Piece::Text(last)) if last.len() > MAX_UNKNOWN_LENGTH)
}

fn concat(left: &[Piece], right: &[Piece]) -> Text {
    let mut joined = Vec::with_capacity(left.len() + right.len());
    joined.extend_from_slice(left);
    for piece in right {
        append(&mut joined, piece);
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
        assert_eq!(Value::text("").then(&open), open);
    }

    #[test]
    fn a_long_chain_of_unknown_pieces_is_one() {
        let mut value = Value::text("a");
        for _ in 0..1_000 {
            value.push(&Value::unknown(Cause::Variable("x".into())));
        }
        assert!(value.only().is_some_and(|text| text.len() <= super::MAX_PIECES + 1));
    }
}
