//! The patterns of contracts. The emitted scripts hold values against them with bash's `[[ value =~ pattern ]]`, we do
//! with Rust's `regex`: what the two read differently is refused, so that a pattern has one meaning.

use regex::bytes::RegexBuilder;
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassAsciiKind, ClassPerlKind, ClassSetBinaryOp, ClassSetItem, ErrorKind, GroupKind, Literal, LiteralKind,
    Repetition, RepetitionKind, RepetitionRange, Span,
};

/// The most repetitions that bash counts.
const MAX_REPETITIONS: u32 = 32_767;

/// A regular expression that means the same to bash and to us.
#[derive(Debug)]
pub struct Pattern {
    /// `None` where it is too large for us, or a class holds letters beyond ASCII.
    compiled: Option<regex::bytes::Regex>,
}

/// Why bash refuses a pattern, or reads it differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// What is wrong.
    pub message: String,
    /// What to write, where that is plain.
    pub help: Option<&'static str>,
}

impl Pattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.contains('\0') {
            return refuse("it holds a NUL character, which bash cannot hold", "");
        }
        let tree = Parser::new().parse(text).or_else(|error| unreadable(text, &error))?;
        ast::visit(&tree, Portable { text })?;
        Ok(Self { compiled: RegexBuilder::new(text).unicode(false).build().ok() })
    }

    /// The first match in a text and its groups, those that take no part empty; `None` where there is none, or where bash
    /// may choose otherwise: among alternatives, and what a repeated group holds.
    pub fn groups(&self, text: &str) -> Option<Vec<String>> {
        let is_chosen = |regex: &str| ["|", ")*", ")+", ")?", "){"].iter().any(|part| regex.contains(part));
        let compiled =
            self.compiled.as_ref().filter(|compiled| text.is_ascii() && !text.contains('\n') && !is_chosen(compiled.as_str()))?;
        let captures = compiled.captures(text.as_bytes())?;
        let group =
            |found: Option<regex::bytes::Match<'_>>| String::from_utf8(found.map_or(Vec::new(), |found| found.as_bytes().to_vec())).ok();
        captures.iter().map(group).collect()
    }

    /// Whether it matches somewhere in the text; `None` where that depends on the machine, or is not known.
    pub fn is_match(&self, text: &str) -> Option<bool> {
        // What is a letter beyond ASCII, the locale of the run decides; `$.` matches a line end in the GNU library only.
        let compiled = self.compiled.as_ref().filter(|_| text.is_ascii() && !text.contains('\n'))?;
        Some(compiled.is_match(text.as_bytes()))
    }
}

fn refuse<T>(message: impl Into<String>, help: &'static str) -> Result<T, PatternError> {
    Err(PatternError { message: message.into(), help: (!help.is_empty()).then_some(help) })
}

/// What neither reads, or only bash does.
fn unreadable<T>(text: &str, error: &ast::Error) -> Result<T, PatternError> {
    let part = part(text, error.span());
    match error.kind() {
        ErrorKind::GroupUnclosed => refuse("a `(` is never closed", "close it, or write `\\(` for the character"),
        ErrorKind::GroupUnopened => refuse("a `)` closes no group", "write `\\)` for the character"),
        ErrorKind::ClassUnclosed => refuse("a `[` is never closed", "close it, or write `\\[` for the character"),
        ErrorKind::ClassRangeInvalid => {
            refuse(format!("the range `{part}` runs backwards"), "write its smaller end first, or `-` as the last character")
        }
        ErrorKind::ClassRangeLiteral => refuse("a range ends with a character", ""),
        ErrorKind::EscapeUnexpectedEof => refuse("it ends with a `\\`", "write `\\\\` for the character"),
        ErrorKind::RepetitionMissing => {
            refuse("a repetition has nothing before it", "write `\\` before a `*`, `+`, `?` or `{` that means the character")
        }
        ErrorKind::UnsupportedLookAround => {
            refuse("bash cannot look ahead or behind", "write what the value must be, not what it must not be")
        }
        ErrorKind::UnsupportedBackreference => refuse(format!("`{part}` refers to a group"), "write the text again"),
        ErrorKind::FlagUnexpectedEof | ErrorKind::FlagUnrecognized => refuse("bash has no groups of the form `(?..)`", "write `(..)`"),
        ErrorKind::RepetitionCountInvalid
        | ErrorKind::RepetitionCountDecimalEmpty
        | ErrorKind::RepetitionCountUnclosed
        | ErrorKind::DecimalInvalid => count_error(),
        ErrorKind::EscapeUnrecognized | ErrorKind::ClassEscapeInvalid => unknown_escape(part),
        other => refuse(other.to_string(), ""),
    }
}

fn count_error<T>() -> Result<T, PatternError> {
    refuse("the count after a `{` is not valid, or too large", "write `{2}`, `{2,}` or `{2,5}`, or `\\{` for the character")
}

/// An escape that bash does not know, or knows as something else.
fn unknown_escape<T>(escape: &str) -> Result<T, PatternError> {
    let Some(letter) = escape.chars().nth(1).filter(char::is_ascii_alphanumeric) else {
        return refuse(format!("`{escape}` is not the same to all programs"), "write the character without `\\`");
    };
    let help = match letter {
        'd' => "write `[0-9]`",
        'D' => "write `[^0-9]`",
        'n' | 't' | 'r' | 'f' | 'v' => "write `[[:space:]]`",
        'p' | 'P' => "write `[[:alpha:]]` or another class",
        'z' | 'Z' => "write `$`: it is the end of the whole value",
        'A' => "write `^`: it is the beginning of the whole value",
        _ => "write the character itself",
    };
    refuse(format!("bash does not know `\\{letter}`: to it that is the letter `{letter}`"), help)
}

/// The text of one node.
fn part<'a>(text: &'a str, span: &Span) -> &'a str {
    text.get(span.start.offset..span.end.offset).unwrap_or_default()
}

/// Refuses what our dialect reads and bash does not, or not so.
struct Portable<'a> {
    text: &'a str,
}

impl ast::Visitor for Portable<'_> {
    type Output = ();
    type Err = PatternError;

    fn finish(self) -> Result<(), PatternError> {
        Ok(())
    }

    fn visit_pre(&mut self, node: &Ast) -> Result<(), PatternError> {
        match node {
            Ast::Flags(_) => refuse("bash has no flags such as `(?i)`", "write both cases as `[aA]`"),
            Ast::Group(group) => match group.kind {
                GroupKind::CaptureIndex(_) => Ok(()),
                _ => refuse("bash has no groups of the form `(?..)`", "write `(..)`, and both cases as `[aA]`"),
            },
            Ast::ClassUnicode(class) => unknown_escape(part(self.text, &class.span)),
            Ast::ClassPerl(class) if class.kind == ClassPerlKind::Digit => unknown_escape(part(self.text, &class.span)),
            Ast::Literal(literal) => self.literal(literal),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartText | AssertionKind::EndText => unknown_escape(part(self.text, &assertion.span)),
                AssertionKind::WordBoundaryStart
                | AssertionKind::WordBoundaryEnd
                | AssertionKind::WordBoundaryStartHalf
                | AssertionKind::WordBoundaryEndHalf => refuse("bash has no `\\b{..}`", "write `\\<` or `\\>`"),
                _ => Ok(()),
            },
            Ast::Repetition(repetition) => self.repetition(repetition),
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), PatternError> {
        match item {
            ClassSetItem::Literal(literal) => self.literal_in_class(literal),
            // To bash it may begin `[:alpha:]`.
            ClassSetItem::Range(range) if range.end.c == '[' => refuse("a range ends with a character", "write `-` as the last character"),
            ClassSetItem::Range(range) => self.literal_in_class(&range.start).and_then(|()| self.literal_in_class(&range.end)),
            ClassSetItem::Ascii(class) if class.negated || matches!(class.kind, ClassAsciiKind::Ascii | ClassAsciiKind::Word) => {
                unknown_class(part(self.text, &class.span))
            }
            ClassSetItem::Bracketed(class) => match part(self.text, &class.span) {
                name if name.starts_with("[:") => unknown_class(name),
                _ => refuse("a `[` between `[` and `]` is not the same to all programs", "write `(\\[|[..])` for the character"),
            },
            ClassSetItem::Unicode(_) | ClassSetItem::Perl(_) => escape_in_class(),
            ClassSetItem::Union(union) => hyphens(&union.items),
            ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), PatternError> {
        refuse("`&&`, `--` and `~~` between `[` and `]` are not the same to all programs", "write the character once, `-` as the last one")
    }
}

impl Portable<'_> {
    fn literal(&self, literal: &Literal) -> Result<(), PatternError> {
        match (&literal.kind, literal.c) {
            // To the GNU library these are the ends of the value.
            (LiteralKind::Superfluous, '\'' | '`') => unknown_escape(part(self.text, &literal.span)),
            (LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous, _) => Ok(()),
            _ => unknown_escape(part(self.text, &literal.span)),
        }
    }

    fn literal_in_class(&self, literal: &Literal) -> Result<(), PatternError> {
        // Twice the same character is that character: `[\\]` is the one escape that bash need not know.
        let is_same = literal.kind == LiteralKind::Verbatim || part(self.text, &literal.span) == "\\\\";
        if is_same { Ok(()) } else { escape_in_class() }
    }

    fn repetition(&self, repetition: &Repetition) -> Result<(), PatternError> {
        let sign = part(self.text, &repetition.op.span);
        if !repetition.greedy {
            return refuse(format!("bash does not know the lazy `{sign}`"), "leave out the last `?`: whether a value matches is the same");
        }
        if matches!(*repetition.ast, Ast::Assertion(_) | Ast::Empty(_)) {
            return refuse(format!("nothing stands before `{sign}` that can be repeated"), "write `\\` before it for the character");
        }
        let most = match repetition.op.kind {
            RepetitionKind::Range(RepetitionRange::Exactly(most) | RepetitionRange::AtLeast(most) | RepetitionRange::Bounded(_, most)) => {
                most
            }
            _ => 0,
        };
        if most > MAX_REPETITIONS || sign.contains(char::is_whitespace) { count_error() } else { Ok(()) }
    }
}

fn escape_in_class<T>() -> Result<T, PatternError> {
    let help = "write the character alone, `]` as the first one, and classes as `0-9`, `[:alnum:]_` or `[:space:]`";
    refuse("between `[` and `]` bash reads `\\` as the character itself", help)
}

fn unknown_class<T>(name: &str) -> Result<T, PatternError> {
    refuse(format!("bash has no class `{name}`"), "write one of `[:alpha:]`, `[:digit:]`, `[:alnum:]`, `[:space:]`")
}

/// A `-` that makes no range stands first or last: elsewhere bash makes one of it.
fn hyphens(items: &[ClassSetItem]) -> Result<(), PatternError> {
    let is_hyphen = |item: &ClassSetItem| matches!(item, ClassSetItem::Literal(literal) if literal.c == '-');
    let between = items.iter().skip(1).take(items.len().saturating_sub(2));
    if between.into_iter().any(is_hyphen) {
        return refuse("a `-` between other characters is not the same to all programs", "write `-` as the last character");
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::expect_used, clippy::disallowed_types)] // a test that panics has failed, as it should; bash is the judge
mod tests {
    use std::process::Command;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::Pattern;

    const VALUES: &[&str] = &[
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
        "_",
        "a-",
        "[",
        " ",
        "A",
        "`",
        "'",
        "<",
        "]",
    ];

    /// What bash says of each value, for each pattern: 0 it matches, 1 it does not, 2 the pattern is not valid.
    fn bash(patterns: &[&str]) -> Vec<String> {
        let script = r#"n=$1; shift; values=("${@:n+1}")
            for pattern in "${@:1:n}"; do for value in "${values[@]}"; do [[ $value =~ $pattern ]]; printf %d $?; done; echo; done"#;
        let count = patterns.len().to_string();
        let mut bash = Command::new("bash");
        bash.args(["-c", script, "bash", &count]).args(patterns).args(VALUES).env("LC_ALL", "C.UTF-8");
        let output = bash.output().expect("bash runs");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// The same, as we see it.
    fn ours(pattern: &Pattern) -> String {
        let digit = |value: &&str| pattern.is_match(value).map_or('?', |matches| if matches { '0' } else { '1' });
        VALUES.iter().map(digit).collect()
    }

    fn is_same(ours: &str, told: &str) -> bool {
        ours.len() == told.len() && ours.chars().zip(told.chars()).all(|(ours, told)| (ours == '?' && told != '2') || ours == told)
    }

    /// What we accept, bash accepts, and it matches the same values. Returns how many we accept.
    fn agree(patterns: &[&str]) -> usize {
        let told = bash(patterns);
        assert_eq!(told.len(), patterns.len());
        let accepted = patterns.iter().zip(&told).filter_map(|(text, told)| Some((text, Pattern::new(text).ok()?, told)));
        accepted.map(|(text, pattern, told)| assert!(is_same(&ours(&pattern), told), "{text}: {told}")).count()
    }

    #[test]
    fn what_is_accepted_means_the_same_to_bash() {
        let patterns: Vec<&str> = r"
            ^https?:// a** ^(a|b)*$ ^[]a]+$ ^[^]a]+$ ^[a-c-]+$ [[:digit:]]+ ^\$\(.*\)$ a{2} ^a{1,}$ ^[\\]$ a| |a ()
            ^.$ \bfoo\b \<foo\> ^\w+$ ^\S+$ ^[-a]$ [a-] x^y a$b [.] ^[a.b]$ \. ^\/x$ (^a)* ^[!-\\]$ ^[\\-a]$ a{1}{2}
            ^[-]a]$ [:alpha:]"
            .split_whitespace()
            .collect();
        assert_eq!(agree(&patterns), patterns.len(), "{:?}", patterns.iter().find(|text| Pattern::new(text).is_err()));
    }

    #[test]
    fn what_bash_refuses_is_refused() {
        let patterns: Vec<&str> = r"
            *a + ? (*a) a|*b ^* $+ {2} a{ a{x} a{3,2} a{99999} a{1 ( (a [ [a [z-a] \ [[:foo:]] (a)\2 \1 [[:alpha: \b*
            (?:a) (?=a) (?i)a"
            .split_whitespace()
            .collect();
        for (pattern, told) in patterns.iter().zip(bash(&patterns)) {
            assert!(told.contains('2') && Pattern::new(pattern).is_err(), "{pattern}: {told}");
        }
    }

    #[test]
    fn what_bash_reads_differently_is_refused_too() {
        let patterns: Vec<&str> = r"
            ^\d+$ a\n [\d] [^\s] \p{L} \Aa\z \x61 a\' [\]] [\.] [a[b] [a&&b] [+--] [--a] [a-c-e] [$-[:alpha:] [[.a.]] [[:word:]]
            [[:^alpha:]] a+? \b{start}a (a)\1 a) (?<n>a)"
            .split_whitespace()
            .chain(["a\0", "a{ 2 }"])
            .collect();
        for pattern in patterns {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn beyond_ascii_and_across_lines_nothing_is_said() {
        assert!(Pattern::new("$.").is_ok_and(|pattern| pattern.is_match("\n").is_none()));
        assert!(Pattern::new("^ä$").is_ok_and(|pattern| pattern.is_match("ä").is_none()));
        assert!(Pattern::new("^[ä]$").is_ok_and(|pattern| pattern.is_match("a").is_none()));
    }

    #[test]
    fn random_patterns_mean_the_same_to_bash() {
        let tokens: Vec<&str> =
            r"a b - ] [ [^ [] ( ) | * + ? {1} {1,2} ^ $ . \ \\ [:alpha:] && \w \s \b \< \> [a-b] 1 , /".split_whitespace().collect();
        let pattern = prop::collection::vec(prop::sample::select(tokens), 1..7).prop_map(|tokens| tokens.concat());
        let mut runner = TestRunner::deterministic();
        let patterns: Vec<String> = (0..2_000).map(|_| pattern.new_tree(&mut runner).expect("a pattern").current()).collect();
        let accepted = agree(&patterns.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(accepted > 200, "only {accepted} say something");
    }
}
