//! Money and days, as people read them: on pages for customers and in mails.

use crate::{clock::Timestamp, resource::Money, tenants::TimeZone};

/// An amount, such as `$8,930.18`, or `−$452.67`.
pub fn dollars(amount: Money) -> String {
    let text = amount.decimal().abs().round_dp(2).to_string();
    let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if amount < Money::ZERO { "−" } else { "" };
    let mut grouped = String::new();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}${grouped}.{cents:0<2}")
}

/// The day of a moment at a place, such as `Jun 9, 2026`. One that was written without a time is that day everywhere (MNY-5).
pub fn day(moment: Timestamp, zone: TimeZone) -> String {
    TimeZone::UTC.day(zone.day_of(moment)).date().format("%b %-d, %Y").to_string()
}

/// The text of simple HTML: without its tags.
pub fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, after)) = tag.split_once('>') else {
            rest = "";
            break;
        };
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if matches!(name, "p" | "br" | "li" | "h1" | "h2" | "h3") && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        rest = after;
    }
    text.push_str(rest);
    let entities = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.into_iter().fold(text.trim().to_owned(), |text, (entity, character)| text.replace(entity, character))
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
    fn tags_are_left_out() {
        assert_eq!(
            plain("<p>50 % on <b>delivery</b>.</p><ul><li>Excludes A &amp; B</li></ul>"),
            "50 % on delivery.\nExcludes A & B"
        );
        assert_eq!(plain("a < b"), "a");
        assert_eq!(plain("As it is"), "As it is");
    }
}
