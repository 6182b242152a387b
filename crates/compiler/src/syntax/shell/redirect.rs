//! Redirections and here-documents.

use std::sync::{Arc, OnceLock};

use compact_str::CompactString;

use super::word::{EMPTY_WORD, Word};
use crate::source::Span;

/// A redirection.
#[derive(Debug)]
pub struct Redirect {
    /// Operator and target, with the descriptor before it.
    pub span: Span,
    /// What is redirected.
    pub descriptor: Descriptor,
    /// How.
    pub operator: RedirectOperator,
    /// Where to, or from.
    pub target: Target,
}

/// The left side of a redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Descriptor {
    /// Standard input or output, by the operator.
    Default,
    /// `2>`.
    Number(u32),
    /// `{name}>`: the variable gets the number.
    Variable(CompactString),
}

/// The operator of a redirection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectOperator {
    /// `<`.
    Input,
    /// `>`.
    Output,
    /// `>>`.
    Append,
    /// `>|`.
    Clobber,
    /// `<>`.
    ReadWrite,
    /// `<&`.
    DuplicateInput,
    /// `>&`.
    DuplicateOutput,
    /// `&>`.
    OutputBoth,
    /// `&>>`.
    AppendBoth,
    /// `<<<`.
    HereString,
    /// `<<`, `<<-`.
    HereDocument,
}

/// The right side of a redirection.
#[derive(Debug)]
pub enum Target {
    /// A word.
    Word(Word),
    /// A here-document.
    Document(Arc<Document>),
}

/// A here-document.
#[derive(Debug)]
pub struct Document {
    /// The word behind `<<`.
    pub span: Span,
    /// The line that closes it.
    pub delimiter: CompactString,
    /// Whether the delimiter is quoted: then the text is taken as it is.
    pub is_literal: bool,
    /// `<<-`: tabs at the beginning of lines are dropped.
    pub strips_tabs: bool,
    /// It stands behind the line that names it, so it is read last.
    pub(super) body: OnceLock<Word>,
}

impl Document {
    /// The text.
    pub fn body(&self) -> &Word {
        self.body.get().unwrap_or(&EMPTY_WORD)
    }
}

/// Standard input that stands in the script.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A here-string or a here-document.
    Text(&'a Word),
    /// `< file`.
    File(&'a Word),
}

impl Redirect {
    /// The target, or the text of a here-document.
    pub fn word(&self) -> &Word {
        match &self.target {
            Target::Word(word) => word,
            Target::Document(document) => document.body(),
        }
    }

    /// What it connects to an input.
    pub fn input(&self) -> Option<Input<'_>> {
        match self.operator {
            RedirectOperator::HereString | RedirectOperator::HereDocument => Some(Input::Text(self.word())),
            RedirectOperator::Input => Some(Input::File(self.word())),
            _ => None,
        }
    }

    /// Every other target: mostly a file that is written, or a number.
    pub fn output(&self) -> Option<&Word> {
        self.input().is_none().then(|| self.word())
    }
}

/// What redirections connect to standard input: the last one counts.
pub fn input(redirects: &[Redirect]) -> Option<Input<'_>> {
    redirects.iter().rev().find_map(Redirect::input)
}
