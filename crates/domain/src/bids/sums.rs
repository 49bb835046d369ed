//! What a bid comes to: exact to the cent, from its lines, its rates, its discount and its tax.
//!
//! Each rule that may be decided otherwise is one function.

use num_traits::{One, Signed, Zero};

use super::{BidLineItem, CostItem, DiscountType};
use crate::{
    exact::{Exact, Rounding, exact, percent, rounded, sum_of_quotients},
    fields::Fault,
    resource::{Decimal, Money, Percent, Quantity},
    selling::SalesTaxBase,
};

/// What all of a bid says about its sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Margin, commission and overhead together, in percent of the selling price.
    pub rates: Exact,
    /// What the whole job costs besides its lines.
    pub project_costs: Exact,
    /// Whether the discount is an amount or percents.
    pub discount_type: Option<DiscountType>,
    /// The discount.
    pub discount: Option<Quantity>,
    /// The sales tax of the whole bid. `None`: each line has its own.
    pub tax_rate: Option<Percent>,
    /// What sales tax is taken of.
    pub tax_base: SalesTaxBase,
    /// To what amounts are rounded.
    pub rounding: Rounding,
}

/// What a line says about the sums.
#[derive(Clone, Debug, PartialEq)]
pub struct LineTerms {
    /// How many units.
    pub quantity: Exact,
    /// What one unit costs.
    pub unit_cost: Exact,
    /// The percents of purchase tax, each of the cost that it is on: of one unit.
    pub unit_buy_tax: Exact,
    /// The percents of sales tax.
    pub sell_tax: SellTax,
}

/// How many percent of sales tax a line has: one number divided by another, which is not done before the end.
#[derive(Clone, Debug, PartialEq)]
pub struct SellTax {
    /// The percents, each of the cost that it is on.
    pub percents: Exact,
    /// That cost.
    pub of: Exact,
}

/// The sums of a bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Before discount and tax: the sum of the lines as they are printed (MNY-4).
    pub subtotal: Money,
    /// What the discount takes away.
    pub discount_amount: Money,
    /// The sales tax.
    pub tax_amount: Money,
    /// What the customer pays.
    pub total: Money,
}

/// What one unit of a line costs that has cost items, exactly: their cost, and the percents of tax on it, not yet divided by 100.
pub(super) fn unit_figures<'a>(items: impl Iterator<Item = &'a CostItem>) -> [Exact; 3] {
    let mut figures = [Exact::zero(), Exact::zero(), Exact::zero()];
    for item in items {
        let cost = exact(item.quantity.decimal()) * exact(item.unit_cost.decimal());
        let percents = |percent: Option<Percent>| exact(percent.unwrap_or_default().decimal());
        figures[1] += &cost * percents(item.buy_tax_percent);
        figures[2] += &cost * percents(item.sell_tax_percent);
        figures[0] += cost;
    }
    figures
}

impl SellTax {
    /// That of a line whose product has this sales tax, and that has cost items of this cost and tax. Those that cost nothing have no tax
    /// (MNY-38).
    pub(super) fn of(product: Option<Decimal>, cost: Option<Decimal>, tax: Option<Decimal>) -> Self {
        let whole =
            |percents: Option<Decimal>| Self { percents: exact(percents.unwrap_or_default()), of: Exact::one() };
        match cost {
            None => whole(product),
            Some(cost) if cost.is_zero() => whole(None),
            Some(cost) => Self { percents: exact(tax.unwrap_or_default()), of: exact(cost) },
        }
    }
}

impl LineTerms {
    /// Those of a line. Without cost items its price is loaded as a cost is (MNY-20), and has the sales tax of its product.
    pub(super) fn of(line: &BidLineItem) -> Self {
        let figure = |figure: Option<super::Figure>| figure.map(super::Figure::decimal);
        let (cost, buy_tax) = (figure(line.unit_cost), figure(line.unit_buy_tax));
        Self {
            quantity: exact(line.quantity().decimal()),
            unit_cost: exact(cost.unwrap_or(line.unit_price.decimal())),
            unit_buy_tax: exact(buy_tax.unwrap_or_default()),
            sell_tax: SellTax::of(line.sell_tax_percent.map(Percent::decimal), cost, figure(line.unit_sell_tax)),
        }
    }

    /// What the line costs before the load, project costs aside.
    fn cost(&self) -> Exact {
        &self.quantity * &self.unit_cost
    }
}

/// The selling price of a line: its cost, purchase tax and share of the project costs, of which the rates are percents of the selling
/// price (3.3). Project costs are spread by quantity, of which the lines have `quantities` in all.
pub fn selling_price(line: &LineTerms, terms: &Terms, quantities: &Exact) -> Result<Money, Fault> {
    let purchase_tax = &line.quantity * &line.unit_buy_tax / exact(100);
    let share = if quantities.is_zero() { Exact::zero() } else { &terms.project_costs * &line.quantity / quantities };
    terms.rounding.money(&((line.cost() + purchase_tax + share) / (Exact::one() - &terms.rates / exact(100))))
}

/// What a discount takes from a subtotal: an amount at most all of it, or percents of it (3.3, step 4).
pub fn discount_amount(
    kind: Option<DiscountType>,
    discount: Option<Quantity>,
    subtotal: Money,
    rounding: Rounding,
) -> Result<Money, Fault> {
    let discount = discount.unwrap_or_default().decimal();
    if subtotal <= Money::ZERO {
        return Ok(Money::ZERO);
    }
    match kind {
        None | Some(DiscountType::Fixed) => Ok(rounding.money(&exact(discount))?.min(subtotal)),
        Some(DiscountType::Percentage | DiscountType::Percent) => {
            rounding.money(&(exact(subtotal.decimal()) * percent(discount)))
        }
    }
}

/// The sales tax of a bid, on its selling prices (MNY-23): at one rate, or at those of its lines, of which `taxed` gives prices and
/// percents. The discount lowers it.
fn tax_on_price(
    terms: &Terms,
    subtotal: Money,
    discount: Money,
    taxed: impl Iterator<Item = (Exact, SellTax)>,
) -> Exact {
    let (before, after) = (exact(subtotal.decimal()), exact(subtotal.decimal() - discount.decimal()));
    match terms.tax_rate {
        Some(rate) => after * percent(rate.decimal()),
        None => {
            sum_of_quotients(taxed.map(|(price, tax)| (price * tax.percents, tax.of))) / exact(100) * after / before
        }
    }
}

/// The sales tax of a bid on what its lines cost, for those that were brought along so: the discount does not lower it (MNY-39).
fn tax_on_cost(terms: &Terms, lines: &[LineTerms]) -> Exact {
    let percents = |line: &LineTerms| match terms.tax_rate {
        Some(rate) => line.cost() * exact(rate.decimal()),
        None => line.cost() * &line.sell_tax.percents / &line.sell_tax.of,
    };
    lines.iter().map(percents).sum::<Exact>() / exact(100)
}

/// The selling price of each line, and what they come to.
pub fn sums(terms: &Terms, lines: &[LineTerms]) -> Result<(Vec<Money>, Sums), Fault> {
    let quantities = lines.iter().map(|line| &line.quantity).sum();
    let prices = lines.iter().map(|line| selling_price(line, terms, &quantities)).collect::<Result<Vec<_>, _>>()?;
    let subtotal = money(prices.iter().map(|price| exact(price.decimal())).sum())?;
    let taxed = lines.iter().zip(&prices).map(|(line, price)| (exact(price.decimal()), line.sell_tax.clone()));
    let sums = total(terms, subtotal, taxed, || tax_on_cost(terms, lines))?;
    Ok((prices, sums))
}

/// What lines of this subtotal come to. Without one above nothing there is neither discount nor tax.
pub(super) fn total(
    terms: &Terms,
    subtotal: Money,
    taxed: impl Iterator<Item = (Exact, SellTax)>,
    on_cost: impl FnOnce() -> Exact,
) -> Result<Sums, Fault> {
    if subtotal <= Money::ZERO {
        return Ok(Sums { subtotal, discount_amount: Money::ZERO, tax_amount: Money::ZERO, total: subtotal });
    }
    let discount_amount = discount_amount(terms.discount_type, terms.discount, subtotal, terms.rounding)?;
    let tax = match terms.tax_base {
        SalesTaxBase::Price => tax_on_price(terms, subtotal, discount_amount, taxed),
        SalesTaxBase::Cost => on_cost(),
    };
    let tax_amount = terms.rounding.money(&tax)?;
    let total = money(exact(subtotal.decimal() - discount_amount.decimal() + tax_amount.decimal()))?;
    Ok(Sums { subtotal, discount_amount, tax_amount, total })
}

#[expect(clippy::needless_pass_by_value, reason = "an amount is computed where it is rounded")]
fn money(amount: Exact) -> Result<Money, Fault> {
    Rounding::Cents.money(&amount)
}

/// What a project cost adds to each unit of each line, for display: its share of each line is exact.
pub(super) fn per_unit(rate: Quantity, quantities: &Exact) -> Result<Quantity, Fault> {
    if quantities.is_zero() { Ok(Quantity::ZERO) } else { rounded(&(exact(rate.decimal()) / quantities)) }
}

/// The price of one unit of a line, for display: the line's total counts (MNY-4).
pub(super) fn unit_price(total: Money, quantity: Quantity) -> Result<Quantity, Fault> {
    let quantity = exact(quantity.decimal());
    if quantity.is_zero() { Ok(Quantity::ZERO) } else { rounded(&(exact(total.decimal()) / quantity)) }
}

/// A line's quantity times the exact price of a unit, before the load.
pub(super) fn raw_total(line: &BidLineItem) -> Result<Money, Fault> {
    money(LineTerms::of(line).cost())
}

/// Whether percents add up to less than the whole price: a price of which they are all of it is infinite.
pub(super) fn leaves_cost(rates: &Exact) -> bool {
    (exact(100) - rates).is_positive()
}
