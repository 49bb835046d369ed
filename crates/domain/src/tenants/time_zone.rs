//! Which day it is at a tenant's.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::{
    clock::{Day, Timestamp},
    text::quoted,
};

/// A time zone of the IANA database. It decides which day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(Tz);

/// A text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone: expected a name such as UTC, Europe/Berlin or America/New_York")]
pub struct UnknownTimeZone(pub String);

impl TimeZone {
    /// Where tenants are that say nothing else.
    pub const UTC: Self = Self(Tz::UTC);

    /// The day that it is there at `now`, as days are stored: its midnight, UTC.
    pub fn today(self, now: Timestamp) -> Timestamp {
        self.day(now).midnight()
    }

    /// The day that it is there at `now`.
    pub fn day(self, now: Timestamp) -> Day {
        let utc = DateTime::<Utc>::from(now);
        // Beyond the last day that there is: that in UTC.
        let day = Day::of(utc.with_timezone(&self.0).date_naive()).or_else(|| Day::of(utc.date_naive()));
        day.unwrap_or(Day::EPOCH)
    }

    /// The day that a moment stands for, as days are stored: midnight, UTC, is a day that was written without a time, and any other
    /// moment is the day that it is there.
    pub fn day_of(self, moment: Timestamp) -> Timestamp {
        const DAY: i64 = 86_400_000;
        if moment.unix_millis().rem_euclid(DAY) == 0 { moment } else { self.today(moment) }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        self.0.name()
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TimeZone {
    type Err = UnknownTimeZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| UnknownTimeZone(quoted(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Rounding;

    fn today(zone: &str, now: &str) -> String {
        let now = Timestamp::parse_rfc3339(now, Rounding::Down).expect("a moment");
        zone.parse::<TimeZone>().expect("a zone").today(now).to_string()
    }

    #[test]
    fn a_day_begins_at_the_midnight_of_the_zone() {
        for (zone, now, day) in [
            ("UTC", "2026-05-04T23:59:59.999Z", "2026-05-04T00:00:00.000Z"),
            ("Europe/Berlin", "2026-05-04T21:59:59.999Z", "2026-05-04T00:00:00.000Z"),
            ("Europe/Berlin", "2026-05-04T22:00:00Z", "2026-05-05T00:00:00.000Z"),
            // Winter.
            ("Europe/Berlin", "2026-12-04T22:00:00Z", "2026-12-04T00:00:00.000Z"),
            ("America/Los_Angeles", "2026-05-05T06:59:59Z", "2026-05-04T00:00:00.000Z"),
            ("Pacific/Kiritimati", "2026-05-04T10:00:00Z", "2026-05-05T00:00:00.000Z"),
        ] {
            assert_eq!(today(zone, now), day, "{zone} at {now}");
        }
    }

    #[test]
    fn a_moment_stands_for_a_day() {
        let day = |zone: &str, moment: &str| {
            let moment = Timestamp::parse_rfc3339(moment, Rounding::Down).expect("a moment");
            zone.parse::<TimeZone>().expect("a zone").day_of(moment).to_string()
        };
        assert_eq!(day("America/New_York", "2026-05-04T00:00:00Z"), "2026-05-04T00:00:00.000Z");
        assert_eq!(day("America/New_York", "2026-05-04T00:00:01Z"), "2026-05-03T00:00:00.000Z");
        assert_eq!(day("Europe/Berlin", "2026-05-04T22:30:00Z"), "2026-05-05T00:00:00.000Z");
    }

    #[test]
    fn only_names_of_the_database_are_zones() {
        for text in ["", "Berlin", "europe/berlin", "UTC+2", "+02:00", "Europe/Berlin "] {
            assert_eq!(text.parse::<TimeZone>(), Err(UnknownTimeZone(text.to_owned())));
        }
        assert_eq!("America/New_York".parse::<TimeZone>().map(TimeZone::as_str), Ok("America/New_York"));
    }
}
