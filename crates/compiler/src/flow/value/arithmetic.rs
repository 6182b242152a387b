//! Arithmetic of the shell: the value of an expression, and what it assigns.

use compact_str::CompactString;

/// Expressions that stand deeper in parentheses are not followed.
const MAX_DEPTH: usize = 100;

/// Where an expression finds the variables that it names, and puts those that it assigns.
pub(crate) trait Variables {
    /// The text of a variable; `None` where it is not known.
    fn get(&mut self, name: &str) -> Option<CompactString>;

    /// Gives a variable a number.
    fn set(&mut self, name: &str, value: i64);
}

/// The value of an expression without expansions; `None` where it is not known, or no expression.
///
/// What it assigns before the part that is not known is assigned.
pub(crate) fn evaluate(text: &str, variables: &mut dyn Variables) -> Option<i64> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0, depth: 0, is_skipped: false, variables };
    reader.blanks();
    if reader.at == reader.bytes.len() {
        return Some(0);
    }
    let value = reader.comma()?;
    (reader.at == reader.bytes.len()).then_some(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// Whether this is the side of `&&`, `||` or `?` that is not taken.
    is_skipped: bool,
    variables: &'a mut dyn Variables,
}

/// The binary operators by how tightly they bind, loosest first.
const LEVELS: &[&[&str]] =
    &[&["||"], &["&&"], &["|"], &["^"], &["&"], &["==", "!="], &["<=", ">=", "<", ">"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

const ASSIGNMENTS: &[&str] = &["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "="];

impl Reader<'_> {
    fn blanks(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn looking_at(&self, text: &str) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.at += text.len();
            self.blanks();
        }
        found
    }

    fn comma(&mut self) -> Option<i64> {
        let mut value = self.ternary()?;
        while self.take(",") {
            value = self.ternary()?;
        }
        Some(value)
    }

    fn skipping<T>(&mut self, skips: bool, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let outer = self.is_skipped;
        self.is_skipped |= skips;
        let result = read(self);
        self.is_skipped = outer;
        result
    }

    fn ternary(&mut self) -> Option<i64> {
        let condition = self.binary(0)?;
        if !self.take("?") {
            return Some(condition);
        }
        let yes = self.skipping(condition == 0, Self::comma)?;
        if !self.take(":") {
            return None;
        }
        let no = self.skipping(condition != 0, Self::ternary)?;
        Some(if condition == 0 { no } else { yes })
    }

    fn binary(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        loop {
            let found = operators.iter().find(|operator| self.looking_at(operator) && !self.is_longer(operator));
            let Some(operator) = found else { return Some(left) };
            self.take(operator);
            let skips = (*operator == "&&" && left == 0) || (*operator == "||" && left != 0);
            let right = self.skipping(skips, |reader| reader.binary(level + 1))?;
            left = apply(operator, left, right, self.is_skipped)?;
        }
    }

    /// Whether the operator here is only the beginning of another one.
    fn is_longer(&self, operator: &str) -> bool {
        let next = self.bytes.get(self.at + operator.len()).copied().unwrap_or_default();
        match operator {
            "|" | "&" => next == operator.as_bytes()[0] || next == b'=',
            "<" | ">" => next == operator.as_bytes()[0],
            "<<" | ">>" | "^" | "+" | "-" | "/" | "%" => next == b'=',
            "*" => matches!(next, b'=' | b'*'),
            _ => false,
        }
    }

    fn power(&mut self) -> Option<i64> {
        let base = self.unary()?;
        if !self.take("**") {
            return Some(base);
        }
        let exponent = self.power()?;
        u32::try_from(exponent).ok().map(|exponent| base.wrapping_pow(exponent))
    }

    fn unary(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = self.unary_inner();
        self.depth -= 1;
        value
    }

    fn unary_inner(&mut self) -> Option<i64> {
        for (step, by) in [("++", 1), ("--", -1)] {
            if self.looking_at(step) {
                let back = self.at;
                self.take(step);
                if let Some(name) = self.name() {
                    let value = self.variable(&name)?.wrapping_add(by);
                    self.assign(&name, value);
                    return Some(value);
                }
                self.at = back;
            }
        }
        if self.take("!") {
            return Some(i64::from(self.unary()? == 0));
        }
        if self.take("~") {
            return Some(!self.unary()?);
        }
        if self.take("-") {
            return Some(self.unary()?.wrapping_neg());
        }
        if self.take("+") {
            return self.unary();
        }
        if self.take("(") {
            let value = self.comma()?;
            return self.take(")").then_some(value);
        }
        match self.name() {
            Some(name) => self.named(&name),
            None => self.number(),
        }
    }

    fn name(&mut self) -> Option<CompactString> {
        let rest = self.bytes.get(self.at..)?;
        if !rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
            return None;
        }
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = CompactString::from_utf8_lossy(&rest[..length]);
        self.at += length;
        self.blanks();
        Some(name)
    }

    /// A variable, and what is done with it.
    fn named(&mut self, name: &str) -> Option<i64> {
        // Elements of arrays are not followed.
        if self.looking_at("[") {
            return None;
        }
        for (step, by) in [("++", 1), ("--", -1)] {
            if self.take(step) {
                let value = self.variable(name)?;
                self.assign(name, value.wrapping_add(by));
                return Some(value);
            }
        }
        let assignment = ASSIGNMENTS.iter().find(|operator| self.looking_at(operator)).filter(|_| !self.looking_at("=="));
        let Some(operator) = assignment else { return self.variable(name) };
        self.take(operator);
        let right = self.ternary()?;
        let value = match operator.trim_end_matches('=') {
            "" => right,
            operator => apply(operator, self.variable(name)?, right, self.is_skipped)?,
        };
        self.assign(name, value);
        Some(value)
    }

    fn assign(&mut self, name: &str, value: i64) {
        if !self.is_skipped {
            self.variables.set(name, value);
        }
    }

    fn variable(&mut self, name: &str) -> Option<i64> {
        if self.is_skipped {
            return Some(0);
        }
        let text = self.variables.get(name)?;
        if text.is_empty() { Some(0) } else { number(text.trim()) }
    }

    fn number(&mut self) -> Option<i64> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
        let text = std::str::from_utf8(&rest[..length]).ok()?;
        let value = number(text)?;
        self.at += length;
        self.blanks();
        Some(value)
    }
}

fn number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(hex, 16).ok()?
    } else if let Some((base, digits)) = digits.split_once('#') {
        let base: u32 = base.parse().ok().filter(|base| (2..=36).contains(base))?;
        i64::from_str_radix(digits, base).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    Some(value * sign)
}

fn apply(operator: &str, left: i64, right: i64, is_skipped: bool) -> Option<i64> {
    Some(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.wrapping_shl(u32::try_from(right).ok()?),
        ">>" => left.wrapping_shr(u32::try_from(right).ok()?),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" | "%" if right == 0 => return is_skipped.then_some(0),
        "/" => left.wrapping_div(right),
        "%" => left.wrapping_rem(right),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use compact_str::CompactString;

    use super::{Variables, evaluate};

    impl Variables for BTreeMap<String, i64> {
        fn get(&mut self, name: &str) -> Option<CompactString> {
            BTreeMap::get(self, name).map(|value| value.to_string().into())
        }

        fn set(&mut self, name: &str, value: i64) {
            self.insert(name.to_owned(), value);
        }
    }

    #[test]
    fn expressions_have_the_values_of_bash() {
        for (text, expected) in [
            ("1 + 2 * 3", Some(7)),
            ("(1 + 2) * 3", Some(9)),
            ("n + 1", Some(6)),
            ("n++ + n", Some(11)),
            ("n = 2, n * n", Some(4)),
            ("n > 3 && n < 9", Some(1)),
            ("n == 5 ? 10 : 20", Some(10)),
            ("0 && (n = 1)", Some(0)),
            ("2 ** 3", Some(8)),
            ("1 / 0", None),
            ("unknown + 1", None),
            ("0x10 + 010", Some(24)),
            ("-n", Some(-5)),
            ("!n", Some(0)),
            ("n += 2", Some(7)),
            ("1 << 3", Some(8)),
            ("", Some(0)),
            ("1 +", None),
            ("n <= 5", Some(1)),
            ("a[1]", None),
        ] {
            let mut variables = BTreeMap::from([("n".to_owned(), 5)]);
            assert_eq!(evaluate(text, &mut variables), expected, "{text}");
        }
    }
}
