//! Exact arithmetic: what lies between the amounts that are written and those that are stored (MNY-35).
//!
//! A decimal type has so many digits, and a quotient seldom fits them. A sum of money is worked out here as a fraction, and is
//! rounded once, where a rule says so.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};
use rust_decimal::Decimal;

use crate::{
    fields::Fault,
    resource::{Fixed, Money},
};

/// A number, exactly.
pub type Exact = BigRational;

/// A decimal, exactly.
pub fn exact(decimal: impl Into<Decimal>) -> Exact {
    let decimal = decimal.into();
    Exact::new(decimal.mantissa().into(), BigInt::from(10).pow(decimal.scale()))
}

/// So many percent, as a factor.
pub fn percent(percent: impl Into<Decimal>) -> Exact {
    exact(percent) / BigInt::from(100)
}

/// To what an amount of money is rounded: half away from zero (MNY-3), from its exact value (MNY-38).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the cent.
    Cents,
    /// To the whole dollar (MNY-24).
    Dollars,
}

impl Rounding {
    /// That of a document that says whether its amounts are rounded to whole dollars.
    pub fn of(whole_dollars: Option<bool>) -> Self {
        if whole_dollars == Some(true) { Self::Dollars } else { Self::Cents }
    }

    /// The amount, rounded. The fault says that it is beyond what is stored.
    pub fn money(self, amount: &Exact) -> Result<Money, Fault> {
        match self {
            Self::Cents => rounded(amount),
            Self::Dollars => rounded(&amount.round()),
        }
    }
}

/// The number, rounded to the places of a column. The fault says that it is beyond what is stored.
pub fn rounded<const WHOLE: u32, const PLACES: u32>(number: &Exact) -> Result<Fixed<WHOLE, PLACES>, Fault> {
    let shifted = number * BigInt::from(10).pow(PLACES);
    let digits = if shifted.is_integer() { shifted } else { shifted.round() };
    let decimal =
        digits.to_integer().to_i128().and_then(|digits| Decimal::try_from_i128_with_scale(digits, PLACES).ok());
    decimal.map_or_else(|| Err(beyond(number)), Fixed::rounded).map_err(|_| beyond(number))
}

fn beyond(number: &Exact) -> Fault {
    let code = if *number < Exact::from(BigInt::ZERO) { "too_small" } else { "too_large" };
    Fault::new(code, "With this, an amount is beyond 9999999999999.99. Send a smaller one.")
}

/// The sum of quotients: of those with the same divisor their dividends are added first, so that many lines have few divisors.
pub fn sum_of_quotients(quotients: impl IntoIterator<Item = (Exact, Exact)>) -> Exact {
    let mut by_divisor = std::collections::BTreeMap::<Exact, Exact>::new();
    for (dividend, divisor) in quotients {
        *by_divisor.entry(divisor).or_default() += dividend;
    }
    // Not reduced on the way: that would take longer than all else.
    let (mut over, mut under) = (BigInt::ZERO, BigInt::one());
    for quotient in by_divisor.into_iter().map(|(divisor, dividend)| dividend / divisor) {
        over = over * quotient.denom() + &under * quotient.numer();
        under *= quotient.denom();
    }
    Exact::new(over, under)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Exact {
        exact(Decimal::from_str_exact(text).expect("a number"))
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (number, cents, dollars) in [
            ("238.125", "238.13", "238.00"),
            ("-238.125", "-238.13", "-238.00"),
            ("10.495", "10.50", "10.00"),
            ("10.5", "10.50", "11.00"),
            ("-0.5", "-0.50", "-1.00"),
            ("-0.004", "0.00", "0.00"),
        ] {
            let money = |rounding: Rounding| rounding.money(&parse(number)).map(|money| money.to_string());
            assert_eq!(money(Rounding::Cents).as_deref(), Ok(cents), "{number}");
            assert_eq!(money(Rounding::Dollars).as_deref(), Ok(dollars), "{number}");
        }
    }

    #[test]
    fn what_is_beyond_a_column_is_a_fault() {
        let most = parse("9999999999999.99");
        assert!(rounded::<13, 2>(&most).is_ok());
        assert_eq!(rounded::<13, 2>(&(&most + parse("0.005"))).map_err(|fault| fault.code), Err("too_large"));
        assert_eq!(rounded::<13, 2>(&-(&most * &most * &most)).map_err(|fault| fault.code), Err("too_small"));
    }

    proptest! {
        #[test]
        fn quotients_add_up(quotients in prop::collection::vec((-1_000_000_i64..1_000_000, 1_i64..5_000), 0..40)) {
            let number = |number: i64| Exact::from(BigInt::from(number));
            let one_by_one = quotients.iter().map(|(over, under)| number(*over) / number(*under)).sum::<Exact>();
            let together = sum_of_quotients(quotients.iter().map(|(over, under)| (number(*over), number(*under))));
            prop_assert_eq!(together, one_by_one);
        }
    }
}
