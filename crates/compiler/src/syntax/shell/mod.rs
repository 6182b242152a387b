//! Script text to statements. Parsing never fails: what is not understood becomes an error and the rest of the script
//! is kept.
//!
//! * [`statement`], [`redirect`] and [`word`] are what a script becomes, with nothing dropped that bash would run.
//! * `parse` is the parser, `error` what it says.
//!
//! All spans are bytes of the file that holds the script.

mod error;
mod parse;
pub mod redirect;
pub mod statement;
#[cfg(test)]
mod tests;
pub mod word;

use compact_str::CompactString;

use crate::source::Span;

pub use parse::parse;
pub use redirect::{Descriptor, Document, Input, Redirect, RedirectOperator, Target, input};
pub use statement::{
    AndOr, ArmEnd, AssignedValue, Assignment, Block, Case, CaseArm, Chain, Command, Coproc, Declaration, Declarer, Element, Function, If,
    Loop, LoopHead, More, Redirected, Scope, Statement, StatementKind, Test,
};
pub use word::{Arithmetic, Braces, Expansion, Operator, Part, Parts, Quoting, Replaced, Word};

/// A script: what it does, and where it could not be understood.
#[derive(Debug, Default)]
pub struct Script {
    /// Its commands.
    pub body: Block,
    /// Syntax errors, in order.
    pub errors: Vec<SyntaxError>,
    /// The comments that speak to sidestage (`# sidestage: ..`), with their `#`, in order.
    pub comments: Vec<Span>,
    /// Here-documents that only the end of the script closes.
    pub open_documents: Vec<OpenDocument>,
}

impl Script {
    /// About how many bytes its commands take.
    pub fn length(&self) -> usize {
        match (self.body.first(), self.body.last()) {
            (Some(first), Some(last)) => last.span.end.saturating_sub(first.span.start) as usize,
            _ => 0,
        }
    }
}

/// A here-document without its last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDocument {
    /// The word behind `<<`.
    pub span: Span,
    /// The line that would close it.
    pub delimiter: CompactString,
}

/// A place where the text is no shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where the cause is.
    pub span: Span,
    /// What is wrong there.
    pub message: String,
}
