//! Exact numbers with decimals: money, quantities, percents, hours, coordinates.

use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value as Json;

use super::Bound;
use crate::fields::Fault;

/// An exact number with at most `WHOLE` digits before the point and `PLACES` behind it, rounded half away from zero.
///
/// It is shown with two places at least, and without further zeros at its end: `48.00`, `8.875`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed<const WHOLE: u32, const PLACES: u32>(Decimal);

/// An amount of money: -9,999,999,999,999.99 to 9,999,999,999,999.99.
pub type Money = Fixed<13, 2>;

/// A quantity, a dimension, a unit price or a unit cost.
pub type Quantity = Fixed<12, 4>;

/// A percentage: 8.875 is 8.875 %.
pub type Percent = Fixed<5, 4>;

/// Hours of work.
pub type Hours = Fixed<3, 2>;

/// Degrees of latitude or longitude. Requests and answers write it as a JSON number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinate(Decimal);

/// How requests and answers write a number with decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Requests: a number or a string of digits. Answers: a string.
    Either,
    /// A string of digits.
    Text,
    /// A number.
    Number,
}

impl<const WHOLE: u32, const PLACES: u32> Fixed<WHOLE, PLACES> {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::from_parts(0, 0, 0, false, 2));

    /// One.
    pub const ONE: Self = Self(Decimal::from_parts(100, 0, 0, false, 2));

    /// The number, rounded half away from zero. The fault says which bound it is beyond.
    pub fn rounded(number: Decimal) -> Result<Self, Fault> {
        let rounded = round(number, PLACES);
        let most = largest(WHOLE, PLACES);
        if rounded.abs() > most {
            let (code, bound, sign) =
                if number.is_sign_negative() { ("too_small", "least", "-") } else { ("too_large", "most", "") };
            return Err(Fault::new(code, format!("Must be at {bound} {sign}{most}.")));
        }
        Ok(Self(rounded))
    }

    /// A number as it was stored: with no more than its places.
    pub fn exactly(number: Decimal) -> Option<Self> {
        Self::rounded(number).ok().filter(|fixed| fixed.0 == number)
    }

    /// The number.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.0 < Decimal::ZERO
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl Money {
    /// The amount of `cents` hundredths, if it is one.
    pub fn of_cents(cents: i64) -> Option<Self> {
        Self::rounded(Decimal::new(cents, 2)).ok()
    }
}

impl<const WHOLE: u32, const PLACES: u32> fmt::Display for Fixed<WHOLE, PLACES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Coordinate {
    /// The places that are kept.
    pub const PLACES: u32 = 8;

    /// The number, rounded to its places.
    pub fn rounded(number: Decimal) -> Self {
        Self(round(number, Self::PLACES))
    }

    /// The number.
    pub const fn decimal(self) -> Decimal {
        self.0
    }
}

/// Rounds half away from zero to `places`, with two places at least and no further zeros at the end. Nothing has no sign.
pub(super) fn round(number: Decimal, places: u32) -> Decimal {
    let mut rounded = number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero).normalize();
    if rounded.scale() < 2 {
        rounded.rescale(2);
    }
    if rounded.is_zero() { Decimal::from_parts(0, 0, 0, false, 2) } else { rounded }
}

/// The largest number of so many digits before and behind the point.
fn largest(whole: u32, places: u32) -> Decimal {
    Decimal::from_i128_with_scale(10_i128.pow(whole + places) - 1, places)
}

const AMOUNT: &str = "Must be an amount such as 1250.50, as a number or a string of digits.";
const DIGITS: &str = "Must be a string of digits such as \"1250.50\".";
const NUMBER: &str = "Must be a number such as 41.881832.";

/// The number that is sent, rounded to its places and within its bounds.
pub(super) fn read(
    sent: &Json,
    whole: u32,
    places: u32,
    least: Option<Bound>,
    most: Option<Bound>,
    written: Written,
) -> Result<Decimal, Fault> {
    let format = match written {
        Written::Either => AMOUNT,
        Written::Text => DIGITS,
        Written::Number => NUMBER,
    };
    let top = largest(whole, places);
    let least = least.map_or(-top, Bound::decimal);
    let most = most.map_or(top, Bound::decimal);
    let beyond = |low: bool| {
        if low {
            Fault::new("too_small", format!("Must be {} or more.", least.normalize()))
        } else {
            Fault::new("too_large", format!("Must be {} or less.", most.normalize()))
        }
    };
    let number = match sent {
        Json::String(text) if written != Written::Number => {
            if !is_plain(text, written == Written::Text) {
                return Err(Fault::new("invalid_format", format));
            }
            parsed(text).map_err(beyond)?
        }
        Json::Number(number) if written != Written::Text => parsed(&number.to_string()).map_err(beyond)?,
        _ => return Err(Fault::new("invalid_type", format)),
    };
    let rounded = round(number, places);
    if rounded < least || rounded > most {
        return Err(beyond(rounded < least));
    }
    Ok(rounded)
}

/// Whether a text is digits with at most one point between them and at most one minus before. `exponent`: and maybe an exponent
/// behind, as clients write that compute in floats.
fn is_plain(text: &str, exponent: bool) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, Some(power)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let power = power.is_none_or(|power| exponent && digits(power.strip_prefix(['-', '+']).unwrap_or(power)));
    digits(whole) && digits(fraction) && power
}

/// The number that is written so, or whether it is beyond all numbers on the low side.
fn parsed(text: &str) -> Result<Decimal, bool> {
    Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).or_else(|_| match text.parse::<f64>() {
        // What is too fine for a decimal is nothing.
        Ok(float) if float.abs() < 1.0 => Ok(Decimal::ZERO),
        _ => Err(text.starts_with('-')),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

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
            ("-0.0049999999", "0.00"),
            ("-0.005", "-0.01"),
            ("1.115", "1.12"),
            ("238.125", "238.13"),
            ("-238.125", "-238.13"),
            ("9999999999999.99", "9999999999999.99"),
        ] {
            assert_eq!(rounded(amount).as_deref(), Ok(shown), "{amount}");
        }
        assert_eq!(rounded("9999999999999.995"), Err("too_large"));
        assert_eq!(rounded("-9999999999999.995"), Err("too_small"));
        assert_eq!(Money::ZERO.to_string(), "0.00");
    }

    #[test]
    fn finer_numbers_show_no_zeros_behind_two_places() {
        let shown =
            |text: &str| Quantity::rounded(Decimal::from_str_exact(text).expect("a number")).map(|n| n.to_string());
        for (number, text) in
            [("48", "48.00"), ("8.8750", "8.875"), ("18.10", "18.10"), ("0.00005", "0.0001"), ("0.00004", "0.00")]
        {
            assert_eq!(shown(number).as_deref(), Ok(text), "{number}");
        }
    }

    #[test]
    fn strings_alone_are_taken_where_they_are_asked_for() {
        let text = |sent: Json| read(&sent, 12, 4, Some(Bound::ZERO), None, Written::Text).map_err(|fault| fault.code);
        for (sent, number) in [("12", "12.00"), ("0.30000000000000004", "0.30"), ("1e-7", "0.00"), ("1.5E2", "150.00")]
        {
            assert_eq!(text(json!(sent)).map(|number| number.to_string()).as_deref(), Ok(number), "{sent}");
        }
        for sent in ["", "+1", "1,000", "$5", ".5", "5.", "1e", "NaN", " 1", "1.2.3", "--1"] {
            assert_eq!(text(json!(sent)), Err("invalid_format"), "{sent}");
        }
        assert_eq!(text(json!(12)), Err("invalid_type"));
        assert_eq!(text(json!("-0.00005")), Err("too_small"));
        assert_eq!(text(json!("1e40")), Err("too_large"));
        assert_eq!(text(json!("-1e40")), Err("too_small"));
        assert_eq!(text(json!("999999999999.99995")), Err("too_large"));
    }

    #[test]
    fn bounds_hold_for_the_rounded_number() {
        let hours = |sent: Json| {
            let (least, most) = (Some(Bound::new(25, 2)), Some(Bound::new(24, 0)));
            read(&sent, 3, 2, least, most, Written::Either).map_err(|fault| fault.code)
        };
        assert_eq!(hours(json!(0.245)).map(|n| n.to_string()).as_deref(), Ok("0.25"));
        assert_eq!(hours(json!("7.83")).map(|n| n.to_string()).as_deref(), Ok("7.83"));
        assert_eq!(hours(json!(0.2)), Err("too_small"));
        assert_eq!(hours(json!(24.005)), Err("too_large"));
    }

    proptest! {
        #[test]
        fn cents_are_shown_and_read_back(cents in -999_999_999_999_999_i64..=999_999_999_999_999) {
            let money = Money::of_cents(cents).expect("in bounds");
            prop_assert_eq!(Money::exactly(Decimal::from_str_exact(&money.to_string()).expect("a number")), Some(money));
        }
    }
}
