//! Instants, which the driver hands in, and the grammar of durations.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
pub use core::time::Duration;

/// A point on the driver's monotonic clock, in nanoseconds since an origin of the driver's choice.
///
/// The core never reads a clock. An agent counts from its start, the virtual network from the
/// start of the run; instants of different drivers are not comparable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The clock's origin.
    pub const ZERO: Instant = Instant(0);

    /// Returns the instant `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the time from `earlier` to this instant; zero if it lies before.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, rhs: Duration) -> Instant {
        Instant(self.0.saturating_add(nanos(rhs)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, rhs: Duration) -> Instant {
        Instant(self.0.saturating_sub(nanos(rhs)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration; write a number with its unit: 200ms, 1.5s, 2m, 1m30s")]
pub struct DurationError(pub String);

/// The units of durations, with their names and their lengths in nanoseconds.
const UNITS: [(&[&str], u128); 7] = [
    (&["ns", "nsec"], 1),
    (&["us", "\u{b5}s", "\u{3bc}s", "usec"], 1_000),
    (&["ms", "msec"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000_000_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000_000_000),
    (&["d", "day", "days"], 86_400_000_000_000),
];

/// Durations from this one on, about 285 years, do not fit an [`Instant`] and are refused.
const TOO_LONG: u128 = 9_000_000_000_000_000_000;

/// Reads a duration: one or more numbers with units, such as `200ms`, `1.5s`, `2m`, `1m30s` or
/// `2h 15m`. The units are `ns`, `us`, `ms`, `s`, `m` (or `min`), `h` and `d`. A number may have a
/// decimal point; it is rounded to nanoseconds.
///
/// This is the grammar of durations in flags, files and requests.
///
/// # Errors
/// Fails if the text is not a duration, or is one of 285 years or more.
///
/// ```
/// use rumormill_proto::{Duration, parse_duration, show_duration};
/// assert_eq!(parse_duration("1m 30.5s"), Ok(Duration::from_millis(90_500)));
/// assert_eq!(show_duration(Duration::from_millis(90_500)), "1m30.5s");
/// assert!(parse_duration("5").is_err(), "a unit is needed");
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    read_duration(text.trim()).ok_or_else(|| DurationError(text.to_owned()))
}

fn read_duration(mut rest: &str) -> Option<Duration> {
    let mut nanos = 0u128;
    loop {
        let (number, tail) = rest.split_at(rest.find(char::is_alphabetic)?);
        let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let scale = UNITS.iter().find(|(names, _)| names.contains(&unit))?.1;
        nanos = nanos.checked_add(scaled(number.trim(), scale)?)?;
        rest = tail.trim_start();
        if rest.is_empty() {
            break;
        }
    }
    let nanos = u64::try_from(nanos).ok().filter(|&nanos| u128::from(nanos) < TOO_LONG)?;
    Some(Duration::from_nanos(nanos))
}

/// Returns a decimal number times `scale`, rounded to a whole one.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return None;
    }
    // A nanosecond is 14 decimals of a day.
    let fraction = &fraction[..fraction.len().min(18)];
    let parse = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u128>().ok() };
    let tenths = 10u128.pow(fraction.len() as u32);
    let rest = (parse(fraction)? * scale + tenths / 2) / tenths;
    parse(whole)?.checked_mul(scale)?.checked_add(rest)
}

/// Writes a duration so that [`parse_duration`] returns exactly it: `200ms`, `1.5s`, `1m30s`, `1d`.
pub fn show_duration(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut text = String::new();
    for (names, scale) in UNITS[4..].iter().rev() {
        if rest >= *scale {
            text += &format!("{}{}", rest / scale, names[0]);
            rest %= scale;
        }
    }
    if rest == 0 && !text.is_empty() {
        return text;
    }
    let (unit, scale) = match rest {
        1..1_000_000_000 if rest.is_multiple_of(1_000_000) => ("ms", 1_000_000),
        1..1_000_000 if rest.is_multiple_of(1000) => ("us", 1000),
        _ => ("s", 1_000_000_000),
    };
    let seconds = format!("{}.{:09}", rest / scale, rest % scale);
    text + seconds.trim_end_matches('0').trim_end_matches('.') + unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        let longest = TOO_LONG as u64 - 1;
        for nanos in
            [0, 1, 999, 1000, 1_500_000, 200_000_000, 1_500_000_000, 72_345_678_901, longest]
        {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
        }
    }

    #[test]
    fn every_way_of_writing_is_read() {
        for (text, shown) in [
            ("200ms", "200ms"),
            ("0.2s", "200ms"),
            ("0.25 s", "250ms"),
            (" 50us ", "50us"),
            ("1.5s", "1.5s"),
            (".5s", "500ms"),
            ("2m", "2m"),
            ("1.5min", "1m30s"),
            ("1m30s", "1m30s"),
            ("1m 30.5s", "1m30.5s"),
            ("2 hours 15 minutes", "2h15m"),
            ("24h", "1d"),
            ("0s", "0s"),
            ("0.0000000005s", "0.000000001s"),
        ] {
            assert_eq!(parse_duration(text).map(show_duration).as_deref(), Ok(shown), "{text:?}");
        }
        for bad in [
            "",
            "5",
            "s",
            "-1s",
            "+1s",
            "1 parsec",
            "infs",
            "nans",
            "1e3s",
            "1..2s",
            "9e99s",
            "1s 5",
            "999999999999d",
        ] {
            let error = parse_duration(bad).expect_err(bad).to_string();
            assert!(error.contains(&format!("{bad:?} is not a duration")), "{error}");
        }
    }
}
