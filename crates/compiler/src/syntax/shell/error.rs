//! What can be wrong with a script, in words.

use std::fmt;

/// What is wrong at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault<'a> {
    TooDeep(usize),
    /// What opens, and what would close it.
    NeverClosed(&'a str, &'a str),
    Quote,
    Backquote,
    /// The here-document that swallows the rest; what stays open, and what would close it.
    Swallowed(&'a str, &'a str, &'a str),
    /// An operator without a command before it.
    NothingBefore(&'a str),
    /// An operator or word without a command behind it.
    NothingBehind(&'a str),
    /// A word that closes what was never opened.
    ClosesNothing(&'a str),
    Unexpected(&'a str),
    /// A command must end: what it is, what stands there.
    NotEnded(&'a str, &'a str),
    /// A keyword that is not there: what misses it, and its text.
    Misses(&'a str, &'a str),
    Empty(&'a str),
    NoTarget(&'a str),
    NoFunctionBody,
    NoPattern,
    NotInCondition(&'a str),
    ConditionOperand(&'a str),
    ForParts(usize),
    Negation,
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep(most) => write!(f, "nested too deeply: more than {most} commands and expansions in each other are not followed"),
            Self::NeverClosed(what, by) => write!(f, "this `{what}` is never closed by `{by}`"),
            Self::Quote => f.write_str("this quote is never closed"),
            Self::Backquote => f.write_str("this backquote is never closed"),
            Self::Swallowed(document, what, by) => {
                write!(
                    f,
                    "the here-document `{document}` is never closed: it takes all that follows, also the `{by}` of the `{what}` around it"
                )
            }
            Self::NothingBefore(operator) => write!(f, "no command stands before this `{operator}`"),
            Self::NothingBehind(operator) => write!(f, "no command stands behind this `{operator}`"),
            Self::ClosesNothing(word) => write!(f, "this `{word}` closes nothing that is open here"),
            Self::Unexpected(what) => write!(f, "`{what}` cannot stand here"),
            Self::NotEnded(what, found) => {
                write!(f, "`{found}` cannot follow {what}: a line break, `;`, `&`, `|`, `&&` or `||` must stand between")
            }
            Self::Misses(what, word) => write!(f, "this `{what}` has no `{word}`"),
            Self::Empty(what) => write!(f, "there is no command in this `{what}`: write `:` to do nothing"),
            Self::NoTarget(operator) => write!(f, "no word stands behind this `{operator}`"),
            Self::NoFunctionBody => f.write_str("the body of this function is missing: it is `{ ..; }` or another compound command"),
            Self::NoPattern => f.write_str("a pattern and `)` must stand here, or `esac`"),
            Self::NotInCondition(what) => write!(f, "`{what}` cannot stand here in `[[ ]]`"),
            Self::ConditionOperand(operator) => write!(f, "no word stands behind this `{operator}` of `[[ ]]`"),
            Self::ForParts(found) => write!(f, "`for ((` takes three parts with `;` between them, and this has {found}"),
            Self::Negation => f.write_str("`!` can only stand before a whole pipeline"),
        }
    }
}
