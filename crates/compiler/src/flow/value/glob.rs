//! Glob patterns of the shell over known text.

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Glob {
    /// `*`.
    Any,
    /// `?`.
    One,
    /// A character that stands for itself.
    Char(char),
    /// `[a-z]`, `[!a]`.
    Set {
        /// `[!..]`.
        negated: bool,
        /// From and to, both included.
        ranges: Vec<(char, char)>,
    },
    /// `@(a|b)`, `?(a)`, `*(a)`, `+(a)`.
    Group {
        /// The character before the parenthesis.
        times: char,
        /// Any of these.
        options: Vec<Pattern>,
    },
}

/// A pattern as its text is read, quoted parts being taken as they are. `None` where it is more than is known here:
/// `@(a|b)`, equivalence classes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Glob>);

impl Pattern {
    /// Adds text that stands for itself.
    pub(crate) fn push_literal(&mut self, text: &str) {
        self.0.extend(text.chars().map(Glob::Char));
    }

    /// Adds text in which `*`, `?`, `[..]` and backslashes mean something. False where it is not understood.
    pub(crate) fn push_pattern(&mut self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        while let Some(char) = chars.get(at) {
            at += 1;
            match char {
                '*' if self.0.last() == Some(&Glob::Any) => {}
                '*' => self.0.push(Glob::Any),
                '?' => self.0.push(Glob::One),
                '\\' => {
                    self.0.push(Glob::Char(chars.get(at).copied().unwrap_or('\\')));
                    at += 1;
                }
                '[' => match set(&chars[at..]) {
                    Some(Ok((set, length))) => {
                        self.0.push(set);
                        at += length;
                    }
                    Some(Err(())) => return false,
                    None => self.0.push(Glob::Char('[')),
                },
                char => self.0.push(Glob::Char(*char)),
            }
        }
        true
    }

    /// Adds the alternatives of a group, whose first character was read before. False where it is not understood.
    pub(crate) fn push_group(&mut self, text: &str) -> bool {
        let times = match self.0.pop() {
            Some(Glob::Any) => '*',
            Some(Glob::One) => '?',
            Some(Glob::Char(times @ ('@' | '+'))) => times,
            _ => return false,
        };
        if text.contains(['(', ')']) {
            return false;
        }
        let mut options = Vec::new();
        for option in text.split('|') {
            let mut pattern = Self::default();
            if !pattern.push_pattern(option) {
                return false;
            }
            options.push(pattern);
        }
        self.0.push(Glob::Group { times, options });
        true
    }

    /// Whether it holds groups: these are matched as a whole only.
    pub(crate) fn has_groups(&self) -> bool {
        self.0.iter().any(|glob| matches!(glob, Glob::Group { .. }))
    }

    /// The pattern as a regular expression.
    fn regex(&self) -> String {
        let part = |glob: &Glob| match glob {
            Glob::Any => ".*".to_owned(),
            Glob::One => ".".to_owned(),
            Glob::Char(char) => regex_syntax::escape(&char.to_string()),
            Glob::Set { negated, ranges } => {
                let ranges: String =
                    ranges.iter().map(|(from, to)| format!("\\x{{{:x}}}-\\x{{{:x}}}", u32::from(*from), u32::from(*to))).collect();
                format!("[{}{ranges}]", if *negated { "^" } else { "" })
            }
            Glob::Group { times, options } => {
                let options: Vec<String> = options.iter().map(Self::regex).collect();
                let times = if *times == '@' { String::new() } else { times.to_string() };
                format!("(?:{}){times}", options.join("|"))
            }
        };
        self.0.iter().map(part).collect()
    }

    /// Whether it is `*`.
    pub(crate) fn is_any(&self) -> bool {
        matches!(&*self.0, [Glob::Any])
    }

    /// Whether the whole text has this form.
    pub(crate) fn matches(&self, text: &str, ignores_case: bool) -> bool {
        if self.has_groups() {
            let mut builder = regex::bytes::RegexBuilder::new(&format!("^(?:{})$", self.regex()));
            let regex = builder.unicode(false).dot_matches_new_line(true).case_insensitive(ignores_case).build();
            return regex.is_ok_and(|regex| regex.is_match(text.as_bytes()));
        }
        let text: Vec<char> = text.chars().collect();
        matches(&self.0, &text, ignores_case)
    }

    /// How many characters at the start of the text have this form, the most or the fewest.
    pub(crate) fn prefix(&self, text: &[char], longest: bool) -> Option<usize> {
        let fits = |length: &usize| matches(&self.0, &text[..*length], false);
        if longest { (0..=text.len()).rev().find(fits) } else { (0..=text.len()).find(fits) }
    }

    /// How many characters at the end of the text have this form, the most or the fewest.
    pub(crate) fn suffix(&self, text: &[char], longest: bool) -> Option<usize> {
        let fits = |length: &usize| matches(&self.0, &text[text.len() - length..], false);
        if longest { (0..=text.len()).rev().find(fits) } else { (0..=text.len()).find(fits) }
    }
}

/// What stands behind a `[`, and its length: `None` where no `]` closes it, an error where it is not understood.
fn set(chars: &[char]) -> Option<Result<(Glob, usize), ()>> {
    let negated = matches!(chars.first(), Some('!' | '^'));
    let from = usize::from(negated);
    let mut at = from;
    let mut ranges = Vec::new();
    loop {
        match (chars.get(at)?, chars.get(at + 1)) {
            (']', _) if at > from => return Some(Ok((Glob::Set { negated, ranges }, at + 1))),
            ('[', Some(':')) => {
                let end = (at + 2..chars.len()).find(|end| chars[*end] == ':' && chars.get(end + 1) == Some(&']'))?;
                let class: String = chars[at + 2..end].iter().collect();
                let Some(class) = class_ranges(&class) else { return Some(Err(())) };
                ranges.extend(class);
                at = end + 2;
            }
            ('[', Some('.' | '=')) => return Some(Err(())),
            ('\\', Some(char)) => {
                ranges.push((*char, *char));
                at += 2;
            }
            (first, Some('-')) if chars.get(at + 2).is_some_and(|last| *last != ']') => {
                ranges.push((*first, chars[at + 2]));
                at += 3;
            }
            (char, _) => {
                ranges.push((*char, *char));
                at += 1;
            }
        }
    }
}

fn class_ranges(class: &str) -> Option<&'static [(char, char)]> {
    Some(match class {
        "alpha" => &[('a', 'z'), ('A', 'Z')],
        "digit" => &[('0', '9')],
        "alnum" => &[('a', 'z'), ('A', 'Z'), ('0', '9')],
        "upper" => &[('A', 'Z')],
        "lower" => &[('a', 'z')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "xdigit" => &[('0', '9'), ('a', 'f'), ('A', 'F')],
        _ => return None,
    })
}

fn is_equal(left: char, right: char, ignores_case: bool) -> bool {
    left == right || (ignores_case && left.to_lowercase().eq(right.to_lowercase()))
}

// One step back to the last `*` is enough: what an earlier one could match, the last one can too.
fn matches(pattern: &[Glob], text: &[char], ignores_case: bool) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while read < text.len() {
        let char = text[read];
        let fits = match pattern.get(at) {
            Some(Glob::Any) => {
                back = Some((at, read));
                at += 1;
                continue;
            }
            Some(Glob::One) => true,
            Some(Glob::Char(own)) => is_equal(*own, char, ignores_case),
            Some(Glob::Set { negated, ranges }) => {
                let holds = |char: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&char));
                let is_in = holds(char) || (ignores_case && (char.to_lowercase().any(holds) || char.to_uppercase().any(holds)));
                is_in != *negated
            }
            Some(Glob::Group { .. }) | None => false,
        };
        if fits {
            (at, read) = (at + 1, read + 1);
        } else if let Some((star, from)) = back {
            back = Some((star, from + 1));
            (at, read) = (star + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|glob| *glob == Glob::Any)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        assert!(pattern.push_pattern(text), "{text}");
        pattern
    }

    #[test]
    fn patterns_match_as_in_the_shell() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("?b", "ab", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[[:digit:]]*", "1a", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("[a", "[a", true),
            ("[]]", "]", true),
            ("*a*b*", "xxaxxbxx", true),
        ] {
            assert_eq!(pattern(glob).matches(text, false), expected, "{glob} {text}");
        }
        assert!(pattern("A*").matches("abc", true));
        let mut group = pattern("x@");
        assert!(group.push_group("dev|prod*"));
        assert!(group.matches("xproduction", false) && group.matches("xdev", false) && !group.matches("xdevel", false));
        assert!(!Pattern::default().push_pattern("[[=a=]]"));
    }
}
