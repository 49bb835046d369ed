//! How figures and days are written on paper.

use chrono::{DateTime, Utc};

use crate::{
    clock::Timestamp,
    resource::{Decimal, Fixed},
    tenants::TimeZone,
    wording::grouped,
};

/// How a tenant's documents write amounts and days.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    /// What stands before an amount.
    pub(super) currency: String,
    /// Which day it is.
    pub(super) zone: TimeZone,
}

impl Writing {
    /// An amount of money or a price, with as many places as it has, at least two: `$1,234.50`, `-$0.05`.
    pub(super) fn price<const WHOLE: u32, const PLACES: u32>(&self, price: Fixed<WHOLE, PLACES>) -> String {
        self.decimal(price.decimal())
    }

    /// An amount that was worked out here.
    pub(super) fn decimal(&self, amount: Decimal) -> String {
        let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
        let mut written = amount.abs().normalize();
        if written.scale() < 2 {
            written.rescale(2);
        }
        format!("{sign}{}{}", self.currency, grouped(&written.to_string()))
    }

    /// A day: `March 31, 2026`.
    pub(super) fn day(&self, moment: Timestamp) -> String {
        DateTime::<Utc>::from(self.zone.day_of(moment)).format("%B %-d, %Y").to_string()
    }

    /// A day, or a dash.
    pub(super) fn day_or_dash(&self, moment: Option<Timestamp>) -> String {
        moment.map_or_else(|| NOTHING.to_owned(), |moment| self.day(moment))
    }
}

/// What stands where there is nothing to say.
pub(super) const NOTHING: &str = "-";

/// A number of units: `4`, `2.5`, `1,000`.
pub(super) fn quantity<const WHOLE: u32, const PLACES: u32>(quantity: Fixed<WHOLE, PLACES>) -> String {
    let number = quantity.decimal();
    let sign = if number.is_sign_negative() && !number.is_zero() { "-" } else { "" };
    format!("{sign}{}", grouped(&number.abs().normalize().to_string()))
}

/// Percents: `8.125%`, `7%`.
pub(super) fn percent<const WHOLE: u32, const PLACES: u32>(percent: Fixed<WHOLE, PLACES>) -> String {
    format!("{}%", quantity(percent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Rounding;

    fn written<const WHOLE: u32, const PLACES: u32>(text: &str) -> Fixed<WHOLE, PLACES> {
        Fixed::rounded(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn figures_are_grouped_and_keep_their_sign() {
        let writing = Writing { currency: "$".to_owned(), zone: "America/New_York".parse().unwrap() };
        let money = |text: &str| writing.price(written::<12, 2>(text));
        assert_eq!(money("8930.18"), "$8,930.18");
        assert_eq!(money("-1234567.5"), "-$1,234,567.50");
        assert_eq!(money("100"), "$100.00");
        assert_eq!(money("0"), "$0.00");
        assert_eq!(writing.decimal(std::iter::empty::<Decimal>().sum()), "$0.00", "a sum of nothing");
        assert_eq!(writing.price(written::<12, 4>("1756.2")), "$1,756.20");
        assert_eq!(writing.price(written::<12, 4>("0.1255")), "$0.1255");
        assert_eq!(quantity(written::<12, 4>("1000")), "1,000");
        assert_eq!(quantity(written::<12, 4>("-2.5")), "-2.5");
        assert_eq!(percent(written::<5, 4>("8.125")), "8.125%");
    }

    #[test]
    fn a_day_is_the_one_that_it_is_at_the_tenants() {
        let writing = Writing { currency: String::new(), zone: "America/New_York".parse().unwrap() };
        let at = |text| Timestamp::parse_rfc3339(text, Rounding::Down).unwrap();
        assert_eq!(writing.day(at("2026-03-31T00:00:00Z")), "March 31, 2026", "a bare day");
        assert_eq!(writing.day(at("2026-04-01T01:30:00Z")), "March 31, 2026");
    }
}
