//! How often and how soon something is tried again.

use std::time::Duration;

use super::error::{ErrorKind, SetupError};

/// Exponential, spread, bounded.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// How often something is tried in all.
    pub tries: u32,
    /// The wait after the first try.
    pub delay: Duration,
    /// No wait is longer.
    pub cap: Duration,
}

impl Retries {
    /// From the texts of `SIDESTAGE_RETRIES`, `SIDESTAGE_RETRY_DELAY` and `SIDESTAGE_RETRY_CAP` (seconds).
    pub fn read(tries: Option<&str>, delay: Option<&str>, cap: Option<&str>) -> Result<Self, SetupError> {
        let tries = tries.unwrap_or("5");
        let count = tries.parse().ok().filter(|count| (1..10_000).contains(count));
        Ok(Self {
            tries: count
                .ok_or_else(|| SetupError::new(ErrorKind::Setting, format!("SIDESTAGE_RETRIES is not a number of tries: {tries}")))?,
            delay: Self::seconds("SIDESTAGE_RETRY_DELAY", delay.unwrap_or("1"))?,
            cap: Self::seconds("SIDESTAGE_RETRY_CAP", cap.unwrap_or("60"))?,
        })
    }

    /// A number of seconds, with or without a fraction.
    pub fn seconds(name: &str, text: &str) -> Result<Duration, SetupError> {
        let number =
            text.parse::<f64>().ok().filter(|number| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && *number < 1e6);
        number
            .map(Duration::from_secs_f64)
            .ok_or_else(|| SetupError::new(ErrorKind::Setting, format!("{name} is not a number of seconds: {text}")))
    }

    /// The wait after a try, counted from 1: half to one and a half times an exponential one, so that two parents do
    /// not move in step. What the service asked for comes first. `chance` is random.
    pub(super) fn wait(&self, attempt: u32, asked: Option<Duration>, chance: u32) -> Duration {
        let spread = 0.5 + f64::from(chance) / f64::from(u32::MAX);
        let own = || self.delay.saturating_mul(1 << (attempt.max(1) - 1).min(20)).min(self.cap).mul_f64(spread);
        asked.unwrap_or_else(own).min(self.cap)
    }
}

/// `Retry-After`: a number of seconds, or a date. `now` is in seconds since 1970.
pub(super) fn requested_wait(header: &str, now: i64) -> Option<Duration> {
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

    #[test]
    fn waits_grow_and_end_at_the_cap() {
        let retries = Retries::read(Some("5"), Some("0.5"), Some("3")).expect("settings");
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
        for (tries, delay) in [("0", "1"), ("x", "1"), ("5", "-1"), ("5", "1s"), ("5", "inf"), ("10000", "1")] {
            assert!(Retries::read(Some(tries), Some(delay), None).is_err(), "{tries} {delay}");
        }
        assert!(Retries::read(Some("1"), Some("0.25"), Some("0")).is_ok());
    }
}
