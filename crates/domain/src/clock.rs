//! Time: a port, and the types for a moment and a day.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

/// A moment in UTC, to the millisecond.
///
/// The API shows times to the millisecond, so they are kept to the millisecond: what a client reads back from an
/// answer selects exactly the row it came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// How many bytes a moment is shown in.
const RENDERED: usize = "2026-01-31T08:00:00.000Z".len();

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

    /// The moment as it is shown. Lists show many: no general formatter is as quick as writing digits.
    fn render(self, text: &mut [u8; RENDERED]) -> &str {
        const DAY: i64 = 86_400_000;
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        // Less than a day of milliseconds: 32 bits, which are divided faster than 64.
        let millis = u32::try_from(self.0.rem_euclid(DAY)).unwrap_or_default();
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let [y1, y2] = two_digits(year / 100);
        let [y3, y4] = two_digits(year % 100);
        let ([m1, m2], [d1, d2]) = (two_digits(month), two_digits(day));
        let ([h1, h2], [n1, n2], [s1, s2]) = (two_digits(hours), two_digits(minutes), two_digits(seconds));
        let ([_, z1], [z2, z3]) = (two_digits(millis / 100), two_digits(millis % 100));
        *text = [
            y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.', z1, z2, z3,
            b'Z',
        ];
        std::str::from_utf8(text).unwrap_or_default()
    }

    /// This moment, `duration` earlier.
    #[must_use]
    pub fn minus(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.0.saturating_sub(millis))
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
        let mut text = [0; RENDERED];
        f.write_str(self.render(&mut text))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.render(&mut [0; RENDERED]))
    }
}

/// A day of the calendar, without a time and a zone: a work day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

impl Day {
    /// 1 January 1970.
    pub const EPOCH: Self = match NaiveDate::from_ymd_opt(1970, 1, 1) {
        Some(date) => Self(date),
        None => Self(NaiveDate::MIN),
    };

    /// Reads `2026-01-31`. `None` if that is no day of the years 0 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten().and_then(Self::of)
    }

    /// The day of the calendar. `None` if it is not of the years 0 to 9999.
    pub fn of(date: NaiveDate) -> Option<Self> {
        (0..=9999).contains(&date.year()).then_some(Self(date))
    }

    /// The day as the calendar's type.
    pub const fn date(self) -> NaiveDate {
        self.0
    }

    /// Its midnight, UTC.
    pub fn midnight(self) -> Timestamp {
        self.0.and_time(NaiveTime::MIN).and_utc().into()
    }
}

/// ISO 8601: `2026-01-31`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Year, month and day of the day that lies so many days after 1 January 1970, in the Gregorian calendar, years 0 to
/// 9999. Counted from 1 March of the year 0, so that the leap day is the last one of a year.
fn civil(days: i64) -> (u32, u32, u32) {
    // An era of 400 years further on, where no day of these years is negative.
    let days = u32::try_from(days + 719_468 + 146_097).unwrap_or_default();
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u32::from(month <= 2) - 400;
    (year, month, day)
}

/// The last two decimal digits of a number.
fn two_digits(number: u32) -> [u8; 2] {
    const DIGITS: &[u8; 10] = b"0123456789";
    [DIGITS[(number / 10 % 10) as usize], DIGITS[(number % 10) as usize]]
}

/// Where the time comes from.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_shown_as_the_calendar_says(millis in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let time = Timestamp::from_unix_millis(millis);
            let expected = DateTime::<Utc>::from(time).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            prop_assert_eq!(time.to_string(), expected);
        }
    }

    #[test]
    fn the_first_and_the_last_moment_are_shown() {
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    }

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
