//! The words of an expression.

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text,
    Bytes,
    Number,
    Sign(&'static str),
}

/// Signs, the longer ones first.
const SIGNS: [&str; 24] =
    ["==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "+", "-", "*", "/", "%", "<", ">", "!"];

/// All words of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = skip(text);
    while let Some(first) = rest.chars().next() {
        let (token, after) = if let Some(found) = quoted(rest) {
            found?
        } else if first.is_ascii_alphabetic() || first == '_' {
            name(rest)
        } else if first.is_ascii_digit() {
            number(rest)
        } else {
            sign(rest).ok_or_else(|| format!("`{first}` is not expected"))?
        };
        tokens.push(token);
        rest = skip(after);
    }
    Ok(tokens)
}

/// Without white space and comments at the start.
fn skip(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix("//") {
        rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    rest
}

fn name(text: &str) -> (Token, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    let token = if name == "in" { Token::Sign("in") } else { Token::Name(name.to_owned()) };
    (token, after)
}

/// A number in any form; its value does not matter.
fn number(text: &str) -> (Token, &str) {
    let mut end = 0;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let dot = c == '.' && text[at + 1..].starts_with(|next: char| next.is_ascii_digit());
        let exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !text.starts_with("0x");
        if !c.is_ascii_alphanumeric() && !dot && !exponent {
            break;
        }
        (end, before) = (at + c.len_utf8(), c);
    }
    (Token::Number, &text[end..])
}

fn sign(text: &str) -> Option<(Token, &str)> {
    let sign = SIGNS.into_iter().find(|sign| text.starts_with(sign))?;
    Some((Token::Sign(sign), &text[sign.len()..]))
}

/// A text in quotes, with `r` or `b` before it perhaps.
fn quoted(text: &str) -> Option<Result<(Token, &str), String>> {
    let prefix = text.len() - text.trim_start_matches(['r', 'R', 'b', 'B']).len();
    let (flags, rest) = text.split_at_checked(prefix).filter(|(flags, _)| flags.len() <= 2)?;
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote))?;
    let token = if flags.contains(['b', 'B']) { Token::Bytes } else { Token::Text };
    let end = end_of(&rest[quote.len()..], quote, flags.contains(['r', 'R']));
    Some(end.map(|after| (token, after)).ok_or_else(|| "a text is not closed".to_owned()))
}

/// What is behind the closing quote.
fn end_of<'a>(text: &'a str, quote: &str, raw: bool) -> Option<&'a str> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' && !raw {
            escaped = true;
        } else if text[at..].starts_with(quote) {
            return Some(&text[at + quote.len()..]);
        } else if c == '\n' && quote.len() == 1 {
            return None;
        }
    }
    None
}
