//! The parser's syntax tree to our statements.

use std::sync::Arc;

use compact_str::CompactString;
use shuck_ast as ast;
use shuck_parser::parser::Parser;

use super::word::literal_argument;
use super::{
    AssignedValue, Assignment, Block, Case, CaseArm, Command, Function, If, Input, Loop, LoopHead, OpenDocument, Part, Pattern,
    PatternPart, Quoting, Scope, Script, Statement, StatementKind, SyntaxError, Test, Word,
};
use crate::source::{ScriptMap, Span};

/// Comments are kept only where they say this.
const COMMENT_MARK: &str = "sidestage:";
/// How deep static shell text (`bash -c '..'`) is parsed inside static shell text.
const MAX_INLINE_DEPTH: usize = 4;
/// Stands for a byte that is not ASCII while a script is parsed.
pub(super) const FOREIGN: char = '\u{1a}';
/// How deep `${ .. }` may stand in itself.
const MAX_EXPANSIONS: usize = 50;

/// Parses a script; spans are mapped to its file by `map`.
pub fn parse(text: &str, map: &ScriptMap) -> Script {
    parse_inline(text, map, 0, 0)
}

fn parse_inline(text: &str, map: &ScriptMap, base: usize, depth: usize) -> Script {
    // The parser knows no CRLF; a blank in place of each `\r` keeps all offsets.
    let normalised;
    let source = if text.contains('\r') {
        normalised = text.replace('\r', " ");
        &normalised
    } else {
        text
    };
    if let Some(at) = too_deep(source) {
        let span = map.to_file(Span::new(base + at, base + at + 2));
        let message = format!("expansions are nested more than {MAX_EXPANSIONS} deep, and are not followed");
        return Script { errors: vec![SyntaxError { span, message }], ..Script::default() };
    }
    // The parser slices text at bytes that are no characters. It is given one character for each byte; the
    // text of words is taken from the source.
    let plain: String;
    let parseable = if source.is_ascii() {
        source
    } else {
        plain = source.bytes().map(|byte| if byte.is_ascii() { byte as char } else { FOREIGN }).collect();
        &plain
    };
    // It reads what users write: should it fail on something, the other scripts are still read.
    let Ok(parsed) = std::panic::catch_unwind(|| Parser::new(parseable).parse()) else {
        let message = "the parser failed on this script, so it is not followed".to_owned();
        let span = map.to_file(Span::new(base, base + 1));
        return Script { errors: vec![SyntaxError { span, message }], ..Script::default() };
    };
    // In text that a command is given to run, a comment is part of a word; where the map is not exact, it has no place.
    let has_comments = depth == 0 && map.is_exact() && source.contains(COMMENT_MARK);
    let comments = has_comments.then(Vec::new);
    let mut lower = Lower { source, map, base, depth, errors: Vec::new(), open_documents: Vec::new(), comments };
    for diagnostic in &parsed.diagnostics {
        let span = lower.error_span(diagnostic.span);
        lower.errors.push(SyntaxError { span, message: diagnostic.message.clone() });
    }
    if lower.errors.is_empty()
        && let Some(shuck_parser::Error::Parse { message, line, column }) = &parsed.terminal_error
    {
        let span = lower.at_line(*line, *column);
        lower.errors.push(SyntaxError { span, message: message.clone() });
    }
    let body = lower.block(&parsed.file.body);
    let mut comments = lower.comments.unwrap_or_default();
    comments.sort_unstable();
    comments.dedup();
    Script { body, errors: lower.errors, open_documents: lower.open_documents, comments }
}

/// Where `${ .. ${ ..` is deeper than the parser can take: its time grows with the cube of the depth.
fn too_deep(source: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'$' if bytes.get(at + 1) == Some(&b'{') => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_EXPANSIONS {
            return Some(at);
        }
    }
    None
}

pub(super) struct Lower<'a> {
    pub(super) source: &'a str,
    map: &'a ScriptMap,
    /// Where `source` begins in the text that `map` maps.
    base: usize,
    depth: usize,
    errors: Vec<SyntaxError>,
    pub(super) open_documents: Vec<OpenDocument>,
    /// The comments that are kept; `None` where there are none to keep.
    comments: Option<Vec<Span>>,
}

impl Lower<'_> {
    pub(super) fn span(&self, span: ast::Span) -> Span {
        let start = self.base + span.start.offset();
        let end = self.base + span.end.offset();
        self.map.to_file(Span::new(start, end))
    }

    /// What is missing at the end is missing behind the last character, not on an empty line after it.
    fn error_span(&self, span: ast::Span) -> Span {
        let end = self.source.trim_end().len();
        let last = self.source[..end].char_indices().next_back().map_or(0, |(at, _)| at);
        let start = span.start.offset().min(last);
        let stop = span.end.offset().min(end).max(start);
        self.map.to_file(Span::new(self.base + start, self.base + stop))
    }

    fn at_line(&self, line: usize, column: usize) -> Span {
        let start: usize = self.source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let offset = (start + column.saturating_sub(1)).min(self.source.len());
        self.map.to_file(Span::new(self.base + offset, self.base + offset))
    }

    pub(super) fn block(&mut self, seq: &ast::StmtSeq) -> Block {
        self.keep(seq.leading_comments.iter().chain(&seq.trailing_comments));
        seq.stmts.iter().map(|stmt| self.statement(stmt)).collect()
    }

    fn keep<'c>(&mut self, comments: impl Iterator<Item = &'c ast::Comment>) {
        let Some(kept) = &mut self.comments else { return };
        for comment in comments {
            let span = Span::new(comment.range.start().into(), comment.range.end().into());
            let text = span.slice(self.source);
            if text.starts_with('#') && text.contains(COMMENT_MARK) {
                kept.push(self.map.to_file(span));
            }
        }
    }

    fn statement(&mut self, stmt: &ast::Stmt) -> Statement {
        self.keep(stmt.leading_comments.iter().chain(&stmt.inline_comment));
        // Without the line break, and without the blanks before it.
        let text = stmt.span.slice(self.source);
        let start = self.base + stmt.span.start.offset();
        let span = self.map.to_file(Span::new(start, start + text.trim_end().len()));
        let kind = self.command(&stmt.command, &stmt.redirects, span);
        let kind = if stmt.negated { StatementKind::Not(Box::new(Statement { span, kind })) } else { kind };
        let is_background = matches!(stmt.terminator, Some(ast::StmtTerminator::Background(_)));
        let kind = if is_background { StatementKind::Subshell(Box::new([Statement { span, kind }])) } else { kind };
        Statement { span, kind }
    }

    fn command(&mut self, command: &ast::Command, redirects: &[ast::Redirect], span: Span) -> StatementKind {
        match command {
            ast::Command::Simple(simple) => self.simple(simple, redirects),
            ast::Command::Builtin(builtin) => Self::builtin(builtin, self.source),
            ast::Command::Decl(decl) => self.declaration(decl),
            ast::Command::Binary(binary) => self.binary(binary),
            ast::Command::Compound(compound) => self.compound(compound, redirects, span),
            ast::Command::Function(function) => self.function(function),
            ast::Command::AnonymousFunction(function) => StatementKind::Group(Box::new([self.statement(&function.body)])),
        }
    }

    fn simple(&mut self, simple: &ast::SimpleCommand, redirects: &[ast::Redirect]) -> StatementKind {
        let name = self.word(&simple.name);
        let environment: Box<[Assignment]> =
            simple.assignments.iter().map(|assignment| self.assignment(assignment, Scope::Shell)).collect();
        // Without a command there is an empty name in its place.
        let is_bare = match simple.name.parts.as_slice() {
            [] => true,
            [part] => matches!(&part.kind, ast::WordPart::Literal(text) if text.is_empty()),
            _ => false,
        };
        if is_bare && simple.args.is_empty() && (redirects.is_empty() || !environment.is_empty()) {
            return StatementKind::Assign(environment);
        }
        let arguments: Box<[Word]> = simple.args.iter().map(|word| self.word(word)).collect();
        if name.is("[") || name.is("test") {
            return StatementKind::Test(Box::new(Self::bracket_test(&arguments)));
        }
        let (input, outputs) = self.redirects(redirects);
        let inline = self.inline(&name, &arguments, &simple.args);
        StatementKind::Command(Box::new(Command { name, arguments, environment, input, outputs, inline }))
    }

    /// Shell text that a command is given to run, where it stands in the script as it is.
    fn inline(&mut self, name: &Word, arguments: &[Word], args: &[ast::Word]) -> Option<Block> {
        if self.depth >= MAX_INLINE_DEPTH {
            return None;
        }
        let index = match name.literal()?.rsplit('/').next()? {
            "bash" | "sh" => arguments.iter().position(|word| word.is("-c") || word.is("-ec") || word.is("-lc"))? + 1,
            "eval" | "trap" if !arguments.is_empty() => 0,
            _ => return None,
        };
        let (offset, text) = literal_argument(args.get(index)?, self.source)?;
        let script = parse_inline(text, self.map, self.base + offset, self.depth + 1);
        script.errors.is_empty().then_some(script.body)
    }

    fn redirects(&mut self, redirects: &[ast::Redirect]) -> (Option<Input>, Box<[Word]>) {
        let mut input = None;
        let mut outputs = Vec::new();
        for redirect in redirects {
            match (&redirect.target, redirect.kind) {
                (ast::RedirectTarget::Heredoc(heredoc), _) => input = Some(Input::Text(self.heredoc(heredoc))),
                (ast::RedirectTarget::Word(word), ast::RedirectKind::HereString) => input = Some(Input::Text(self.word(word))),
                (ast::RedirectTarget::Word(word), ast::RedirectKind::Input) => input = Some(Input::File(self.word(word))),
                (ast::RedirectTarget::Word(word), _) => outputs.push(self.word(word)),
            }
        }
        (input, outputs.into())
    }

    fn builtin(builtin: &ast::BuiltinCommand, source: &str) -> StatementKind {
        match builtin {
            ast::BuiltinCommand::Break(_) => StatementKind::Break,
            ast::BuiltinCommand::Continue(_) => StatementKind::Continue,
            ast::BuiltinCommand::Return(_) => StatementKind::Return,
            ast::BuiltinCommand::Exit(exit) => {
                let code = exit.code.as_ref().and_then(|word| literal_argument(word, source));
                let code = match &exit.code {
                    None => None,
                    Some(_) => code.and_then(|(_, text)| text.parse().ok()),
                };
                StatementKind::Exit(code)
            }
        }
    }

    fn declaration(&mut self, decl: &ast::DeclClause) -> StatementKind {
        let mut scope = match decl.variant.as_str() {
            "export" => Scope::Exported,
            "local" | "declare" | "typeset" => Scope::Local,
            _ => Scope::Shell,
        };
        let mut assignments = Vec::new();
        for operand in &decl.operands {
            match operand {
                ast::DeclOperand::Flag(word) => {
                    let flag = self.word(word).literal().unwrap_or_default();
                    if flag.starts_with('-') && flag.contains('x') {
                        scope = Scope::Exported;
                    } else if flag.starts_with('-') && flag.contains('g') {
                        scope = Scope::Shell;
                    }
                }
                ast::DeclOperand::Assignment(assignment) => assignments.push(self.assignment(assignment, scope)),
                ast::DeclOperand::Name(reference) => assignments.push(Assignment {
                    name: reference.name.as_str().into(),
                    span: self.span(reference.name_span),
                    value: AssignedValue::Other(Box::default()),
                    scope,
                }),
                ast::DeclOperand::Dynamic(word) => assignments.push(Assignment {
                    name: CompactString::default(),
                    span: self.span(word.span),
                    value: AssignedValue::Other(Box::new([self.word(word)])),
                    scope,
                }),
            }
        }
        StatementKind::Assign(assignments.into())
    }

    fn assignment(&mut self, assignment: &ast::Assignment, scope: Scope) -> Assignment {
        let is_element = assignment.target.subscript.is_some();
        let mut value = match &assignment.value {
            ast::AssignmentValue::Scalar(word) => AssignedValue::Word(self.word(word)),
            ast::AssignmentValue::Compound(array) => {
                let words: Box<[Word]> = array.elements.iter().map(|element| self.word(&element.value().word)).collect();
                let is_list = array.elements.iter().all(|element| matches!(element, ast::ArrayElem::Sequential(_)));
                if is_list { AssignedValue::Array(words) } else { AssignedValue::Other(words) }
            }
        };
        if assignment.append && !is_element {
            value = match value {
                AssignedValue::Word(word) => AssignedValue::AppendWord(word),
                AssignedValue::Array(words) => AssignedValue::AppendArray(words),
                other => other,
            };
        } else if is_element {
            let mut words = match value {
                AssignedValue::Word(word) => vec![word],
                AssignedValue::Array(words) | AssignedValue::Other(words) => words.into_vec(),
                AssignedValue::AppendWord(_) | AssignedValue::AppendArray(_) => Vec::new(),
            };
            if let Some(index) = assignment.target.subscript.as_ref().and_then(|subscript| subscript.word_ast()) {
                words.push(self.word(index));
            }
            value = AssignedValue::Other(words.into());
        }
        Assignment { name: assignment.target.name.as_str().into(), span: self.span(assignment.target.name_span), value, scope }
    }

    fn binary(&mut self, binary: &ast::BinaryCommand) -> StatementKind {
        match binary.op {
            ast::BinaryOp::And => StatementKind::And(Box::new((self.statement(&binary.left), self.statement(&binary.right)))),
            ast::BinaryOp::Or => StatementKind::Or(Box::new((self.statement(&binary.left), self.statement(&binary.right)))),
            ast::BinaryOp::Pipe | ast::BinaryOp::PipeAll => {
                let mut members = Vec::new();
                self.pipe_members(&binary.left, &mut members);
                members.push(self.statement(&binary.right));
                StatementKind::Pipe(members.into())
            }
        }
    }

    fn pipe_members(&mut self, stmt: &ast::Stmt, members: &mut Vec<Statement>) {
        match &stmt.command {
            ast::Command::Binary(binary)
                if matches!(binary.op, ast::BinaryOp::Pipe | ast::BinaryOp::PipeAll) && !stmt.negated && stmt.redirects.is_empty() =>
            {
                self.pipe_members(&binary.left, members);
                members.push(self.statement(&binary.right));
            }
            _ => members.push(self.statement(stmt)),
        }
    }

    fn compound(&mut self, compound: &ast::CompoundCommand, redirects: &[ast::Redirect], span: Span) -> StatementKind {
        let (input, outputs) = self.redirects(redirects);
        let mut inputs: Vec<Word> = outputs.into_vec();
        inputs.extend(match input {
            Some(Input::Text(word) | Input::File(word)) => Some(word),
            None => None,
        });
        let loop_of =
            |head, body, inputs: &mut Vec<Word>| StatementKind::Loop(Box::new(Loop { head, body, inputs: std::mem::take(inputs).into() }));
        let kind = match compound {
            ast::CompoundCommand::If(command) => {
                let first = (self.block(&command.condition), self.block(&command.then_branch));
                let rest = command.elif_branches.iter().map(|(condition, body)| (self.block(condition), self.block(body)));
                let mut arms = vec![first];
                arms.extend(rest);
                let otherwise = command.else_branch.as_ref().map(|body| self.block(body));
                StatementKind::If(Box::new(If { arms: arms.into(), otherwise }))
            }
            ast::CompoundCommand::For(command) => {
                let name = command.targets.first().and_then(|target| target.name.as_ref()).map(|name| name.as_str().into());
                let words = command.words.as_ref().map(|words| words.iter().map(|word| self.word(word)).collect());
                let head = LoopHead::Words { name: name.unwrap_or_default(), words };
                loop_of(head, self.block(&command.body), &mut inputs)
            }
            ast::CompoundCommand::Select(command) => {
                let words = command.words.iter().map(|word| self.word(word)).collect();
                loop_of(LoopHead::Other(words), self.block(&command.body), &mut inputs)
            }
            ast::CompoundCommand::Foreach(command) => {
                let words = Some(command.words.iter().map(|word| self.word(word)).collect());
                let head = LoopHead::Words { name: command.variable.as_str().into(), words };
                loop_of(head, self.block(&command.body), &mut inputs)
            }
            ast::CompoundCommand::Repeat(command) => {
                let words = Box::new([self.word(&command.count)]);
                loop_of(LoopHead::Other(words), self.block(&command.body), &mut inputs)
            }
            ast::CompoundCommand::ArithmeticFor(command) => {
                let words = [&command.init_ast, &command.condition_ast, &command.step_ast]
                    .into_iter()
                    .flatten()
                    .flat_map(|expression| self.arithmetic(expression))
                    .collect();
                loop_of(LoopHead::Other(words), self.block(&command.body), &mut inputs)
            }
            ast::CompoundCommand::While(command) => {
                let condition = self.block(&command.condition);
                let endless = matches!(&*condition, [Statement { kind: StatementKind::Command(command), .. }]
                    if command.name.is("true") || command.name.is(":"));
                loop_of(LoopHead::Condition { condition, endless }, self.block(&command.body), &mut inputs)
            }
            ast::CompoundCommand::Until(command) => {
                let condition = self.block(&command.condition);
                loop_of(LoopHead::Condition { condition, endless: false }, self.block(&command.body), &mut inputs)
            }
            ast::CompoundCommand::Case(command) => {
                let arms = command.cases.iter().map(|item| CaseArm {
                    patterns: item.patterns.iter().map(|pattern| self.pattern(pattern)).collect(),
                    body: self.block(&item.body),
                    falls_through: item.terminator != ast::CaseTerminator::Break,
                });
                let arms = arms.collect();
                StatementKind::Case(Box::new(Case { word: self.word(&command.word), arms }))
            }
            ast::CompoundCommand::Subshell(body) => StatementKind::Subshell(self.block(body)),
            ast::CompoundCommand::BraceGroup(body) => StatementKind::Group(self.block(body)),
            ast::CompoundCommand::Coproc(command) => StatementKind::Subshell(Box::new([self.statement(&command.body)])),
            ast::CompoundCommand::Time(command) => match &command.command {
                Some(inner) => return self.statement(inner).kind,
                None => StatementKind::Group(Box::default()),
            },
            ast::CompoundCommand::Always(command) => {
                let body = self.block(&command.body).into_vec();
                let always = self.block(&command.always_body).into_vec();
                StatementKind::Group(body.into_iter().chain(always).collect())
            }
            ast::CompoundCommand::Conditional(command) => StatementKind::Test(Box::new(self.conditional(&command.expression))),
            ast::CompoundCommand::Arithmetic(command) => {
                let words = command.expr_ast.as_ref().map(|expression| self.arithmetic(expression)).unwrap_or_default();
                StatementKind::Test(Box::new(Test::Other(words.into())))
            }
        };
        if inputs.is_empty() {
            return kind;
        }
        // A redirected group: what the redirection runs, runs before it.
        let effects = Statement { span, kind: StatementKind::Test(Box::new(Test::Other(inputs.into()))) };
        StatementKind::Group(Box::new([effects, Statement { span, kind }]))
    }

    fn function(&mut self, function: &ast::FunctionDef) -> StatementKind {
        let body = self.statement(&function.body);
        let name = function.header.static_names().next().map(|name| CompactString::from(name.as_str())).unwrap_or_default();
        let body = match body.kind {
            StatementKind::Group(block) => block,
            kind => Box::new([Statement { span: body.span, kind }]),
        };
        StatementKind::Function(Arc::new(Function { name, body }))
    }

    fn conditional(&mut self, expression: &ast::ConditionalExpr) -> Test {
        use ast::{ConditionalBinaryOp as Binary, ConditionalExpr as Expr, ConditionalUnaryOp as Unary};
        match expression {
            Expr::Parenthesized(inner) => self.conditional(&inner.expr),
            Expr::Unary(unary) => match unary.op {
                Unary::Not => Test::Not(Box::new(self.conditional(&unary.expr))),
                Unary::EmptyString | Unary::NonEmptyString => match self.operand(&unary.expr) {
                    Some(word) => Test::Empty { word, negated: unary.op == Unary::NonEmptyString },
                    None => Test::Other(Box::default()),
                },
                _ => Test::Other(self.operand(&unary.expr).into_iter().collect()),
            },
            Expr::Binary(binary) => match binary.op {
                Binary::And => Test::And(Box::new((self.conditional(&binary.left), self.conditional(&binary.right)))),
                Binary::Or => Test::Or(Box::new((self.conditional(&binary.left), self.conditional(&binary.right)))),
                Binary::PatternEq | Binary::PatternEqShort | Binary::PatternNe => {
                    let right = match &*binary.right {
                        Expr::Pattern(pattern) => self.pattern(pattern),
                        other => self.operand(other).map_or_else(unknown_pattern, text_pattern),
                    };
                    match self.operand(&binary.left) {
                        Some(left) => Test::Equals { left, right, negated: binary.op == Binary::PatternNe },
                        None => Test::Other(right.words),
                    }
                }
                Binary::RegexMatch => match (self.operand(&binary.left), self.operand(&binary.right)) {
                    (Some(left), Some(regex)) => Test::Matches { left, regex },
                    (left, right) => Test::Other(left.into_iter().chain(right).collect()),
                },
                _ => {
                    let words = [self.operand(&binary.left), self.operand(&binary.right)];
                    Test::Other(words.into_iter().flatten().collect())
                }
            },
            Expr::Word(word) => Test::Empty { word: self.word(word), negated: true },
            Expr::Regex(_) | Expr::Pattern(_) | Expr::VarRef(_) => Test::Other(self.operand(expression).into_iter().collect()),
        }
    }

    fn operand(&mut self, expression: &ast::ConditionalExpr) -> Option<Word> {
        match expression {
            ast::ConditionalExpr::Word(word) | ast::ConditionalExpr::Regex(word) => Some(self.word(word)),
            ast::ConditionalExpr::Parenthesized(inner) => self.operand(&inner.expr),
            _ => None,
        }
    }

    /// `[ .. ]` and `test ..`: the forms with one operator, joined by `-a`, `-o`; anything else stays unknown.
    fn bracket_test(arguments: &[Word]) -> Test {
        let arguments = match arguments {
            [inner @ .., last] if last.is("]") => inner,
            all => all,
        };
        match arguments {
            [not, rest @ ..] if not.is("!") && !rest.is_empty() => Test::Not(Box::new(Self::bracket_test(rest))),
            [word] => Test::Empty { word: word.clone(), negated: true },
            [flag, word] if flag.is("-z") || flag.is("-n") => Test::Empty { word: word.clone(), negated: flag.is("-n") },
            [left, operator, right] if operator.is("=") || operator.is("==") || operator.is("!=") => {
                Test::Equals { left: left.clone(), right: text_pattern(right.clone()), negated: operator.is("!=") }
            }
            other => match other.iter().position(|word| word.is("-o") || word.is("-a")) {
                Some(at) if at > 0 && at + 1 < other.len() => {
                    let sides = Box::new((Self::bracket_test(&other[..at]), Self::bracket_test(&other[at + 1..])));
                    if other[at].is("-o") { Test::Or(sides) } else { Test::And(sides) }
                }
                _ => Test::Other(other.into()),
            },
        }
    }

    fn pattern(&mut self, pattern: &ast::Pattern) -> Pattern {
        let mut words = Vec::new();
        let parts = pattern.parts.iter().map(|part| {
            Some(match &part.kind {
                ast::PatternPart::Literal(text) => {
                    let text = text.as_str(self.source, part.span).into();
                    let parts = Box::new([Part::Text(text, Quoting::Quoted)]);
                    PatternPart::Word(Word { span: self.span(part.span), parts })
                }
                ast::PatternPart::AnyString => PatternPart::Any,
                ast::PatternPart::AnyChar => PatternPart::One,
                ast::PatternPart::Word(word) => {
                    let word = self.word(word);
                    words.push(word.clone());
                    PatternPart::Word(word)
                }
                ast::PatternPart::CharClass(_) | ast::PatternPart::Group { .. } => return None,
            })
        });
        let parts = parts.collect::<Option<Box<[PatternPart]>>>();
        Pattern { parts, words: words.into() }
    }
}

fn text_pattern(word: Word) -> Pattern {
    Pattern { words: Box::new([word.clone()]), parts: Some(Box::new([PatternPart::Word(word)])) }
}

fn unknown_pattern() -> Pattern {
    Pattern { parts: None, words: Box::default() }
}
