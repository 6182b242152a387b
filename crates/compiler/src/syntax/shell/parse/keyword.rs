//! Words that mean something where a command begins.

use super::bytes::{META, PLAIN, is};
use super::{Closers, Parser};

/// A word at the beginning of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    /// Any other word.
    None,
    Not,
    Case,
    Coproc,
    For,
    Function,
    If,
    Select,
    Time,
    Until,
    While,
    Condition,
    Group,
    /// A word that closes, or goes on with, what is open.
    Closer(Closers),
    // Names of built-ins that are read in their own way.
    Local,
    Declare,
    Typeset,
    Export,
    Readonly,
    Exit,
    Return,
    Break,
    Continue,
    Bracket,
    Test,
    /// `eval`, `let`, `alias`: compound assignments may follow.
    Assigning,
}

pub(super) const FI: Closers = 1;
pub(super) const THEN: Closers = 2;
pub(super) const ELSE: Closers = 4;
pub(super) const ELIF: Closers = 8;
pub(super) const DO: Closers = 16;
pub(super) const DONE: Closers = 32;
pub(super) const ESAC: Closers = 64;
pub(super) const BRACE: Closers = 128;
pub(super) const PAREN: Closers = 256;
pub(super) const IN: Closers = 512;
pub(super) const CONDITION_END: Closers = 1024;

/// The keyword of a word.
pub(super) fn keyword(word: &[u8]) -> Keyword {
    match word {
        b"if" => Keyword::If,
        b"then" => Keyword::Closer(THEN),
        b"else" => Keyword::Closer(ELSE),
        b"elif" => Keyword::Closer(ELIF),
        b"fi" => Keyword::Closer(FI),
        b"for" => Keyword::For,
        b"do" => Keyword::Closer(DO),
        b"done" => Keyword::Closer(DONE),
        b"while" => Keyword::While,
        b"until" => Keyword::Until,
        b"case" => Keyword::Case,
        b"esac" => Keyword::Closer(ESAC),
        b"in" => Keyword::Closer(IN),
        b"select" => Keyword::Select,
        b"function" => Keyword::Function,
        b"time" => Keyword::Time,
        b"coproc" => Keyword::Coproc,
        b"}" => Keyword::Closer(BRACE),
        b"!" => Keyword::Not,
        b"[[" => Keyword::Condition,
        b"]]" => Keyword::Closer(CONDITION_END),
        _ => built_in(word),
    }
}

fn built_in(word: &[u8]) -> Keyword {
    match word {
        b"[" => Keyword::Bracket,
        b"test" => Keyword::Test,
        b"local" => Keyword::Local,
        b"declare" => Keyword::Declare,
        b"typeset" => Keyword::Typeset,
        b"export" => Keyword::Export,
        b"readonly" => Keyword::Readonly,
        b"exit" => Keyword::Exit,
        b"return" => Keyword::Return,
        b"break" => Keyword::Break,
        b"continue" => Keyword::Continue,
        b"let" | b"alias" | b"eval" => Keyword::Assigning,
        _ => Keyword::None,
    }
}

impl Parser<'_> {
    /// The plain word here, where it is nothing but its text; else nothing.
    #[inline]
    pub(super) fn plain_word(&self) -> &[u8] {
        let end = self.run(self.at, PLAIN);
        let next = self.byte(end);
        let is_process = matches!(next, b'<' | b'>') && self.byte(end + 1) == b'(';
        let ends = (is(next, META) && !is_process) || (next == b'\r' && (self.byte(end + 1) == b'\n' || end + 1 == self.bytes.len()));
        if ends { self.raw(self.at, end) } else { &[] }
    }

    /// The keyword that stands here.
    #[inline]
    pub(super) fn keyword(&self) -> Keyword {
        match self.peek() {
            b'{' => {
                let next = self.byte(self.at + 1);
                if is(next, META) || self.line_break(self.at + 1) > 0 { Keyword::Group } else { Keyword::None }
            }
            b'!' | b'[' | b']' | b'}' | b'a'..=b'f' | b'i' | b'l' | b'r'..=b'u' | b'w' => keyword(self.plain_word()),
            _ => Keyword::None,
        }
    }

    /// Whether a word stands here, and passes it.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.starts_with(word.as_bytes()) && {
            let next = self.byte(self.at + word.len());
            is(next, META) || next == b'\r'
        };
        if found {
            self.at += word.len();
            self.end = self.at;
        }
        found
    }
}
