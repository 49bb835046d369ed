//! Money.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::fields::Fault;

/// An amount of money, with two decimals: -9,999,999,999,999.99 to 9,999,999,999,999.99.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(Decimal);

/// The largest amount, in cents.
const MOST_CENTS: i64 = 999_999_999_999_999;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::from_parts(0, 0, 0, false, 2));

    /// The amount of `cents` hundredths, if it is one.
    pub fn of_cents(cents: i64) -> Option<Self> {
        (cents.unsigned_abs() <= MOST_CENTS.unsigned_abs()).then(|| Self(Decimal::new(cents, 2)))
    }

    /// The amount, rounded to two decimals, half away from zero. The fault says which bound it is beyond.
    pub fn rounded(amount: Decimal) -> Result<Self, Fault> {
        let mut rounded = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        if rounded.abs() > Decimal::new(MOST_CENTS, 2) {
            let (code, bound) = if amount.is_sign_negative() { ("too_small", "least") } else { ("too_large", "most") };
            let sign = if amount.is_sign_negative() { "-" } else { "" };
            return Err(Fault::new(code, format!("Must be at {bound} {sign}9999999999999.99.")));
        }
        rounded.rescale(2);
        Ok(Self(rounded))
    }

    /// An amount as it was stored: with no more than two decimals.
    pub fn exactly(amount: Decimal) -> Option<Self> {
        Self::rounded(amount).ok().filter(|money| money.0 == amount)
    }

    /// The amount as a number with two decimals.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.0 < Decimal::ZERO
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounded(text: &str) -> Result<String, &'static str> {
        let amount = Decimal::from_str_exact(text).expect("a number");
        Money::rounded(amount).map(|money| money.to_string()).map_err(|fault| fault.code)
    }

    #[test]
    fn amounts_have_two_decimals_and_round_half_away_from_zero() {
        for (amount, shown) in [
            ("250000", "250000.00"),
            ("250000.5", "250000.50"),
            ("0.005", "0.01"),
            ("0.0049999999", "0.00"),
            ("-0.005", "-0.01"),
            ("1.115", "1.12"),
            ("9999999999999.99", "9999999999999.99"),
        ] {
            assert_eq!(rounded(amount).as_deref(), Ok(shown), "{amount}");
        }
        assert_eq!(rounded("9999999999999.995"), Err("too_large"));
        assert_eq!(rounded("-9999999999999.995"), Err("too_small"));
        assert_eq!(Money::ZERO.to_string(), "0.00");
    }

    proptest! {
        #[test]
        fn cents_are_shown_and_read_back(cents in -MOST_CENTS..=MOST_CENTS) {
            let money = Money::of_cents(cents).expect("in bounds");
            prop_assert_eq!(Money::exactly(Decimal::from_str_exact(&money.to_string()).expect("a number")), Some(money));
        }
    }
}
