//! Script text to commands under control flow. Parsing never fails: what is not understood becomes an error
//! and the rest of the script is kept.
//!
//! Only [`parse`] knows the parser; everything behind it works on the types below. All spans are bytes of the
//! file that holds the script.

mod lower;
#[cfg(test)]
mod tests;
mod word;

use std::sync::Arc;

use compact_str::CompactString;

use crate::source::Span;

pub use lower::parse;

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
    /// Where.
    pub span: Span,
    /// What the parser expected, or found.
    pub message: String,
}

/// Statements in order.
pub type Block = Box<[Statement]>;

/// One statement.
#[derive(Debug)]
pub struct Statement {
    /// From its first to its last byte.
    pub span: Span,
    /// What it does.
    pub kind: StatementKind,
}

/// The kinds of statement that the flow analysis tells apart.
#[derive(Debug)]
pub enum StatementKind {
    /// A command with its arguments.
    Command(Box<Command>),
    /// `a=1 b=2`, `local a=1`, `export A=1`.
    Assign(Box<[Assignment]>),
    /// `[[ .. ]]` or `[ .. ]`.
    Test(Box<Test>),
    /// `left && right`.
    And(Box<(Statement, Statement)>),
    /// `left || right`.
    Or(Box<(Statement, Statement)>),
    /// `! inner`.
    Not(Box<Statement>),
    /// `a | b | c`: each in a process of its own.
    Pipe(Block),
    /// `if`, with its `elif`s as further arms.
    If(Box<If>),
    /// `for`, `while`, `until`, `select`.
    Loop(Box<Loop>),
    /// `case`.
    Case(Box<Case>),
    /// `{ .. }`.
    Group(Block),
    /// `( .. )`, and a command put into the background: a process of its own.
    Subshell(Block),
    /// `name() { .. }`.
    Function(Arc<Function>),
    /// `exit`; the code where it is a literal.
    Exit(Option<i32>),
    /// `return`.
    Return,
    /// `break`.
    Break,
    /// `continue`.
    Continue,
}

/// A simple command.
#[derive(Debug)]
pub struct Command {
    /// The first word.
    pub name: Word,
    /// The other words.
    pub arguments: Box<[Word]>,
    /// `A=1 command`: seen by the command only.
    pub environment: Box<[Assignment]>,
    /// What it reads from standard input, where the script says so.
    pub input: Option<Input>,
    /// Files that it writes by redirection.
    pub outputs: Box<[Word]>,
    /// Static shell text that it runs: `bash -c '..'`, `eval '..'`, `trap '..' EXIT`.
    pub inline: Option<Block>,
}

/// Standard input that stands in the script.
#[derive(Debug)]
pub enum Input {
    /// A here-string or a here-document.
    Text(Word),
    /// `< file`.
    File(Word),
}

/// `name=value`.
#[derive(Debug)]
pub struct Assignment {
    /// The variable.
    pub name: CompactString,
    /// Where the name stands.
    pub span: Span,
    /// What it gets.
    pub value: AssignedValue,
    /// Who sees it.
    pub scope: Scope,
}

/// The right side of an assignment.
#[derive(Debug)]
pub enum AssignedValue {
    /// `name=word`.
    Word(Word),
    /// `name=(..)`.
    Array(Box<[Word]>),
    /// `name+=word`.
    AppendWord(Word),
    /// `name+=(..)`.
    AppendArray(Box<[Word]>),
    /// `name[i]=..`, a bare `declare name`: the value is not followed. Words are evaluated for what they run.
    Other(Box<[Word]>),
}

/// Who sees an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The shell.
    Shell,
    /// The function.
    Local,
    /// The shell and its children: `export name=..`.
    Exported,
}

/// A test.
#[derive(Debug)]
pub enum Test {
    /// `left = right`, `left == right`, `left != right`.
    Equals {
        /// The value.
        left: Word,
        /// A pattern in `[[ ]]`, plain text in `[ ]`.
        right: Pattern,
        /// `!=`.
        negated: bool,
    },
    /// `-z word`, or `-n word` and a bare word with `negated`.
    Empty {
        /// The value.
        word: Word,
        /// `-n`.
        negated: bool,
    },
    /// `left =~ regex`.
    Matches {
        /// The value.
        left: Word,
        /// The regular expression.
        regex: Word,
    },
    /// `left && right`.
    And(Box<(Test, Test)>),
    /// `left || right`.
    Or(Box<(Test, Test)>),
    /// `! inner`.
    Not(Box<Test>),
    /// Anything else; its words are evaluated for what they run.
    Other(Box<[Word]>),
}

/// A glob pattern.
#[derive(Debug)]
pub struct Pattern {
    /// Its parts; `None` where it holds more than text, `*` and `?`.
    pub parts: Option<Box<[PatternPart]>>,
    /// Words inside, evaluated for what they run.
    pub words: Box<[Word]>,
}

/// A part of a glob pattern.
#[derive(Debug)]
pub enum PatternPart {
    /// Text, or a word that is expanded.
    Word(Word),
    /// `*`.
    Any,
    /// `?`.
    One,
}

/// `if`.
#[derive(Debug)]
pub struct If {
    /// Condition and body of each arm.
    pub arms: Box<[(Block, Block)]>,
    /// `else`.
    pub otherwise: Option<Block>,
}

/// A loop.
#[derive(Debug)]
pub struct Loop {
    /// What drives it.
    pub head: LoopHead,
    /// Its body.
    pub body: Block,
    /// What it reads from standard input: `done < <(command)`.
    pub inputs: Box<[Word]>,
}

/// What drives a loop.
#[derive(Debug)]
pub enum LoopHead {
    /// `for name in words`; without words, the arguments.
    Words {
        /// The variable.
        name: CompactString,
        /// The words.
        words: Option<Box<[Word]>>,
    },
    /// `while condition`, `until condition`.
    Condition {
        /// The condition.
        condition: Block,
        /// Whether it is literally `while true`: the body runs at least once.
        endless: bool,
    },
    /// `for ((..))`; its words are evaluated for what they run.
    Other(Box<[Word]>),
}

/// `case`.
#[derive(Debug)]
pub struct Case {
    /// The value.
    pub word: Word,
    /// The arms in order.
    pub arms: Box<[CaseArm]>,
}

/// One arm of a `case`.
#[derive(Debug)]
pub struct CaseArm {
    /// Any of these must match.
    pub patterns: Box<[Pattern]>,
    /// What runs then.
    pub body: Block,
    /// `;&` or `;;&`: later arms may run too.
    pub falls_through: bool,
}

/// A function definition.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: CompactString,
    /// Its body.
    pub body: Block,
}

/// A word before expansion.
#[derive(Debug, Clone)]
pub struct Word {
    /// Where it stands, quotes included.
    pub span: Span,
    /// Its parts in order.
    pub parts: Box<[Part]>,
}

/// A part of a word.
#[derive(Debug, Clone)]
pub enum Part {
    /// Text after removal of quotes; and whether it was quoted.
    Text(CompactString, Quoting),
    /// `$name`.
    Variable(CompactString, Quoting),
    /// `${name:-word}`, `${name:=word}`.
    Default(Arc<Defaulted>, Quoting),
    /// `${name[@]}`, `${name[*]}`; `$@` and `$*` with the name `@`.
    All(CompactString, Quoting),
    /// `$( .. )`.
    Substitution(Arc<Block>, Quoting),
    /// What is not followed, with the words inside it, evaluated for what they run.
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

/// `${name:-word}`.
#[derive(Debug)]
pub struct Defaulted {
    /// The variable.
    pub name: CompactString,
    /// What stands for it where it is unset or empty.
    pub word: Word,
    /// `:=`: the variable gets the word.
    pub assigns: bool,
}

impl Word {
    /// The text of a word without expansions.
    pub fn literal(&self) -> Option<CompactString> {
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
            Part::Text(..) | Part::Variable(..) | Part::All(..) => false,
            Part::Default(defaulted, _) => defaulted.assigns || defaulted.word.does_something(),
            Part::Substitution(..) => true,
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
}
