//! What an invoice comes to: exact to the cent (MNY-28).

use num_traits::Zero;

use super::DiscountKind;
use crate::{
    bids::{DiscountType, sums::discount_amount},
    exact::{Exact, Rounding, exact, percent, rounded},
    fields::Fault,
    resource::{Money, Percent, Quantity},
};

/// What all of an invoice says about its sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Whether the discount is an amount or percents.
    pub discount_type: DiscountKind,
    /// The discount.
    pub discount: Quantity,
    /// The sales tax, in percent.
    pub tax_rate: Percent,
}

/// The sums of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// The sum of the lines as they are printed.
    pub subtotal: Money,
    /// What the discount takes away.
    pub discount_amount: Money,
    /// The sales tax, on what is taxable and left after the discount.
    pub tax_amount: Money,
    /// What the customer pays.
    pub total: Money,
}

/// The amount of a line.
pub fn amount(quantity: Quantity, unit_price: Quantity) -> Result<Money, Fault> {
    Rounding::Cents.money(&(exact(quantity.decimal()) * exact(unit_price.decimal())))
}

/// What lines come to, of each its amount and whether it is taxable. Of a subtotal of nothing or less there is neither discount nor tax.
pub fn sums(terms: &Terms, lines: impl IntoIterator<Item = (Money, bool)>) -> Result<Sums, Fault> {
    let (mut all, mut taxable) = (Exact::zero(), Exact::zero());
    for (amount, is_taxable) in lines {
        let amount = exact(amount.decimal());
        if is_taxable {
            taxable += &amount;
        }
        all += amount;
    }
    let subtotal: Money = rounded(&all)?;
    if subtotal <= Money::ZERO {
        return Ok(Sums { subtotal, discount_amount: Money::ZERO, tax_amount: Money::ZERO, total: subtotal });
    }
    let kind = match terms.discount_type {
        DiscountKind::Fixed => DiscountType::Fixed,
        DiscountKind::Percentage => DiscountType::Percentage,
    };
    let discount_amount = discount_amount(Some(kind), Some(terms.discount), subtotal, Rounding::Cents)?;
    let left = exact(subtotal.decimal() - discount_amount.decimal()) / &all;
    let tax_amount = Rounding::Cents.money(&(taxable * left * percent(terms.tax_rate.decimal())))?;
    let total = rounded(&exact(subtotal.decimal() - discount_amount.decimal() + tax_amount.decimal()))?;
    Ok(Sums { subtotal, discount_amount, tax_amount, total })
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    fn quantity(text: &str) -> Quantity {
        Quantity::rounded(Decimal::from_str_exact(text).expect("a number")).expect("in bounds")
    }

    fn percents(text: &str) -> Percent {
        Percent::rounded(Decimal::from_str_exact(text).expect("a number")).expect("in bounds")
    }

    #[test]
    fn example_c_comes_to_the_cent() {
        let line = |q: &str, price: &str| amount(quantity(q), quantity(price)).expect("an amount");
        let lines = [(line("1", "285.00"), true), (line("1", "168.00"), true), (line("2.5", "95.25"), false)];
        assert_eq!(lines[2].0.to_string(), "238.13");
        let terms =
            Terms { discount_type: DiscountKind::Percentage, discount: quantity("2.5"), tax_rate: percents("7") };
        let sums = sums(&terms, lines).expect("sums");
        let shown = [sums.subtotal, sums.discount_amount, sums.tax_amount, sums.total].map(|sum| sum.to_string());
        assert_eq!(shown, ["691.13", "17.28", "30.92", "704.77"]);
    }

    #[test]
    fn what_is_multiplied_first_is_divided_last() {
        // 100.00 of 300.00 is left, at 8.125 %: 8.125, and not a hair below it (MNY-35).
        let terms =
            Terms { discount_type: DiscountKind::Fixed, discount: quantity("200"), tax_rate: percents("8.125") };
        let line = amount(quantity("1"), quantity("300")).expect("an amount");
        assert_eq!(sums(&terms, [(line, true)]).expect("sums").tax_amount.to_string(), "8.13");
    }

    #[test]
    fn of_nothing_or_less_there_is_no_discount_and_no_tax() {
        let terms = Terms { discount_type: DiscountKind::Fixed, discount: quantity("5"), tax_rate: percents("10") };
        let line = |price: &str| amount(quantity("1"), quantity(price)).expect("an amount");
        for lines in [vec![], vec![(line("100"), true), (line("-100"), false)], vec![(line("-3"), true)]] {
            let sums = sums(&terms, lines).expect("sums");
            assert_eq!((sums.discount_amount, sums.tax_amount, sums.total), (Money::ZERO, Money::ZERO, sums.subtotal));
        }
    }
}
