//! Durations as Go writes them: `1h30m`, `1.5s`, `0`.

/// Nanoseconds.
pub type Duration = i128;

/// An hour.
pub const HOUR: Duration = 3_600_000_000_000;

/// The longest duration of Go, in nanoseconds.
const LONGEST: Duration = i64::MAX as Duration;

/// The nanoseconds of a duration, which may be negative; nothing where it is none.
pub fn parse(text: &str) -> Option<Duration> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sum = if unsigned == "0" { 0 } else { sum(unsigned)? };
    Some(if text.starts_with('-') { -sum } else { sum })
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
