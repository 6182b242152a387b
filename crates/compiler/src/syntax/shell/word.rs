//! Words, expansions, here-documents and arithmetic of the parser's tree to ours.

use std::sync::Arc;

use compact_str::CompactString;
use shuck_ast as ast;

use super::lower::{FOREIGN, Lower};
use super::{Defaulted, OpenDocument, Part, Quoting, Word};
use crate::source::Span;

/// The text of a word that holds nothing but one run of text, with its offset in the source: exact, without escapes.
pub(super) fn literal_argument<'a>(word: &ast::Word, source: &'a str) -> Option<(usize, &'a str)> {
    let [part] = word.parts.as_slice() else { return None };
    let raw = part.span.slice(source);
    let start = part.span.start.offset();
    match &part.kind {
        ast::WordPart::Literal(_) if !raw.contains('\\') => Some((start, raw)),
        ast::WordPart::SingleQuoted { dollar: false, .. } => Some((start + 1, raw.strip_prefix('\'')?.strip_suffix('\'')?)),
        ast::WordPart::DoubleQuoted { dollar: false, parts } => {
            let is_text = parts.iter().all(|part| matches!(part.kind, ast::WordPart::Literal(_)));
            let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
            (is_text && !inner.contains('\\')).then_some((start + 1, inner))
        }
        _ => None,
    }
}

impl Lower<'_> {
    pub(super) fn word(&mut self, word: &ast::Word) -> Word {
        let span = self.span(word.span);
        if word.has_active_brace_expansion() {
            // `{a,b}` makes several words of one: not followed, only evaluated.
            let mut parts = Vec::new();
            self.parts(&word.parts, Quoting::Bare, &mut parts);
            let inner = Word { span, parts: parts.into() };
            return Word { span, parts: Box::new([Part::Opaque(Arc::new([inner]))]) };
        }
        let mut parts = Vec::with_capacity(word.parts.len());
        self.parts(&word.parts, Quoting::Bare, &mut parts);
        Word { span, parts: parts.into() }
    }

    fn parts(&mut self, nodes: &[ast::WordPartNode], quoting: Quoting, parts: &mut Vec<Part>) {
        for node in nodes {
            let part = match &node.kind {
                ast::WordPart::Literal(text) => {
                    let plain = text.as_str(self.source, node.span);
                    if plain.contains(FOREIGN) {
                        parts.push(self.opaque(Vec::new()));
                        continue;
                    }
                    let is_raw = matches!(text, ast::LiteralText::Source) && plain.contains('\\');
                    Part::Text(if is_raw { unescaped(plain, quoting) } else { plain.into() }, quoting)
                }
                ast::WordPart::SingleQuoted { value, .. } => match value.slice(self.source) {
                    text if text.contains(FOREIGN) => self.opaque(Vec::new()),
                    text => Part::Text(text.into(), Quoting::Quoted),
                },
                ast::WordPart::DoubleQuoted { parts: inner, .. } => {
                    if inner.is_empty() {
                        parts.push(Part::Text("".into(), Quoting::Quoted));
                    }
                    self.parts(inner, Quoting::Quoted, parts);
                    continue;
                }
                ast::WordPart::Variable(name) => variable(name, quoting),
                ast::WordPart::CommandSubstitution { body, .. } => Part::Substitution(Arc::new(self.block(body)), quoting),
                ast::WordPart::ProcessSubstitution { body, .. } => {
                    let block = Part::Substitution(Arc::new(self.block(body)), Quoting::Quoted);
                    self.opaque(vec![Word { span: self.span(node.span), parts: Box::new([block]) }])
                }
                ast::WordPart::ArithmeticExpansion { expression_ast, expression_word_ast, .. } => {
                    let words = match expression_ast {
                        Some(expression) => self.arithmetic(expression),
                        None => vec![self.word(expression_word_ast)],
                    };
                    self.opaque(words)
                }
                ast::WordPart::Parameter(expansion) => self.parameter(expansion, quoting),
                ast::WordPart::ParameterExpansion { reference, operator, operand_word_ast, .. } => {
                    self.operation(reference, operator, operand_word_ast.as_deref(), quoting)
                }
                ast::WordPart::ArrayAccess(reference) => self.reference(reference, quoting),
                ast::WordPart::Length(reference)
                | ast::WordPart::ArrayLength(reference)
                | ast::WordPart::ArrayIndices(reference)
                | ast::WordPart::Transformation { reference, .. } => {
                    let words = self.subscript(reference);
                    self.opaque(words)
                }
                ast::WordPart::Substring { reference, offset_word_ast, length_word_ast, .. }
                | ast::WordPart::ArraySlice { reference, offset_word_ast, length_word_ast, .. } => {
                    let mut words = self.subscript(reference);
                    words.push(self.word(offset_word_ast));
                    words.extend(length_word_ast.iter().map(|word| self.word(word)));
                    self.opaque(words)
                }
                ast::WordPart::IndirectExpansion { operand_word_ast, .. } => {
                    let words = operand_word_ast.iter().map(|word| self.word(word)).collect();
                    self.opaque(words)
                }
                ast::WordPart::PrefixMatch { .. } | ast::WordPart::ZshQualifiedGlob(_) => self.opaque(Vec::new()),
            };
            parts.push(part);
        }
    }

    // Takes `self` so that all builders of parts read alike.
    #[allow(clippy::unused_self)]
    fn opaque(&self, words: Vec<Word>) -> Part {
        Part::Opaque(words.into())
    }

    fn subscript(&mut self, reference: &ast::VarRef) -> Vec<Word> {
        reference.subscript.as_ref().and_then(|subscript| subscript.word_ast()).map(|word| self.word(word)).into_iter().collect()
    }

    fn reference(&mut self, reference: &ast::VarRef, quoting: Quoting) -> Part {
        if reference.has_array_selector() {
            return Part::All(reference.name.as_str().into(), quoting);
        }
        // `${BASH_SOURCE[0]}` is what the name alone gives.
        if reference.subscript.is_some() && reference.name.as_str() != "BASH_SOURCE" {
            let words = self.subscript(reference);
            return self.opaque(words);
        }
        variable(&reference.name, quoting)
    }

    fn parameter(&mut self, expansion: &ast::ParameterExpansion, quoting: Quoting) -> Part {
        use ast::BourneParameterExpansion as Bourne;
        match expansion.bourne() {
            Some(Bourne::Access { reference }) => self.reference(reference, quoting),
            Some(Bourne::Operation { reference, operator, operand_word_ast, .. }) => {
                self.operation(reference, operator, operand_word_ast.as_deref(), quoting)
            }
            Some(Bourne::Slice { reference, offset_word_ast, length_word_ast, .. }) => {
                let mut words = self.subscript(reference);
                words.push(self.word(offset_word_ast));
                words.extend(length_word_ast.iter().map(|word| self.word(word)));
                self.opaque(words)
            }
            Some(Bourne::Indirect { operand_word_ast, .. }) => {
                let words = operand_word_ast.iter().map(|word| self.word(word)).collect();
                self.opaque(words)
            }
            Some(Bourne::Length { reference } | Bourne::Indices { reference } | Bourne::Transformation { reference, .. }) => {
                let words = self.subscript(reference);
                self.opaque(words)
            }
            Some(Bourne::PrefixMatch { .. }) | None => self.opaque(Vec::new()),
        }
    }

    fn operation(&mut self, reference: &ast::VarRef, operator: &ast::ParameterOp, operand: Option<&ast::Word>, quoting: Quoting) -> Part {
        let assigns = matches!(operator, ast::ParameterOp::AssignDefault);
        let is_default = assigns || matches!(operator, ast::ParameterOp::UseDefault);
        if is_default && reference.subscript.is_none() {
            let span = self.span(reference.span);
            let word = operand.map_or(Word { span, parts: Box::default() }, |word| self.word(word));
            let defaulted = Defaulted { name: reference.name.as_str().into(), word, assigns };
            return Part::Default(Arc::new(defaulted), quoting);
        }
        if matches!(operator, ast::ParameterOp::Error) && reference.subscript.is_none() {
            return variable(&reference.name, quoting);
        }
        let mut words = self.subscript(reference);
        words.extend(operand.map(|word| self.word(word)));
        words.extend(operator.replacement_word_ast().map(|word| self.word(word)));
        self.opaque(words)
    }

    pub(super) fn heredoc(&mut self, heredoc: &ast::Heredoc) -> Word {
        let end = heredoc.body.span.end.offset();
        if self.source.get(end..).is_none_or(|rest| rest.trim().is_empty()) && !heredoc.delimiter.cooked.is_empty() {
            let span = self.span(heredoc.delimiter.raw.span);
            self.open_documents.push(OpenDocument { span, delimiter: heredoc.delimiter.cooked.as_str().into() });
        }
        let mut parts = Vec::new();
        for node in &heredoc.body.parts {
            parts.push(match &node.kind {
                ast::HeredocBodyPart::Literal(text) => Part::Text(text.as_str(self.source, node.span).into(), Quoting::Quoted),
                ast::HeredocBodyPart::Variable(name) => variable(name, Quoting::Quoted),
                ast::HeredocBodyPart::CommandSubstitution { body, .. } => Part::Substitution(Arc::new(self.block(body)), Quoting::Quoted),
                ast::HeredocBodyPart::ArithmeticExpansion { expression_word_ast, .. } => {
                    let words = vec![self.word(expression_word_ast)];
                    self.opaque(words)
                }
                ast::HeredocBodyPart::Parameter(expansion) => self.parameter(expansion, Quoting::Quoted),
            });
        }
        Word { span: self.span(heredoc.body.span), parts: parts.into() }
    }

    /// The words inside an arithmetic expression.
    pub(super) fn arithmetic(&mut self, expression: &ast::ArithmeticExprNode) -> Vec<Word> {
        use ast::ArithmeticExpr as Expr;
        match &expression.kind {
            Expr::Number(_) | Expr::Variable(_) => Vec::new(),
            Expr::ShellWord(word) => vec![self.word(word)],
            Expr::Indexed { index, .. } => self.arithmetic(index),
            Expr::Parenthesized { expression } => self.arithmetic(expression),
            Expr::Unary { expr, .. } | Expr::Postfix { expr, .. } => self.arithmetic(expr),
            Expr::Binary { left, right, .. } => self.all_arithmetic(&[left, right]),
            Expr::Conditional { condition, then_expr, else_expr } => self.all_arithmetic(&[condition, then_expr, else_expr]),
            Expr::Assignment { value, .. } => self.arithmetic(value),
        }
    }

    fn all_arithmetic(&mut self, expressions: &[&ast::ArithmeticExprNode]) -> Vec<Word> {
        expressions.iter().flat_map(|expression| self.arithmetic(expression)).collect()
    }
}

/// Text as the shell reads it: a backslash takes the meaning of what follows, in double quotes only of some characters.
fn unescaped(raw: &str, quoting: Quoting) -> CompactString {
    let mut text = CompactString::default();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('\n') => {}
            Some(next @ ('$' | '`' | '"' | '\\')) => text.push(next),
            Some(next) if quoting == Quoting::Bare => text.push(next),
            Some(next) => {
                text.push('\\');
                text.push(next);
            }
            None => text.push('\\'),
        }
    }
    text
}

fn variable(name: &ast::Name, quoting: Quoting) -> Part {
    match name.as_str() {
        "@" | "*" => Part::All("@".into(), quoting),
        name => Part::Variable(name.into(), quoting),
    }
}

impl Word {
    /// Where the text stands without its quotes; the whole word where it is not one quoted text.
    pub fn inner_span(&self, text: &str) -> Span {
        let raw = self.span.slice(text);
        let is_quoted = raw.len() >= 2 && (raw.starts_with('"') && raw.ends_with('"') || raw.starts_with('\'') && raw.ends_with('\''));
        if is_quoted { Span { start: self.span.start + 1, end: self.span.end - 1 } } else { self.span }
    }
}
