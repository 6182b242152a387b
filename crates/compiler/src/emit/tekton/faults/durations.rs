//! Durations as Go writes them: `1h30m`, `1.5s`, `0`.

use super::node::{Node, Report};
use super::references;

/// Nanoseconds.
pub(super) type Duration = i128;

pub(super) const HOUR: Duration = 3_600_000_000_000;

/// The longest duration of Go, in nanoseconds.
const LONGEST: Duration = i64::MAX as Duration;

/// A duration, or what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sum = if unsigned == "0" { 0 } else { sum(unsigned).ok_or_else(|| no_duration(text))? };
    Ok(if text.starts_with('-') { -sum } else { sum })
}

/// The duration of a field, after a fault where it is none or negative. One that is filled in later is not known.
pub(super) fn check(node: &Node<'_>, key: &str, report: &mut Report<'_>) -> Option<Duration> {
    let text = node.text(key).filter(|text| !references::is_filled_in(text))?;
    match parse(text) {
        Err(message) => report.add_field(node, key, message),
        Ok(duration) if duration < 0 => report.add_field(node, key, format!("the duration `{text}` is negative")),
        Ok(duration) => return Some(duration),
    }
    None
}

fn no_duration(text: &str) -> String {
    format!("`{text}` is no duration: write numbers with h, m, s or ms, such as `1h30m`")
}

fn sum(mut rest: &str) -> Option<Duration> {
    let mut sum: Duration = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (part, after) = part(rest)?;
        sum = sum.checked_add(part).filter(|sum| *sum <= LONGEST)?;
        rest = after;
    }
    Some(sum)
}

/// The first number with its unit, and what is after it.
fn part(text: &str) -> Option<(Duration, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(end);
    let length = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (name, after) = rest.split_at(length);
    Some((scaled(number, unit(name)?)?, after))
}

fn unit(name: &str) -> Option<Duration> {
    match name {
        "ns" => Some(1),
        "us" | "µs" | "μs" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(HOUR),
        _ => None,
    }
}

fn scaled(number: &str, unit: Duration) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: Duration = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // More digits than these are below a nanosecond of any unit.
    let digits = &fraction[..fraction.len().min(15)];
    let part: Duration = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let scale = 10_i128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    whole.checked_mul(unit)?.checked_add(part.checked_mul(unit)? / scale)
}
