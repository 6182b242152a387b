//! Regular expressions as `[[ value =~ pattern ]]` takes them: POSIX extended ones, with the few additions of the
//! GNU library. Many who write one think of another dialect, in which the same text means something else.

use std::fmt::Write;

/// The most repetitions that an interval can ask for.
const MAX_REPETITIONS: u32 = 32_767;

/// The classes that `[[:name:]]` knows.
const CLASSES: &[&str] = &["alpha", "digit", "alnum", "upper", "lower", "space", "blank", "punct", "print", "graph", "cntrl", "xdigit"];

/// A regular expression that bash accepts.
#[derive(Debug)]
pub struct Regex {
    /// The same in our own dialect; `None` where that cannot say it.
    compiled: Option<regex::Regex>,
}

/// Why bash refuses a regular expression, or reads it as something that nobody means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegexFault {
    /// What is wrong.
    pub message: String,
    /// What to write, where that is plain.
    pub help: Option<String>,
}

impl Regex {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Result<Self, RegexFault> {
        let mut reader = Reader { rest: pattern.chars().collect(), ..Reader::default() };
        reader.rest.reverse();
        reader.read()?;
        let compiled = if reader.is_beyond { None } else { regex::Regex::new(&reader.out).ok() };
        Ok(Self { compiled })
    }

    /// Whether it matches somewhere in the text; `None` where that depends on the machine, or is not known.
    pub fn is_match(&self, text: &str) -> Option<bool> {
        // What is a letter beyond ASCII, the locale of the run decides.
        let compiled = self.compiled.as_ref().filter(|_| text.is_ascii())?;
        Some(compiled.is_match(text))
    }
}

fn fault<T>(message: impl Into<String>, help: &str) -> Result<T, RegexFault> {
    Err(RegexFault { message: message.into(), help: (!help.is_empty()).then(|| help.to_owned()) })
}

/// Reads a pattern and writes it in our own dialect.
#[derive(Default)]
struct Reader {
    /// What is still to be read, its next character last.
    rest: Vec<char>,
    out: String,
    /// Where the groups that are open begin in `out`, and their numbers.
    open: Vec<(usize, usize)>,
    groups: usize,
    closed: Vec<usize>,
    /// Where the last thing that can be repeated begins in `out`.
    atom: Option<usize>,
    /// Whether that is already repeated.
    is_repeated: bool,
    /// Whether something cannot be said in our dialect.
    is_beyond: bool,
}

impl Reader {
    fn read(&mut self) -> Result<(), RegexFault> {
        while let Some(next) = self.rest.pop() {
            match next {
                '\0' => return fault("it holds a NUL character, which bash cannot hold", ""),
                '(' => self.open_group()?,
                ')' => self.close_group(),
                '|' => {
                    self.out.push('|');
                    self.atom = None;
                }
                '^' | '$' => self.anchor(if next == '^' { "^" } else { "$" }),
                '*' | '+' | '?' => self.repeat(next, &next.to_string())?,
                '{' => {
                    let interval = self.interval()?;
                    self.repeat('{', &interval)?;
                }
                '.' => self.add("(?s:.)"),
                '[' => self.bracket()?,
                '\\' => self.escape()?,
                other => self.literal(other),
            }
        }
        if self.open.is_empty() { Ok(()) } else { fault("a `(` is never closed", "close it, or write `\\(` for the character") }
    }

    fn add(&mut self, text: &str) {
        self.atom = Some(self.out.len());
        self.is_repeated = false;
        self.out.push_str(text);
    }

    fn literal(&mut self, character: char) {
        let mut buffer = [0; 4];
        self.add(&regex::escape(character.encode_utf8(&mut buffer)));
    }

    /// An anchor matches no character, and cannot be repeated.
    fn anchor(&mut self, text: &str) {
        self.out.push_str(text);
        self.atom = None;
    }

    fn open_group(&mut self) -> Result<(), RegexFault> {
        if self.rest.last() == Some(&'?') {
            return match self.rest.iter().rev().nth(1) {
                Some(':') => fault("bash has no groups of the form `(?:..)`", "write `(..)`"),
                Some('=' | '!' | '<') => fault("bash cannot look ahead or behind", "write what the value must be, not what it must not be"),
                _ => fault("bash has no groups of the form `(?..)`", "write `(..)`, and both cases as `[aA]`"),
            };
        }
        self.groups += 1;
        self.open.push((self.out.len(), self.groups));
        self.out.push_str("(?:");
        self.atom = None;
        Ok(())
    }

    fn close_group(&mut self) {
        match self.open.pop() {
            Some((start, number)) => {
                self.out.push(')');
                self.closed.push(number);
                self.atom = Some(start);
                self.is_repeated = false;
            }
            // Alone it stands for itself.
            None => self.literal(')'),
        }
    }

    fn repeat(&mut self, sign: char, text: &str) -> Result<(), RegexFault> {
        let Some(atom) = self.atom else {
            return fault(format!("nothing stands before `{sign}` that can be repeated"), &format!("write `\\{sign}` for the character"));
        };
        if self.is_repeated {
            // `+?` is no lazy `+` here: both count.
            self.out.insert_str(atom, "(?:");
            self.out.push(')');
        }
        self.out.push_str(text);
        self.is_repeated = true;
        Ok(())
    }

    /// What follows `{`.
    fn interval(&mut self) -> Result<String, RegexFault> {
        let help = "write `{2}`, `{2,}` or `{2,5}`, or `\\{` for the character";
        let mut text = String::new();
        loop {
            match self.rest.pop() {
                Some('}') => break,
                Some(next) if next.is_ascii_digit() || next == ',' => text.push(next),
                _ => return fault("after `{` bash expects a count", help),
            }
        }
        let (low, high) = text.split_once(',').map_or((text.as_str(), None), |(low, high)| (low, Some(high)));
        let number = |digits: &str| digits.parse::<u32>().ok().filter(|number| *number <= MAX_REPETITIONS);
        let low_count = if low.is_empty() && high.is_some() { Some(0) } else { number(low) };
        match (low_count, high) {
            (Some(low), None) => Ok(format!("{{{low}}}")),
            (Some(low), Some("")) => Ok(format!("{{{low},}}")),
            (Some(low), Some(high)) => match number(high) {
                Some(high) if high >= low => Ok(format!("{{{low},{high}}}")),
                _ => fault(format!("`{{{text}}}` is no count, or too large"), help),
            },
            (None, _) => fault(format!("`{{{text}}}` is no count, or too large"), help),
        }
    }

    fn escape(&mut self) -> Result<(), RegexFault> {
        let Some(next) = self.rest.pop() else { return fault("it ends with a `\\`", "write `\\\\` for the character") };
        let letter = |instead: &str| {
            let message = format!("bash does not know `\\{next}`: to it that is the letter `{next}`");
            fault(message, instead)
        };
        match next {
            'w' => self.add("[A-Za-z0-9_]"),
            'W' => self.add("[^A-Za-z0-9_]"),
            's' => self.add("[[:space:]]"),
            'S' => self.add("[^[:space:]]"),
            'b' => self.anchor(r"(?-u:\b)"),
            'B' => self.anchor(r"(?-u:\B)"),
            '<' => self.anchor(r"(?-u:\b{start})"),
            '>' => self.anchor(r"(?-u:\b{end})"),
            '`' => self.anchor(r"\A"),
            '\'' => self.anchor(r"\z"),
            '1'..='9' => {
                if !self.closed.iter().any(|number| next.to_digit(10) == Some(*number as u32)) {
                    return fault(format!("`\\{next}` refers to a group that is not there"), "");
                }
                self.is_beyond = true;
                self.add("");
            }
            'd' => return letter("write `[0-9]`"),
            'D' => return letter("write `[^0-9]`"),
            'n' | 't' | 'r' => return letter("write `[[:space:]]`"),
            'p' | 'P' => return letter("write `[[:alpha:]]` or another class"),
            'z' | 'Z' => return letter("write `$`: it is the end of the whole value"),
            'A' => return letter("write `^`: it is the beginning of the whole value"),
            other if other.is_alphanumeric() => return letter("write the letter without `\\`"),
            other => self.literal(other),
        }
        Ok(())
    }

    /// What follows `[`.
    fn bracket(&mut self) -> Result<(), RegexFault> {
        let unclosed = || fault("a `[` is never closed", "close it, or write `\\[` for the character");
        let mut class = String::from("[");
        if self.rest.last() == Some(&'^') {
            self.rest.pop();
            class.push('^');
        }
        let mut is_first = true;
        loop {
            let Some(next) = self.rest.pop() else { return unclosed() };
            if next == ']' && !is_first {
                break;
            }
            is_first = false;
            let low = match (next, self.rest.last()) {
                ('[', Some(':')) => {
                    class.push_str(&self.named_class()?);
                    continue;
                }
                ('[', Some('.' | '=')) => {
                    // One character in a longer notation, or a matter of the locale.
                    let Some(mark) = self.rest.pop() else { return unclosed() };
                    while let Some(inner) = self.rest.pop() {
                        if inner == mark && self.rest.last() == Some(&']') {
                            break;
                        }
                    }
                    if self.rest.pop().is_none() {
                        return unclosed();
                    }
                    self.is_beyond = true;
                    continue;
                }
                ('\\', Some(letter @ ('d' | 'D' | 'w' | 'W' | 's' | 'S'))) => {
                    let help = match letter {
                        'd' | 'D' => "write `0-9`",
                        'w' | 'W' => "write `[:alnum:]_`",
                        _ => "write `[:space:]`",
                    };
                    return fault(format!("between `[` and `]` bash reads `\\{letter}` as the characters `\\` and `{letter}`"), help);
                }
                _ => next,
            };
            let is_range = self.rest.last() == Some(&'-') && self.rest.iter().rev().nth(1).is_some_and(|end| *end != ']');
            if !is_range {
                escaped(&mut class, low);
                continue;
            }
            self.rest.pop();
            let Some(high) = self.rest.pop() else { return unclosed() };
            if high == '[' && matches!(self.rest.last(), Some(':' | '.' | '=')) {
                return fault("a range ends with a character", "");
            }
            if high < low {
                return fault(
                    format!("the range `{low}-{high}` runs backwards"),
                    &format!("write `{high}-{low}`, or `-` as the last character"),
                );
            }
            escaped(&mut class, low);
            class.push('-');
            escaped(&mut class, high);
        }
        class.push(']');
        self.add(&class);
        Ok(())
    }

    /// What follows the `[` of `[:name:]`.
    fn named_class(&mut self) -> Result<String, RegexFault> {
        self.rest.pop();
        let mut name = String::new();
        loop {
            match self.rest.pop() {
                Some(':') if self.rest.last() == Some(&']') => break,
                Some(next) => name.push(next),
                None => return fault("a `[:` is never closed", "close it by `:]`"),
            }
        }
        self.rest.pop();
        if CLASSES.contains(&name.as_str()) {
            Ok(format!("[:{name}:]"))
        } else {
            fault(format!("bash has no class `[:{name}:]`"), "write one of `[:alpha:]`, `[:digit:]`, `[:alnum:]`, `[:space:]`")
        }
    }
}

/// A character between brackets, as nothing but itself.
fn escaped(class: &mut String, character: char) {
    // Writing to a string cannot fail.
    let _ = write!(class, "\\x{{{:x}}}", u32::from(character));
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use std::process::Command;

    use super::Regex;

    /// What bash says: whether the value matches; `None` where it refuses the pattern.
    fn bash(pattern: &str, value: &str) -> Option<bool> {
        let script = r#"[[ $2 =~ $1 ]]"#;
        let status = Command::new("bash").args(["-c", script, "bash", pattern, value]).env("LC_ALL", "C.UTF-8").output();
        match status.expect("bash runs").status.code() {
            Some(0) => Some(true),
            Some(1) => Some(false),
            _ => None,
        }
    }

    #[test]
    fn bash_agrees_on_what_is_a_pattern_and_on_what_it_matches() {
        let patterns = [
            "^https?://",
            "^a+?$",
            "^a*?b$",
            "a**",
            "^(a|b)*$",
            "^[]a]+$",
            "^[^]a]+$",
            "^[a-c-]+$",
            "[[:digit:]]+",
            r"^\$\(.*\)$",
            "a{2}",
            "^a{,2}$",
            "^a{1,}$",
            "^[\\]$",
            "a|",
            "|a",
            "()",
            "a)",
            "^.$",
            r"\bfoo\b",
            r"\<foo\>",
            r"^\w+$",
            r"^\S+$",
            r"(a)\1",
            "^[a&&b]$",
            "^[-a]$",
            "[a-]",
            "^[+--]$",
            "x^y",
            "a$b",
            "[.]",
            "^[a.b]$",
            r"\.",
            r"^\/x$",
            "^[[.a.]]$",
            "(^a)*",
            "*a",
            "+",
            "?",
            "(*a)",
            "a|*b",
            "^*",
            "$+",
            "{2}",
            "a{",
            "a{x}",
            "a{3,2}",
            "a{99999}",
            "a{1",
            "(",
            "(a",
            "[",
            "[a",
            "[z-a]",
            "\\",
            "[[:foo:]]",
            r"(a)\2",
            r"\1",
            "[[:alpha:",
            r"\b*",
            "(?:a)",
            "(?=a)",
            "(?i)a",
        ];
        let values = [
            "",
            "a",
            "aa",
            "aaa",
            "b",
            "ab",
            "a]",
            "https://x",
            "x https://",
            "\\",
            "1",
            "$(id)",
            "a\nb",
            "\n",
            "foo bar",
            "-",
            "+",
            ",",
            "&",
            ")",
            "/x",
            ".",
            "x^y",
        ];
        for pattern in patterns {
            let regex = Regex::new(pattern);
            assert_eq!(regex.is_ok(), bash(pattern, "a").is_some(), "{pattern}: {regex:?}");
            let Ok(regex) = regex else { continue };
            for value in values {
                if let Some(ours) = regex.is_match(value) {
                    assert_eq!(Some(ours), bash(pattern, value), "{pattern} on {value:?}: {regex:?}");
                }
            }
        }
    }

    #[test]
    fn what_bash_reads_as_something_else_is_refused_too() {
        for pattern in [r"^\d+$", r"a\n", r"[\d]", r"[^\s]", r"\p{L}", r"\Aa\z", "a\0"] {
            assert!(Regex::new(pattern).is_err(), "{pattern}");
        }
        assert!(Regex::new("^ä$").is_ok_and(|regex| regex.is_match("ä").is_none()), "the locale decides");
    }
}
