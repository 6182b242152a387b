//! How often and how soon something is tried again.

use std::time::Duration;

use crate::failure::{Failure, FailureKind};

/// Exponential, spread, bounded.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// How often something is tried in all.
    pub tries: u32,
    /// The wait after the first try.
    pub delay: Duration,
    /// No wait is longer.
    pub cap: Duration,
    /// No wait begins that would end later than this after the start.
    pub deadline: Duration,
}

impl Retries {
    /// From `SIDESTAGE_RETRIES`, and the seconds of `SIDESTAGE_RETRY_DELAY`, `SIDESTAGE_RETRY_CAP` and `SIDESTAGE_DEADLINE`.
    pub fn read(setting: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let text = |name, default: &str| setting(name).unwrap_or_else(|| default.to_owned());
        let tries = text("SIDESTAGE_RETRIES", "5");
        let count = tries.parse().ok().filter(|count| (1..10_000).contains(count));
        let deadline = text("SIDESTAGE_DEADLINE", "900");
        let seconds = deadline.parse().ok().filter(|seconds| (1..10_000_000).contains(seconds));
        let wrong = |problem: String| Failure::new(FailureKind::Setting, problem);
        Ok(Self {
            tries: count.ok_or_else(|| wrong(format!("SIDESTAGE_RETRIES is not a number of tries: {tries}")))?,
            delay: Self::seconds("SIDESTAGE_RETRY_DELAY", &text("SIDESTAGE_RETRY_DELAY", "1"))?,
            cap: Self::seconds("SIDESTAGE_RETRY_CAP", &text("SIDESTAGE_RETRY_CAP", "60"))?,
            deadline: seconds
                .map(Duration::from_secs)
                .ok_or_else(|| wrong(format!("SIDESTAGE_DEADLINE is not a number of whole seconds: {deadline}")))?,
        })
    }

    /// A number of seconds, with or without a fraction.
    pub fn seconds(name: &str, text: &str) -> Result<Duration, Failure> {
        let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_number =
            (1..=6).contains(&whole.len()) && are_digits(whole) && fraction.is_none_or(|part| !part.is_empty() && are_digits(part));
        let number = if is_number { text.parse().ok() } else { None };
        number
            .map(Duration::from_secs_f64)
            .ok_or_else(|| Failure::new(FailureKind::Setting, format!("{name} is not a number of seconds: {text}")))
    }

    /// A number of seconds that is more than none; the whole part may be left out.
    pub fn time_out(name: &str, text: &str) -> Result<Duration, Failure> {
        let whole = if text.starts_with('.') { format!("0{text}") } else { text.to_owned() };
        Self::seconds(name, &whole)
            .ok()
            .filter(|time| !time.is_zero())
            .ok_or_else(|| Failure::new(FailureKind::Setting, format!("{name} is not a number of seconds: {text}")))
    }

    /// The wait after a try, counted from 1: half to one and a half times an exponential one, so that two parents do
    /// not move in step. What the service asked for comes first. `chance` is random.
    pub(crate) fn wait(&self, attempt: u32, asked: Option<Duration>, chance: u32) -> Duration {
        let spread = 0.5 + f64::from(chance) / f64::from(u32::MAX);
        let own = || self.delay.saturating_mul(1 << (attempt.max(1) - 1).min(20)).min(self.cap).mul_f64(spread);
        asked.unwrap_or_else(own).min(self.cap)
    }
}

/// `Retry-After`: a number of seconds, or a date. `now` is in seconds since 1970.
pub(crate) fn requested_wait(header: &str, now: i64) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::parse(header.trim()).ok()?.timestamp().as_second();
    u64::try_from(date - now).ok().map(Duration::from_secs)
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use super::*;

    /// The names without what all begin with.
    fn read<const N: usize>(settings: [(&str, &str); N]) -> Result<Retries, Failure> {
        Retries::read(|name| {
            let known = settings.iter().find(|(end, _)| name.trim_start_matches("SIDESTAGE_").trim_start_matches("RETRY_") == *end);
            known.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn waits_grow_and_end_at_the_cap() {
        let retries = read([("DELAY", "0.5"), ("CAP", "3")]).expect("settings");
        let cases = [
            (1, None, 0, 250),
            (1, None, u32::MAX, 750),
            (3, None, 0, 1000),
            (9, None, u32::MAX, 3000),
            (1, Some(Duration::from_secs(2)), 0, 2000),
            (1, Some(Duration::from_secs(9)), 0, 3000),
        ];
        for (attempt, asked, chance, milliseconds) in cases {
            assert_eq!(retries.wait(attempt, asked, chance).as_millis(), milliseconds, "{attempt} {asked:?} {chance}");
        }
    }

    #[test]
    fn what_the_service_asks_for_is_a_number_or_a_date() {
        let cases = [
            ("7", Some(7)),
            ("Thu, 01 Jan 1970 00:01:40 GMT", Some(40)),
            ("Thu, 01 Jan 1970 00:00:10 GMT", None),
            ("soon", None),
            ("-1", None),
        ];
        for (header, expected) in cases {
            assert_eq!(requested_wait(header, 60).map(|wait| wait.as_secs()), expected, "{header}");
        }
    }

    #[test]
    fn settings_are_numbers() {
        let wrong = [
            ("RETRIES", "0"),
            ("RETRIES", "x"),
            ("RETRIES", "10000"),
            ("DELAY", "-1"),
            ("DELAY", "1s"),
            ("DELAY", "inf"),
            ("DELAY", ".5"),
            ("DELAY", "1."),
            ("DELAY", "1000000"),
            ("DEADLINE", "0"),
            ("DEADLINE", "1.5"),
        ];
        for setting in wrong {
            assert!(read([setting]).is_err(), "{setting:?}");
        }
        for setting in [("RETRIES", "1"), ("RETRIES", "08"), ("DELAY", "0.25"), ("CAP", "0"), ("DEADLINE", "09")] {
            assert!(read([setting]).is_ok(), "{setting:?}");
        }
    }

    #[test]
    fn a_time_out_is_more_than_nothing() {
        let milliseconds = |text| Retries::time_out("SIDESTAGE_TIMEOUT", text).ok().map(|time| time.as_millis());
        let cases = [
            ("60", Some(60_000)),
            (".5", Some(500)),
            ("0.25", Some(250)),
            ("0", None),
            ("0.0", None),
            (".", None),
            ("-1", None),
            ("1e3", None),
        ];
        for (text, expected) in cases {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
