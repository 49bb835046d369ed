//! Money, days and words, as people read them: on paper, on pages for customers and in mails.

use crate::{clock::Timestamp, resource::Money, tenants::TimeZone};

/// An amount, such as `$8,930.18`, or `−$452.67`.
pub fn dollars(amount: Money) -> String {
    let sign = if amount < Money::ZERO { "−" } else { "" };
    let mut digits = amount.decimal().abs();
    digits.rescale(2);
    format!("{sign}${}", grouped(&digits.to_string()))
}

/// The day of a moment at a place, such as `Jun 9, 2026`. One that was written without a time is that day everywhere (MNY-5).
pub fn day(moment: Timestamp, zone: TimeZone) -> String {
    TimeZone::UTC.day(zone.day_of(moment)).date().format("%b %-d, %Y").to_string()
}

/// Digits with a comma before each three of them, up to the point.
pub fn grouped(digits: &str) -> String {
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    if let Some(fraction) = fraction {
        written.push('.');
        written.push_str(fraction);
    }
    written
}

/// A word of ours as people read it: `Customer request` for `customer_request`.
pub fn words(word: &str) -> String {
    let text = word.replace('_', " ");
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        for (amount, text) in [
            ("0", "$0.00"),
            ("8930.18", "$8,930.18"),
            ("-452.67", "−$452.67"),
            ("1234567.5", "$1,234,567.50"),
            ("999", "$999.00"),
        ] {
            assert_eq!(dollars(Money::exactly(amount.parse().expect("a number")).expect("an amount")), text);
        }
    }

    #[test]
    fn a_day_is_that_of_the_place_unless_it_is_one_by_itself() {
        let zone: TimeZone = "America/Chicago".parse().expect("a zone");
        let moment = |text| Timestamp::parse_rfc3339(text, crate::clock::Rounding::Down).expect("a moment");
        assert_eq!(day(moment("2026-06-11T00:00:00Z"), zone), "Jun 11, 2026");
        assert_eq!(day(moment("2026-06-11T03:00:00Z"), zone), "Jun 10, 2026");
    }

    #[test]
    fn words_are_written_as_people_read_them() {
        assert_eq!(words("customer_request"), "Customer request");
        assert_eq!(words(""), "");
    }
}
