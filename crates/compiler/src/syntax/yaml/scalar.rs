//! What a plain scalar means, by the core schema of YAML 1.2; and how a string is written.

use std::borrow::Cow;

/// The type of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarKind {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A number with a fraction or an exponent, infinity, or not a number.
    Float,
    /// Everything else.
    String,
}

impl ScalarKind {
    /// The kind of an unquoted, untagged scalar.
    pub(super) fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Self::Bool,
            _ if is_integer(text) => Self::Integer,
            _ if is_float(text) => Self::Float,
            _ => Self::String,
        }
    }
}

/// Whether a string means itself without quotes, to readers of YAML 1.1 too.
pub fn is_plain(text: &str) -> bool {
    let is_word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    let is_simple = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'));
    is_simple && !is_word && text.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// A string as YAML reads it back: in quotes where it needs them.
pub fn written(text: &str) -> Cow<'_, str> {
    if is_plain(text) { Cow::Borrowed(text) } else { Cow::Owned(serde_json::Value::from(text).to_string()) }
}

fn is_integer(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent_is_whole = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent_is_whole && !(whole.is_empty() && fraction.is_empty()) && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::ScalarKind::{self, Bool, Float, Integer, Null, String};

    #[test]
    fn plain_scalars_have_the_types_of_the_core_schema() {
        let cases = [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("nul", String),
            ("true", Bool),
            ("False", Bool),
            ("yes", String),
            ("on", String),
            ("1", Integer),
            ("-12", Integer),
            ("0x1F", Integer),
            ("0o17", Integer),
            ("0x", String),
            ("1_000", String),
            ("1.5", Float),
            (".5", Float),
            ("1e3", Float),
            ("-.inf", Float),
            (".nan", Float),
            (".", String),
            ("1e", String),
            ("1.2.3", String),
        ];
        for (text, kind) in cases {
            assert_eq!(ScalarKind::of_plain(text), kind, "{text:?}");
        }
    }
}
