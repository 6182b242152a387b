//! Statements: what a script does, in the order and shape in which it is written.

use std::sync::Arc;

use compact_str::CompactString;

use super::redirect::Redirect;
use super::word::{Arithmetic, EMPTY_WORD, Word};
use crate::source::Span;

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

/// The kinds of statement.
#[derive(Debug)]
pub enum StatementKind {
    /// A command with its arguments.
    Command(Command),
    /// `a=1 b=2`; without any where there is nothing but redirections.
    Assign(Box<[Assignment]>),
    /// `local a=1`, `export A=1`, `declare -a a`.
    Declare(Box<Declaration>),
    /// `[[ .. ]]` or `[ .. ]`.
    Test(Box<Test>),
    /// `(( .. ))`.
    Arithmetic(Arc<Arithmetic>),
    /// `a && b || c`.
    Chain(Box<Chain>),
    /// `! inner`.
    Not(Box<Statement>),
    /// `time inner`.
    Time(Box<Statement>),
    /// `a | b | c`: each in a process of its own. `a |& b` is `a 2>&1 | b`.
    Pipe(Block),
    /// `if`, with its `elif`s as further arms.
    If(Box<If>),
    /// `for`, `while`, `until`, `select`.
    Loop(Box<Loop>),
    /// `case`.
    Case(Box<Case>),
    /// `{ .. }`.
    Group(Block),
    /// `( .. )`: a process of its own.
    Subshell(Block),
    /// `inner &`: a process of its own that nobody waits for.
    Background(Box<Statement>),
    /// `coproc inner`: a process of its own behind a pipe.
    Coproc(Box<Coproc>),
    /// `name() { .. }`.
    Function(Arc<Function>),
    /// Anything but a command, with redirections.
    Redirected(Box<Redirected>),
    /// `exit`, with its arguments.
    Exit(Box<[Word]>),
    /// `return`, with its arguments.
    Return(Box<[Word]>),
    /// `break`, with its arguments.
    Break(Box<[Word]>),
    /// `continue`, with its arguments.
    Continue(Box<[Word]>),
}

/// A simple command.
#[derive(Debug)]
pub struct Command {
    /// Its name and its arguments.
    pub words: Box<[Word]>,
    /// What few commands have.
    pub more: Option<Box<More>>,
}

/// What few commands have.
#[derive(Debug, Default)]
pub struct More {
    /// `A=1 command`: seen by the command only.
    pub environment: Box<[Assignment]>,
    /// Its redirections, in order.
    pub redirects: Box<[Redirect]>,
}

impl Command {
    /// The first word.
    pub fn name(&self) -> &Word {
        self.words.first().unwrap_or(&EMPTY_WORD)
    }

    /// The other words.
    pub fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// `A=1 command`: seen by the command only.
    pub fn environment(&self) -> &[Assignment] {
        self.more.as_ref().map_or(&[], |more| &more.environment)
    }

    /// Its redirections, in order.
    pub fn redirects(&self) -> &[Redirect] {
        self.more.as_ref().map_or(&[], |more| &more.redirects)
    }
}

/// `first && second || third`: each is run, or not, by how the one before it ended.
#[derive(Debug)]
pub struct Chain {
    /// The first member.
    pub first: Statement,
    /// The others, each with what stands before it.
    pub rest: Box<[(AndOr, Statement)]>,
}

/// What joins the members of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AndOr {
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// A statement with redirections.
#[derive(Debug)]
pub struct Redirected {
    /// What is redirected.
    pub inner: Statement,
    /// In order, and done before it.
    pub redirects: Box<[Redirect]>,
}

/// `coproc`.
#[derive(Debug)]
pub struct Coproc {
    /// The array that gets its ends; `COPROC` where none is named.
    pub name: Option<Word>,
    /// What runs in it.
    pub inner: Statement,
}

/// A built-in that declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declarer {
    /// `local`.
    Local,
    /// `declare`.
    Declare,
    /// `typeset`.
    Typeset,
    /// `export`.
    Export,
    /// `readonly`.
    Readonly,
}

/// `declare -x name=value ..`.
#[derive(Debug)]
pub struct Declaration {
    /// The built-in.
    pub builtin: Declarer,
    /// `-x`, `+r`, ..
    pub options: Box<[Word]>,
    /// What is declared.
    pub items: Box<[Assignment]>,
}

/// `name=value`.
#[derive(Debug)]
pub struct Assignment {
    /// The variable; empty where a declaration's word is only known when it runs.
    pub name: CompactString,
    /// Where the name stands.
    pub span: Span,
    /// `name[subscript]=..`.
    pub subscript: Option<Box<Word>>,
    /// `+=`.
    pub appends: bool,
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
    Array(Box<[Element]>),
    /// `declare name`.
    Bare,
    /// `declare "$word"`: a name or an assignment when it runs.
    Dynamic(Word),
}

/// An element of `name=(..)`.
#[derive(Debug)]
pub struct Element {
    /// `[subscript]=value`.
    pub subscript: Option<Box<Word>>,
    /// `[subscript]+=value`.
    pub appends: bool,
    /// The value.
    pub value: Word,
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
        /// Right of it.
        right: Word,
        /// Whether it is a pattern, as in `[[ ]]`; else plain text, as in `[ ]`.
        is_pattern: bool,
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
    /// `-f word` and the like.
    Unary {
        /// With its `-`.
        operator: CompactString,
        /// What it asks about.
        word: Word,
    },
    /// `left -eq right`, `left < right` and the like.
    Binary {
        /// As it is written.
        operator: CompactString,
        /// Left of it.
        left: Word,
        /// Right of it.
        right: Word,
    },
    /// `a && b && ..`.
    And(Box<[Test]>),
    /// `a || b || ..`.
    Or(Box<[Test]>),
    /// `! inner`.
    Not(Box<Test>),
    /// Anything else; its words are evaluated for what they run.
    Other(Box<[Word]>),
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
    /// `select name in words`; without words, the arguments.
    Select {
        /// The variable.
        name: CompactString,
        /// The words.
        words: Option<Box<[Word]>>,
    },
    /// `while condition`, `until condition`.
    Condition {
        /// The condition.
        condition: Block,
        /// `until`.
        until: bool,
    },
    /// `for ((first; condition; step))`.
    Arithmetic(Box<[Arithmetic; 3]>),
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
    pub patterns: Box<[Word]>,
    /// What runs then.
    pub body: Block,
    /// What happens behind it.
    pub end: ArmEnd,
}

/// What happens behind an arm of a `case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArmEnd {
    /// `;;`, or the `esac`: nothing more.
    Done,
    /// `;&`: the next arm runs too.
    FallThrough,
    /// `;;&`: the next arm that matches runs too.
    GoOn,
}

/// A function definition.
#[derive(Debug)]
pub struct Function {
    /// Its name; empty where it is no fixed text.
    pub name: CompactString,
    /// Its body.
    pub body: Block,
}
