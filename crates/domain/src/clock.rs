//! Time: a port, and the one type for a moment.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

/// A moment in UTC, to the millisecond.
///
/// The API shows times to the millisecond, so they are kept to the millisecond: what a client reads back from an
/// answer selects exactly the row it came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// How to round a written time that is finer than a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the millisecond before: an inclusive upper bound.
    Down,
    /// To the millisecond after: an inclusive lower bound.
    Up,
}

impl Timestamp {
    /// The earliest moment that can be written in RFC 3339: the start of the year 0.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The last millisecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The moment `millis` milliseconds after the start of 1970, UTC, kept within [`MIN`](Self::MIN) and
    /// [`MAX`](Self::MAX).
    pub const fn from_unix_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since the start of 1970, UTC.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date-time. `None` if it is not one.
    pub fn parse_rfc3339(text: &str, rounding: Rounding) -> Option<Self> {
        // RFC 3339 lets a space stand for the `T`; a space in a query is most often a `+` that was not encoded, so
        // only the `T` is taken.
        if !text.as_bytes().get(10).is_some_and(|b| matches!(b, b'T' | b't')) {
            return None;
        }
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        let millis = time.timestamp_millis();
        let finer = time.timestamp_subsec_nanos() % 1_000_000 != 0;
        Some(Self::from_unix_millis(if finer && rounding == Rounding::Up { millis + 1 } else { millis }))
    }

    /// This moment, `duration` later.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.0.saturating_add(millis))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self::from_unix_millis(time.timestamp_millis())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        DateTime::from_timestamp_millis(time.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// ISO 8601 in UTC with milliseconds and `Z`, as the API shows times.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&DateTime::<Utc>::from(*self).to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the time comes from.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, rounding: Rounding) -> Option<String> {
        Timestamp::parse_rfc3339(text, rounding).map(|t| t.to_string())
    }

    #[test]
    fn shows_milliseconds_and_z() {
        assert_eq!(Timestamp::from_unix_millis(1_700_000_000_000).to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!(Timestamp::from_unix_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_bound_finer_than_a_millisecond_keeps_its_meaning() {
        let text = "2026-01-02T03:04:05.0005Z";
        assert_eq!(parse(text, Rounding::Down).as_deref(), Some("2026-01-02T03:04:05.000Z"));
        assert_eq!(parse(text, Rounding::Up).as_deref(), Some("2026-01-02T03:04:05.001Z"));
        assert_eq!(parse("2026-01-02T03:04:05+02:00", Rounding::Up).as_deref(), Some("2026-01-02T01:04:05.000Z"));
    }

    #[test]
    fn refuses_what_is_no_date_time() {
        for text in ["", "2026-01-02", "2026-01-02 03:04:05Z", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05", "é"] {
            assert_eq!(parse(text, Rounding::Down), None, "{text}");
        }
    }
}
