//! Words before expansion.

use std::ops::Deref;
use std::sync::Arc;

use compact_str::CompactString;

use super::statement::Block;
use crate::source::Span;

/// A word before expansion.
#[derive(Debug, Clone)]
pub struct Word {
    /// Where it stands, quotes included.
    pub span: Span,
    /// Its parts in order.
    pub parts: Parts,
}

/// Stands where there is no word.
pub(super) static EMPTY_WORD: Word =
    Word { span: Span { start: 0, end: 0 }, parts: Parts::One(Part::Text(CompactString::const_new(""), Quoting::Bare)) };

/// The parts of a word: most have one, which takes no allocation.
#[derive(Debug, Clone)]
pub enum Parts {
    /// One part.
    One(Part),
    /// None, or several.
    Many(Box<[Part]>),
}

impl Deref for Parts {
    type Target = [Part];

    fn deref(&self) -> &[Part] {
        match self {
            Self::One(part) => std::slice::from_ref(part),
            Self::Many(parts) => parts,
        }
    }
}

impl<'a> IntoIterator for &'a Parts {
    type Item = &'a Part;
    type IntoIter = std::slice::Iter<'a, Part>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A part of a word.
#[derive(Debug, Clone)]
pub enum Part {
    /// Text after removal of quotes; and whether it was quoted.
    Text(CompactString, Quoting),
    /// `$name`, `${name}`.
    Variable(CompactString, Quoting),
    /// `${name[@]}`; `$@` with the name `@`.
    All(CompactString, Quoting),
    /// `${name[*]}`; `$*` with the name `@`: in quotes one word.
    Joined(CompactString, Quoting),
    /// `${ .. }` of every other form.
    Expansion(Arc<Expansion>, Quoting),
    /// `$( .. )`, and backquotes.
    Substitution(Arc<Block>, Quoting),
    /// `${ ..; }`: as `$( .. )`, but in the shell itself. `true` for `${| ..; }`, which gives `$REPLY`.
    Inside(Arc<Block>, bool),
    /// `<( .. )`, `>( .. )`: the path of a pipe.
    Process(Arc<Block>),
    /// `$(( .. ))`, `$[ .. ]`.
    Arithmetic(Arc<Arithmetic>),
    /// `{a,b}`, `{1..3}`: several words of one.
    Braces(Arc<Braces>),
    /// What is not followed, with the words inside it, evaluated for what they run: `@(a|b)`.
    Opaque(Arc<[Word]>),
}

/// Whether a part stands in quotes: unquoted ones are split into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Inside quotes.
    Quoted,
    /// Outside.
    Bare,
}

/// `${name[subscript]operator operands}`.
#[derive(Debug)]
pub struct Expansion {
    /// The variable; empty where the text is none of the known forms.
    pub name: CompactString,
    /// `${!name}`: the variable that it names.
    pub is_indirect: bool,
    /// `${name[subscript]}`.
    pub subscript: Option<Word>,
    /// What is done with the value.
    pub operator: Operator,
    /// What the operator works with, in order.
    pub operands: Box<[Word]>,
}

/// What an expansion does with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Nothing: `${name[1]}`, `${!name}`.
    Get,
    /// `${#name}`.
    Length,
    /// `${!prefix*}`, `${!prefix@}`.
    Names,
    /// `${!name[@]}`.
    Keys,
    /// `${name-word}`; with a colon also where it is empty.
    Default {
        /// `:-`.
        colon: bool,
    },
    /// `${name=word}`.
    Assign {
        /// `:=`.
        colon: bool,
    },
    /// `${name?word}`.
    Require {
        /// `:?`.
        colon: bool,
    },
    /// `${name+word}`.
    Alternative {
        /// `:+`.
        colon: bool,
    },
    /// `${name#pattern}`.
    TrimStart {
        /// `##`.
        longest: bool,
    },
    /// `${name%pattern}`.
    TrimEnd {
        /// `%%`.
        longest: bool,
    },
    /// `${name/pattern/text}`.
    Replace(Replaced),
    /// `${name:offset:length}`.
    Slice,
    /// `${name^pattern}`, `${name,pattern}`, `${name~pattern}`.
    ChangeCase {
        /// `^` or `,`; `~` makes each the other one.
        to_upper: Option<bool>,
        /// `^^`: not the first character alone.
        all: bool,
    },
    /// `${name@Q}` and the like.
    Transform(char),
    /// None that bash knows: it stops there when it runs.
    Unknown,
}

/// Which matches are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Replaced {
    /// `/`: the first.
    First,
    /// `//`: all.
    All,
    /// `/#`: one at the start.
    Start,
    /// `/%`: one at the end.
    End,
}

impl Expansion {
    /// `${name:-word}` and `${name:=word}`, with or without colon: what stands for the variable where it has no value,
    /// and whether the variable gets it.
    pub fn default(&self) -> Option<(&Word, bool)> {
        if self.is_indirect || self.subscript.is_some() {
            return None;
        }
        match self.operator {
            Operator::Default { .. } => Some((self.operands.first()?, false)),
            Operator::Assign { .. } => Some((self.operands.first()?, true)),
            _ => None,
        }
    }

    /// Where its words stand.
    pub fn span(&self) -> Span {
        self.words().map(|word| word.span).reduce(|first, last| Span { start: first.start, end: last.end }).unwrap_or_default()
    }

    /// All words inside.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.subscript.iter().chain(&self.operands)
    }
}

/// An arithmetic expression.
#[derive(Debug)]
pub struct Arithmetic {
    /// Its text and the expansions in it.
    pub expression: Word,
    /// The variables that it assigns by name: `i=1`, `i+=1`, `i++`.
    pub assigned: Box<[CompactString]>,
}

/// A brace expansion.
#[derive(Debug)]
pub enum Braces {
    /// `{a,b}`.
    List(Box<[Word]>),
    /// `{1..3}`, `{a..z..2}`: what stands between the braces.
    Range(CompactString),
}

impl Word {
    /// A word of text.
    pub(super) fn of_text(span: Span, text: CompactString, quoting: Quoting) -> Self {
        Self { span, parts: Parts::One(Part::Text(text, quoting)) }
    }

    /// The text of a word without expansions.
    pub fn literal(&self) -> Option<CompactString> {
        if let Parts::One(Part::Text(text, _)) = &self.parts {
            return Some(text.clone());
        }
        let mut text = CompactString::default();
        for part in &self.parts {
            match part {
                Part::Text(piece, _) => text.push_str(piece),
                _ => return None,
            }
        }
        Some(text)
    }

    /// Whether its evaluation can do more than give a text: run something, or assign a variable.
    pub fn does_something(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Text(..) | Part::Variable(..) | Part::All(..) | Part::Joined(..) => false,
            Part::Expansion(expansion, _) => {
                matches!(expansion.operator, Operator::Assign { .. }) || expansion.words().any(Word::does_something)
            }
            Part::Substitution(..) | Part::Inside(..) | Part::Process(_) => true,
            Part::Arithmetic(arithmetic) => !arithmetic.assigned.is_empty() || arithmetic.expression.does_something(),
            Part::Braces(braces) => match &**braces {
                Braces::List(words) => words.iter().any(Word::does_something),
                Braces::Range(_) => false,
            },
            Part::Opaque(words) => words.iter().any(Word::does_something),
        })
    }

    /// Whether the word is this text.
    pub fn is(&self, text: &str) -> bool {
        match &*self.parts {
            [Part::Text(piece, _)] => piece == text,
            _ => self.literal().is_some_and(|literal| literal == text),
        }
    }

    /// Where the text stands without its quotes; the whole word where it is not one quoted text.
    pub fn inner_span(&self, text: &str) -> Span {
        let byte = |at: u32| text.as_bytes().get(at as usize);
        let is_quoted =
            self.span.len() > 1 && matches!(byte(self.span.start), Some(b'"' | b'\'')) && byte(self.span.start) == byte(self.span.end - 1);
        if is_quoted { Span { start: self.span.start + 1, end: self.span.end - 1 } } else { self.span }
    }
}
