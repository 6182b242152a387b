//! `$(...)` in texts.

/// What stands in each `$(...)` of a text, in its order. `$$(` is no escape for Tekton.
pub(super) fn all(text: &str) -> Vec<&str> {
    text.match_indices("$(").filter_map(|(at, _)| text[at + 2..].split_once(')').map(|(inner, _)| inner)).collect()
}

/// Whether a part of the text is only known later.
pub(super) fn is_filled_in(text: &str) -> bool {
    text.contains("$(")
}

/// Whether the text is one reference and nothing else.
pub(super) fn is_alone(text: &str, inner: &str) -> bool {
    text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')) == Some(inner)
}

/// How a reference takes a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// `$(params.a)`
    Whole,
    /// `$(params.a[*])`
    All,
    /// `$(params.a[0])`
    Item,
}

/// The parameter of `params.a`, `params['a']`, `params["a"]`, each perhaps with `[*]` or an index behind.
pub(super) fn parameter<'a>(inner: &'a str, prefix: &str) -> Option<(&'a str, Part)> {
    let rest = inner.strip_prefix(prefix)?;
    let (name, after) = dotted(rest).or_else(|| quoted(rest, '\'')).or_else(|| quoted(rest, '"'))?;
    let part = match after {
        "" => Part::Whole,
        "[*]" => Part::All,
        _ if is_index(after) => Part::Item,
        _ => return None,
    };
    is_name(name).then_some((name, part))
}

/// The names of `ROOT.NAME.rest`, with the rest behind.
pub(super) fn member<'a>(inner: &'a str, root: &str) -> Option<(&'a str, &'a str)> {
    let rest = inner.strip_prefix(root)?.strip_prefix('.')?;
    let (name, rest) = rest.split_once('.')?;
    (is_name(name) && !rest.is_empty()).then_some((name, rest))
}

/// The task and the result of `tasks.NAME.results.RESULT`.
pub(super) fn task_result(inner: &str) -> Option<(&str, &str)> {
    let (task, rest) = member(inner, "tasks")?;
    let result = rest.strip_prefix("results.")?;
    let end = result.find(['.', '[']).unwrap_or(result.len());
    is_name(&result[..end]).then_some((task, &result[..end]))
}

fn dotted(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.strip_prefix('.')?;
    Some(rest.split_at(rest.find('[').unwrap_or(rest.len())))
}

fn quoted(rest: &str, quote: char) -> Option<(&str, &str)> {
    let (name, rest) = rest.strip_prefix('[')?.strip_prefix(quote)?.split_once(quote)?;
    Some((name, rest.strip_prefix(']')?))
}

fn is_index(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|index| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
