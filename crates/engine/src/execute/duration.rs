//! How long something may take, as the configuration writes it, and how long it took, for people.

use std::time::Duration;

use sidestage_compiler::platform::duration;

/// A duration; nothing where it is none, or negative.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let nanoseconds = duration::parse(text).filter(|_| !text.starts_with('-'))?;
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// The time that something may take; nothing where that is without end, which Go writes as `0`.
pub(super) fn limit(text: &str) -> Option<Duration> {
    parse(text).filter(|limit| !limit.is_zero())
}

/// A duration in words for people: `850ms`, `12s`, `3m05s`, `1h02m`.
pub fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..=9 => format!("{:.1}s", duration.as_secs_f64()),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        let cases: &[(&str, Option<u64>)] = &[
            ("0", Some(0)),
            ("0s", Some(0)),
            ("30s", Some(30_000)),
            ("1h30m", Some(5_400_000)),
            (".5s", Some(500)),
            ("1.5h", Some(5_400_000)),
            ("+1m", Some(60_000)),
            ("1µs", Some(0)),
            ("100ms", Some(100)),
            ("", None),
            ("10", None),
            ("10 minutes", None),
            ("1d", None),
            ("-5s", None),
            ("1.2.3s", None),
            ("s", None),
            (".s", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).map(|duration| duration.as_millis()), expected.map(u128::from), "{text:?}");
        }
    }

    #[test]
    fn people_read_two_units_at_most() {
        for (milliseconds, expected) in [(850, "850ms"), (1_240, "1.2s"), (12_900, "12s"), (185_000, "3m05s"), (3_725_000, "1h02m")] {
            assert_eq!(shown(Duration::from_millis(milliseconds)), expected);
        }
    }
}
