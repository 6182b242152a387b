//! The functions of expressions: those of CEL, of its extensions that Triggers turns on, and of Triggers.

use super::Type;

/// A function: its name, how many arguments it takes, what it gives.
type Function = (&'static str, std::ops::RangeInclusive<usize>, Type);

/// Functions behind a text.
const OF_TEXT: [Function; 22] = [
    ("canonical", 1..=1, Type::Text),
    ("charAt", 1..=1, Type::Text),
    ("compareSecret", 2..=3, Type::Bool),
    ("contains", 1..=1, Type::Bool),
    ("endsWith", 1..=1, Type::Bool),
    ("format", 1..=1, Type::Text),
    ("indexOf", 1..=2, Type::Number),
    ("lastIndexOf", 1..=2, Type::Number),
    ("lowerAscii", 0..=0, Type::Text),
    ("match", 2..=2, Type::Bool),
    ("matches", 1..=1, Type::Bool),
    ("parseJSON", 0..=0, Type::Any),
    ("parseURL", 0..=0, Type::Any),
    ("parseYAML", 0..=0, Type::Any),
    ("replace", 2..=3, Type::Text),
    ("split", 1..=2, Type::List),
    ("startsWith", 1..=1, Type::Bool),
    ("substring", 1..=2, Type::Text),
    ("translate", 2..=2, Type::Text),
    ("trim", 0..=0, Type::Text),
    ("truncate", 1..=1, Type::Text),
    ("upperAscii", 0..=0, Type::Text),
];

/// Functions behind anything.
const OF_ANY: [Function; 20] = [
    ("distinct", 0..=0, Type::List),
    ("first", 0..=0, Type::Any),
    ("flatten", 0..=1, Type::List),
    ("getDate", 0..=1, Type::Number),
    ("getDayOfMonth", 0..=1, Type::Number),
    ("getDayOfWeek", 0..=1, Type::Number),
    ("getDayOfYear", 0..=1, Type::Number),
    ("getFullYear", 0..=1, Type::Number),
    ("getHours", 0..=1, Type::Number),
    ("getMilliseconds", 0..=1, Type::Number),
    ("getMinutes", 0..=1, Type::Number),
    ("getMonth", 0..=1, Type::Number),
    ("getSeconds", 0..=1, Type::Number),
    ("join", 0..=1, Type::Text),
    ("last", 0..=0, Type::Any),
    ("marshalJSON", 0..=0, Type::Text),
    ("reverse", 0..=0, Type::Any),
    ("size", 0..=0, Type::Number),
    ("slice", 2..=2, Type::List),
    ("sort", 0..=0, Type::List),
];

/// Functions behind nothing.
const GLOBAL: [Function; 13] = [
    ("bool", 1..=1, Type::Bool),
    ("bytes", 1..=1, Type::Any),
    ("double", 1..=1, Type::Number),
    ("duration", 1..=1, Type::Any),
    ("dyn", 1..=1, Type::Any),
    ("has", 1..=1, Type::Bool),
    ("int", 1..=1, Type::Number),
    ("matches", 2..=2, Type::Bool),
    ("size", 1..=1, Type::Number),
    ("string", 1..=1, Type::Text),
    ("timestamp", 1..=1, Type::Any),
    ("type", 1..=1, Type::Any),
    ("uint", 1..=1, Type::Number),
];

/// Functions whose first argument is a name for each item, which the others use.
pub(super) const MACROS: [Function; 7] = [
    ("all", 2..=2, Type::Bool),
    ("exists", 2..=2, Type::Bool),
    ("exists_one", 2..=2, Type::Bool),
    ("existsOne", 2..=2, Type::Bool),
    ("filter", 2..=2, Type::List),
    ("map", 2..=3, Type::List),
    ("sortBy", 2..=2, Type::List),
];

/// Groups of functions, whose members are not looked at.
pub(super) const GROUPS: [&str; 6] = ["base64", "cel", "lists", "math", "sets", "strings"];

/// A macro by its name and the number of arguments.
pub(super) fn is_macro(name: &str, count: usize) -> Option<Type> {
    MACROS.into_iter().find(|(other, counts, _)| *other == name && counts.contains(&count)).map(|(_, _, result)| result)
}

/// What a function gives.
pub(super) fn result(target: Option<Type>, name: &str, count: usize) -> Result<Type, String> {
    let known: Vec<_> = match target {
        None => GLOBAL.into(),
        Some(_) => OF_TEXT.into_iter().chain(OF_ANY).collect(),
    };
    let Some((_, counts, result)) = known.iter().find(|(other, ..)| *other == name) else {
        return Err(format!("there is no function `{name}`"));
    };
    if !counts.contains(&count) {
        return Err(format!("`{name}` takes {} arguments, not {count}", span(counts)));
    }
    let of_text = OF_TEXT.iter().any(|(other, ..)| *other == name);
    let fits = target.is_none_or(|target| !of_text || is_target(target, name));
    if fits { Ok(*result) } else { Err(format!("`{name}` cannot stand behind {}", target.map_or("", Type::word))) }
}

fn span(counts: &std::ops::RangeInclusive<usize>) -> String {
    let (least, most) = (counts.start(), counts.end());
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

fn is_target(target: Type, name: &str) -> bool {
    match name {
        "canonical" | "match" => matches!(target, Type::Header | Type::Map | Type::Any),
        _ => matches!(target, Type::Text | Type::Any),
    }
}
