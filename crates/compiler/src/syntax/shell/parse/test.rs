//! `[[ .. ]]` and `[ .. ]`.

use compact_str::CompactString;

use super::super::error::Fault;
use super::super::statement::{StatementKind, Test};
use super::super::word::Word;
use super::bytes::END;
use super::words::Mode;
use super::{Parsed, Parser};

/// `[ .. ]` with more words is not looked into.
const MAX_BRACKET: usize = 40;

impl Parser<'_> {
    /// `[[ .. ]]`.
    pub(super) fn condition(&mut self) -> Parsed<StatementKind> {
        let start = self.at;
        self.take_word("[[");
        self.skip_lines();
        if self.take_word("]]") {
            return Ok(StatementKind::Test(Box::new(Test::Other(Box::default()))));
        }
        let test = self.any(start)?;
        if !self.take_word("]]") {
            return self.condition_stop(start);
        }
        Ok(StatementKind::Test(Box::new(test)))
    }

    fn condition_stop<T>(&mut self, start: usize) -> Parsed<T> {
        if self.is_at_end() {
            return self.unclosed(start, start + 2, Fault::NeverClosed("[[", "]]"));
        }
        let at = self.at;
        let end = self.run_until(at, super::bytes::META).max(at + 1);
        let shown = if self.peek() == b'\n' { "a line break".into() } else { self.shown(at, end) };
        self.fail(at, end, Fault::NotInCondition(&shown))
    }

    /// `a || b || c`.
    fn any(&mut self, start: usize) -> Parsed<Test> {
        let first = self.all(start)?;
        let mut members = Vec::new();
        while self.starts_with(b"||") {
            self.at += 2;
            self.skip_lines();
            members.push(self.all(start)?);
        }
        if members.is_empty() {
            return Ok(first);
        }
        members.insert(0, first);
        Ok(Test::Or(members.into()))
    }

    /// `a && b && c`.
    fn all(&mut self, start: usize) -> Parsed<Test> {
        let first = self.negated(start)?;
        let mut members = Vec::new();
        while self.starts_with(b"&&") {
            self.at += 2;
            self.skip_lines();
            members.push(self.negated(start)?);
        }
        if members.is_empty() {
            return Ok(first);
        }
        members.insert(0, first);
        Ok(Test::And(members.into()))
    }

    fn negated(&mut self, start: usize) -> Parsed<Test> {
        let mut is_negated = false;
        loop {
            self.skip_blanks();
            if self.plain_word() != b"!" {
                break;
            }
            let at = self.at;
            self.at += 1;
            self.skip_blanks();
            if self.plain_word() == b"]]" {
                self.at = at;
                break;
            }
            is_negated = !is_negated;
        }
        let test = self.primary(start)?;
        Ok(if is_negated { Test::Not(Box::new(test)) } else { test })
    }

    fn primary(&mut self, start: usize) -> Parsed<Test> {
        let open = self.at;
        if self.peek() == b'(' {
            return self.deeper(open, |parser| {
                parser.at += 1;
                parser.skip_lines();
                let test = parser.any(start)?;
                if parser.peek() != b')' {
                    return parser.condition_stop(start);
                }
                parser.at += 1;
                parser.skip_lines();
                Ok(test)
            });
        }
        if self.is_operand_missing(false) {
            return self.condition_stop(start);
        }
        let left = self.word(Mode::PLAIN)?;
        self.skip_blanks();
        if let Some(operator) = unary(self.raw(open, self.end)) {
            return self.unary_test(operator, open);
        }
        let Some((operator, length)) = self.binary() else {
            return match self.peek() {
                b'&' if self.byte(self.at + 1) == b'&' => Ok(Test::Empty { word: left, negated: true }),
                b'|' if self.byte(self.at + 1) == b'|' => Ok(Test::Empty { word: left, negated: true }),
                b')' => Ok(Test::Empty { word: left, negated: true }),
                _ if self.plain_word() == b"]]" => Ok(Test::Empty { word: left, negated: true }),
                _ => self.condition_stop(start),
            };
        };
        self.binary_test(left, operator, length)
    }

    fn is_operand_missing(&self, is_right: bool) -> bool {
        match self.peek() {
            b'(' | b'|' if is_right => false,
            b'<' | b'>' => !self.is_process(),
            b'\n' | b'&' | b'|' | b';' | b')' | b'(' => true,
            END => self.is_at_end(),
            _ => is_right && self.plain_word() == b"]]",
        }
    }

    fn unary_test(&mut self, operator: CompactString, at: usize) -> Parsed<Test> {
        if self.is_operand_missing(false) || self.plain_word() == b"]]" {
            return self.fail(at, at + operator.len(), Fault::ConditionOperand(&operator));
        }
        let word = self.word(Mode::PLAIN)?;
        self.skip_lines();
        Ok(match operator.as_str() {
            "-z" | "-n" => Test::Empty { word, negated: operator == "-n" },
            _ => Test::Unary { operator, word },
        })
    }

    /// The operator of two operands here, and its length.
    fn binary(&self) -> Option<(CompactString, usize)> {
        let word = self.plain_word();
        let operator = match word {
            b"=" | b"==" | b"!=" | b"=~" | b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" | b"-ef" | b"-nt" | b"-ot" => word,
            _ => match self.peek() {
                b'<' => b"<",
                b'>' => b">",
                _ => return None,
            },
        };
        Some((CompactString::from_utf8_lossy(operator), operator.len()))
    }

    fn binary_test(&mut self, left: Word, operator: CompactString, length: usize) -> Parsed<Test> {
        let at = self.at;
        self.at += length;
        self.skip_blanks();
        let is_regex = operator == "=~";
        if self.is_operand_missing(is_regex) || self.plain_word() == b"]]" {
            return self.fail(at, at + length, Fault::ConditionOperand(&operator));
        }
        let right = self.word(if is_regex { Mode::REGEX } else { Mode::PLAIN })?;
        self.skip_lines();
        Ok(match operator.as_str() {
            "=" | "==" | "!=" => Test::Equals { left, right, is_pattern: true, negated: operator == "!=" },
            "=~" => Test::Matches { left, regex: right },
            _ => Test::Binary { operator, left, right },
        })
    }
}

/// The operator of one operand that a word is.
fn unary(raw: &[u8]) -> Option<CompactString> {
    match raw {
        [b'-', letter] if b"abcdefghkLnNoOpGrRsStuvwxz".contains(letter) => Some(CompactString::from_utf8_lossy(raw)),
        _ => None,
    }
}

/// `[ .. ]` and `test ..`: the forms with one operator, joined by `-a`, `-o`; anything else stays unknown.
pub(super) fn bracket(mut words: Vec<Word>) -> Test {
    if words.last().is_some_and(|word| word.is("]")) {
        words.pop();
    }
    if words.len() > MAX_BRACKET { Test::Other(words.into()) } else { bracket_test(&words) }
}

fn bracket_test(words: &[Word]) -> Test {
    match words {
        [not, rest @ ..] if not.is("!") && !rest.is_empty() => Test::Not(Box::new(bracket_test(rest))),
        [word] => Test::Empty { word: word.clone(), negated: true },
        [flag, word] if flag.is("-z") || flag.is("-n") => Test::Empty { word: word.clone(), negated: flag.is("-n") },
        [left, operator, right] if operator.is("=") || operator.is("==") || operator.is("!=") => {
            Test::Equals { left: left.clone(), right: right.clone(), is_pattern: false, negated: operator.is("!=") }
        }
        [left, operator, right] if operator.literal().is_some_and(|operator| is_binary(&operator)) => {
            Test::Binary { operator: operator.literal().unwrap_or_default(), left: left.clone(), right: right.clone() }
        }
        [flag, word] if flag.literal().is_some_and(|flag| unary(flag.as_bytes()).is_some()) => {
            Test::Unary { operator: flag.literal().unwrap_or_default(), word: word.clone() }
        }
        other => match other.iter().position(|word| word.is("-o") || word.is("-a")) {
            Some(at) if at > 0 && at + 1 < other.len() => {
                let sides = Box::new([bracket_test(&other[..at]), bracket_test(&other[at + 1..])]);
                if other[at].is("-o") { Test::Or(sides) } else { Test::And(sides) }
            }
            _ => Test::Other(other.into()),
        },
    }
}

/// The operators of `[ ]` that compare two operands, but for `=` and its kin.
fn is_binary(operator: &str) -> bool {
    matches!(operator, "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-ef" | "-nt" | "-ot" | "<" | ">")
}
