//! What bids come to, to the cent.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    bids::{
        DiscountType,
        sums::{LineTerms, SellTax, Sums, Terms, discount_amount, sums},
    },
    exact::{Exact, Rounding, exact},
    resource::{Decimal, Money, Percent, Quantity},
    selling::SalesTaxBase,
};
use proptest::prelude::*;

fn number(text: &str) -> Exact {
    exact(Decimal::from_str_exact(text).expect("a number"))
}

fn quantity(text: &str) -> Quantity {
    Quantity::rounded(Decimal::from_str_exact(text).expect("a number")).expect("in bounds")
}

fn percent(text: &str) -> Percent {
    Percent::rounded(Decimal::from_str_exact(text).expect("a number")).expect("in bounds")
}

fn terms() -> Terms {
    Terms {
        rates: number("0"),
        project_costs: number("0"),
        discount_type: None,
        discount: None,
        tax_rate: None,
        tax_base: SalesTaxBase::Price,
        rounding: Rounding::Cents,
    }
}

/// A line without cost items, whose product has this sales tax.
fn plain(quantity: &str, price: &str, sell_tax: &str) -> LineTerms {
    LineTerms {
        quantity: number(quantity),
        unit_cost: number(price),
        unit_buy_tax: number("0"),
        sell_tax: SellTax { percents: number(sell_tax), of: number("1") },
    }
}

/// A line with cost items: of each the quantity, the cost, and both taxes.
fn built(quantity: &str, items: &[[&str; 4]]) -> LineTerms {
    let cost = |item: &[&str; 4]| number(item[0]) * number(item[1]);
    let of: Exact = items.iter().map(cost).sum();
    LineTerms {
        quantity: number(quantity),
        unit_cost: of.clone(),
        unit_buy_tax: items.iter().map(|item| cost(item) * number(item[2])).sum(),
        sell_tax: SellTax { percents: items.iter().map(|item| cost(item) * number(item[3])).sum(), of },
    }
}

/// The printed lines, and subtotal, discount, tax and total.
fn printed(terms: &Terms, lines: &[LineTerms]) -> (Vec<String>, [String; 4]) {
    let (prices, Sums { subtotal, discount_amount, tax_amount, total }) = sums(terms, lines).expect("in bounds");
    let printed = [subtotal, discount_amount, tax_amount, total].map(|sum| sum.to_string());
    (prices.iter().map(ToString::to_string).collect(), printed)
}

/// Example A: a kit of three, and a permit.
fn example_a() -> (Terms, [LineTerms; 2]) {
    let kit = built("4", &[["1", "615.00", "7", "7"], ["2", "48.50", "7", "7"], ["3.5", "85.00", "0", "0"]]);
    let terms = Terms {
        rates: number("30"),
        project_costs: number("850.00"),
        discount_type: Some(DiscountType::Percentage),
        discount: Some(quantity("5")),
        ..terms()
    };
    (terms, [kit, plain("1", "1250.00", "0")])
}

#[test]
fn example_a_comes_out_to_the_cent() {
    let (own_tax, lines) = example_a();
    let one_rate = Terms { tax_rate: Some(percent("7")), ..own_tax.clone() };
    let on_cost = Terms { tax_base: SalesTaxBase::Cost, ..own_tax.clone() };
    for (terms, tax, total) in
        [(own_tax, "329.48", "8930.18"), (one_rate, "602.05", "9202.75"), (on_cost, "199.36", "8800.06")]
    {
        let (printed, sums) = printed(&terms, &lines);
        assert_eq!(printed, ["7024.80", "2028.57"]);
        assert_eq!(sums, ["9053.37", "452.67", tax, total].map(str::to_owned));
    }
}

#[test]
fn rates_are_percents_of_the_selling_price() {
    let line = LineTerms { unit_buy_tax: number("132230.00"), ..plain("1", "18890.00", "0") };
    let rates = Terms { rates: number("28"), ..terms() };
    assert_eq!(printed(&rates, &[line]).0, ["28072.64"], "12,335.00 and 6,555.00 of cost, 1,322.30 of tax, for 72 %");
    // Without rates, a line is what it says.
    assert_eq!(printed(&terms(), &[plain("1", "18500.00", "0")]).1[3], "18500.00");
}

#[test]
fn quotients_are_taken_once_and_last() {
    let discounted = Terms { discount: Some(quantity("200")), ..terms() };
    let (_, sums) = printed(&discounted, &[plain("1", "300.00", "8.125")]);
    assert_eq!(sums, ["300.00", "200.00", "8.13", "108.13"].map(str::to_owned));
    // Thirds add up.
    let third = built("1", &[["1", "1.00", "0", "1"], ["1", "2.00", "0", "0"]]);
    let lines = vec![third; 3];
    assert_eq!(printed(&terms(), &lines).1, ["9.00", "0.00", "0.03", "9.03"].map(str::to_owned));
}

#[test]
fn whole_dollars_are_rounded_from_what_is_exact() {
    let dollars =
        Terms { rounding: Rounding::Dollars, tax_rate: Some(percent("7")), discount: Some(quantity("1.5")), ..terms() };
    let (printed, sums) = printed(&dollars, &[plain("1", "10.495", "0"), plain("1", "10.5", "0")]);
    assert_eq!(printed, ["10.00", "11.00"]);
    assert_eq!(sums, ["21.00", "2.00", "1.00", "20.00"].map(str::to_owned));
}

#[test]
fn edges_of_sums() {
    let taxed = Terms { tax_rate: Some(percent("10")), ..terms() };
    // Nothing is no sum, and has no sign.
    assert_eq!(printed(&taxed, &[]).1, ["0.00"; 4].map(str::to_owned));
    assert_eq!(printed(&taxed, &[plain("0", "-5", "0")]).0, ["0.00"]);
    // A negative price lowers the subtotal and the tax; a subtotal below nothing has neither discount nor tax.
    let (printed_lines, sums) = printed(&taxed, &[plain("1", "100", "0"), plain("2", "-10", "0")]);
    assert_eq!(printed_lines, ["100.00", "-20.00"]);
    assert_eq!(sums, ["80.00", "0.00", "8.00", "88.00"].map(str::to_owned));
    assert_eq!(
        printed(&taxed, &[plain("1", "-100", "0")]).1,
        ["-100.00", "0.00", "0.00", "-100.00"].map(str::to_owned)
    );
    // The tax of a credit may be more than that of the rest.
    let by_line = printed(&terms(), &[plain("1", "100", "0"), plain("1", "-50", "10")]).1;
    assert_eq!(by_line, ["50.00", "0.00", "-5.00", "45.00"].map(str::to_owned));
    // Project costs are spread by quantity; without one they are in no price.
    let shared = Terms { project_costs: number("100"), ..terms() };
    assert_eq!(printed(&shared, &[plain("1", "0", "0"), plain("3", "0", "0")]).0, ["25.00", "75.00"]);
    assert_eq!(printed(&shared, &[plain("0", "5", "0")]).1[3], "0.00");
    // A discount is at most all of it.
    let most = |kind, discount: &str| {
        let subtotal = Money::of_cents(10_000).expect("an amount");
        discount_amount(kind, Some(quantity(discount)), subtotal, Rounding::Cents).expect("in bounds").to_string()
    };
    assert_eq!(most(None, "100.005"), "100.00");
    assert_eq!(most(Some(DiscountType::Fixed), "99.995"), "100.00");
    assert_eq!(most(Some(DiscountType::Percent), "12.3456"), "12.35");
    // What is beyond all amounts is a fault, and no panic.
    let beyond = sums_fault(&terms(), &[plain("999999999999.9999", "999999999999.9999", "0")]);
    assert_eq!(beyond, Some("too_large"));
    assert_eq!(sums_fault(&terms(), &vec![plain("1", "9999999999999.99", "0"); 2]), Some("too_large"));
}

fn sums_fault(terms: &Terms, lines: &[LineTerms]) -> Option<&'static str> {
    sums(terms, lines).err().map(|fault| fault.code)
}

fn decimals(most: i64, places: u32) -> impl Strategy<Value = Exact> {
    (0..most).prop_map(move |units| exact(Decimal::new(units, places)))
}

fn line() -> impl Strategy<Value = LineTerms> {
    let items = prop::collection::vec((decimals(100_000, 4), decimals(1_000_000, 4), 0..200_i64, 0..200_i64), 1..4);
    let built = (decimals(500_000, 4), items).prop_map(|(quantity, items)| {
        let cost = |item: &(Exact, Exact, i64, i64)| &item.0 * &item.1;
        let percents = |of: fn(&(Exact, Exact, i64, i64)) -> i64| {
            items.iter().map(|item| cost(item) * exact(Decimal::new(of(item), 1))).sum::<Exact>()
        };
        let of: Exact = items.iter().map(cost).sum();
        let free = of == number("0");
        LineTerms {
            quantity,
            unit_buy_tax: percents(|item| item.2),
            sell_tax: SellTax {
                percents: if free { number("0") } else { percents(|item| item.3) },
                of: if free { number("1") } else { of.clone() },
            },
            unit_cost: of,
        }
    });
    let plain =
        (decimals(500_000, 4), -1_000_000_i64..5_000_000, 0..200_i64).prop_map(|(quantity, price, tax)| LineTerms {
            quantity,
            unit_cost: exact(Decimal::new(price, 4)),
            unit_buy_tax: number("0"),
            sell_tax: SellTax { percents: exact(Decimal::new(tax, 1)), of: number("1") },
        });
    prop_oneof![built, plain]
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let discount = (
        prop::option::of(prop::sample::select(DiscountType::ALL)),
        prop::option::of((0..1_000_000_i64).prop_map(|units| Decimal::new(units, 4))),
    );
    let tax = (prop::option::of((0..200_000_i64).prop_map(|units| Decimal::new(units, 4))), any::<bool>());
    (decimals(900_000, 4), decimals(100_000_000, 4), discount, tax, any::<bool>()).prop_map(
        |(rates, project_costs, (discount_type, discount), (tax_rate, on_cost), dollars)| Terms {
            rates,
            project_costs,
            discount_type,
            discount: discount.map(|discount| Quantity::rounded(discount).expect("in bounds")),
            tax_rate: tax_rate.map(|rate| Percent::rounded(rate).expect("in bounds")),
            tax_base: if on_cost { SalesTaxBase::Cost } else { SalesTaxBase::Price },
            rounding: Rounding::of(Some(dollars)),
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_adds_up(terms in any_terms(), lines in prop::collection::vec(line(), 0..12)) {
        let (prices, sums) = sums(&terms, &lines).expect("in bounds");
        prop_assert_eq!(prices.iter().map(|price| price.decimal()).sum::<Decimal>(), sums.subtotal.decimal());
        let total = sums.subtotal.decimal() - sums.discount_amount.decimal() + sums.tax_amount.decimal();
        prop_assert_eq!(total, sums.total.decimal());
        prop_assert!(!sums.discount_amount.is_negative());
        prop_assert!(sums.discount_amount <= sums.subtotal || sums.subtotal <= Money::ZERO);
        if terms.rounding == Rounding::Dollars {
            let whole = |money: Money| money.decimal().fract().is_zero();
            let parts = [sums.subtotal, sums.tax_amount, sums.total];
            prop_assert!(parts.into_iter().chain(prices).all(whole) && (whole(sums.discount_amount)));
        }
    }

    #[test]
    fn the_order_of_lines_does_not_matter(
        terms in any_terms(),
        (lines, shuffled) in prop::collection::vec(line(), 0..12)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        let (mut prices, one) = sums(&terms, &lines).expect("in bounds");
        let (mut others, other) = sums(&terms, &shuffled).expect("in bounds");
        prices.sort_unstable();
        others.sort_unstable();
        prop_assert_eq!((prices, one), (others, other));
    }

    /// By whole numbers of the smallest units, as by hand: half away from zero.
    #[test]
    fn a_loaded_price_is_that_of_integers(
        quantity in 0_i64..1_000_000,
        price in -10_000_000_i64..10_000_000,
        rate in 0_i64..999_999,
    ) {
        let terms = Terms { rates: exact(Decimal::new(rate, 4)), ..terms() };
        let line = LineTerms {
            quantity: exact(Decimal::new(quantity, 4)),
            unit_cost: exact(Decimal::new(price, 4)),
            unit_buy_tax: number("0"),
            sell_tax: SellTax { percents: number("0"), of: number("1") },
        };
        // quantity x price / 10^8, divided by (10^6 - rate) / 10^6, in cents.
        let (over, under) = (i128::from(quantity) * i128::from(price), i128::from(1_000_000 - rate));
        let cents = (2 * over.abs() + under) / (2 * under) * over.signum();
        let (prices, _) = sums(&terms, &[line]).expect("in bounds");
        prop_assert_eq!(prices[0].decimal(), Decimal::from_i128_with_scale(cents, 2));
    }
}
