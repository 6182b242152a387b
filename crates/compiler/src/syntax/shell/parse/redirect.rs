//! Redirections.

use super::super::error::Fault;
use super::super::redirect::{Descriptor, Redirect, RedirectOperator, Target};
use super::bytes::{END, META, is};
use super::words::Mode;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// A redirection, if one stands here.
    pub(super) fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let start = self.at;
        let begins = |byte: u8| matches!(byte, b'<' | b'>');
        let mut descriptor = Descriptor::Default;
        let mut at = start;
        match self.peek() {
            b'<' | b'>' if !self.is_process() => {}
            b'&' if self.byte(start + 1) == b'>' => {}
            b'0'..=b'9' => {
                let digits = self.raw(start, self.bytes.len()).iter().take_while(|byte| byte.is_ascii_digit()).count();
                at = start + digits;
                if !begins(self.byte(at)) {
                    return Ok(None);
                }
                let number = std::str::from_utf8(self.raw(start, at)).ok().and_then(|text| text.parse().ok());
                match number {
                    Some(number) => descriptor = Descriptor::Number(number),
                    None => return Ok(None),
                }
            }
            b'{' => match self.name_at(start + 1) {
                Some(end) if self.byte(end) == b'}' && begins(self.byte(end + 1)) => {
                    descriptor = Descriptor::Variable(self.text(start + 1, end));
                    at = end + 1;
                }
                _ => return Ok(None),
            },
            _ => return Ok(None),
        }
        self.at = at;
        let operator_at = at;
        let (mut operator, mut written) = self.redirect_operator();
        self.at += written.len();
        if written == "<" && self.peek() == b'\\' {
            // `<` and `<` on the next line.
            self.skip_continuations();
            if self.peek() == b'<' && !self.is_process() {
                self.at += 1;
                (operator, written) = (RedirectOperator::HereDocument, "<<");
            }
        }
        self.skip_blanks();
        if is(self.peek(), META) && !self.is_process() && (self.peek() != END || self.is_at_end()) {
            return self.fail(operator_at, operator_at + written.len(), Fault::NoTarget(written));
        }
        let target = match operator {
            RedirectOperator::HereDocument => self.document(written == "<<-")?,
            _ => Target::Word(self.word(Mode::ARGUMENT)?),
        };
        let span = self.span(start, self.end);
        Ok(Some(Redirect { span, descriptor, operator, target }))
    }

    fn redirect_operator(&self) -> (RedirectOperator, &'static str) {
        use RedirectOperator as Operator;
        let operators = [
            ("<<<", Operator::HereString),
            ("<<-", Operator::HereDocument),
            ("<<", Operator::HereDocument),
            ("<&", Operator::DuplicateInput),
            ("<>", Operator::ReadWrite),
            ("<", Operator::Input),
            ("&>>", Operator::AppendBoth),
            ("&>", Operator::OutputBoth),
            (">>", Operator::Append),
            (">&", Operator::DuplicateOutput),
            (">|", Operator::Clobber),
        ];
        let found = operators.iter().find(|(text, _)| self.starts_with(text.as_bytes()));
        found.map_or((Operator::Output, ">"), |(text, operator)| (*operator, text))
    }
}
