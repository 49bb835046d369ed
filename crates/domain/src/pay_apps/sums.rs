//! What a pay application comes to, after the pattern of the forms G702 and G703 (MNY-26): all in cents, and nothing is rounded but
//! percents and the retainage.

use num_traits::{One, Zero};
use rust_decimal::Decimal;

use crate::{
    exact::{Exact, Rounding, exact, percent, rounded},
    fields::Fault,
    resource::{Fixed, Money, Percent},
};

/// Percents with two places, for display.
pub type Share = Fixed<13, 2>;

/// A line of the schedule of values: columns C, D, E and F.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// C: what all of it is worth.
    pub scheduled: Money,
    /// D: what was billed before this period.
    pub previous: Money,
    /// E: what is billed of this period.
    pub current: Money,
    /// F: what lies stored on the site.
    pub stored: Money,
}

/// What is known of the application before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Line 6 of it: earned less retainage.
    pub certificates: Money,
    /// Line 5 of it: its retainage.
    pub retainage: Money,
    /// What lay stored.
    pub stored: Money,
}

/// What all of an application says about its sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Line 1: what was signed.
    pub contract_sum: Money,
    /// Line 2: what approved change orders added.
    pub change_orders: Money,
    /// How much is held back, in percent.
    pub retainage: Percent,
    /// The application before. `None`: there is none that counts.
    pub before: Option<Before>,
}

/// The sums of an application: lines 3 to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Line 3: the contract now.
    pub revised_contract_sum: Money,
    /// Line 4a: the sum of D.
    pub previously_billed: Money,
    /// Line 4b: the sum of E.
    pub current_billed: Money,
    /// Line 4c: the sum of F.
    pub materials_stored: Money,
    /// Line 4: completed and stored to date.
    pub total_completed: Money,
    /// Line 5: the retainage, to date.
    pub retainage_amount: Money,
    /// Line 5 less that of the application before.
    pub retainage_this_period: Money,
    /// Line 7: line 6 of the application before.
    pub previous_certificates: Money,
    /// Line 8: what is to be paid now. May be less than nothing.
    pub current_payment_due: Money,
    /// Line 9: what is left of the contract, retainage included.
    pub balance_to_finish: Money,
    /// Line 4 of what all lines are worth, in percent.
    pub percent_complete: Share,
    /// What all lines are worth, less line 3.
    pub scheduled_value_difference: Money,
}

impl Columns {
    /// G: completed and stored to date.
    pub fn total(&self) -> Decimal {
        self.previous.decimal() + self.current.decimal() + self.stored.decimal()
    }

    /// What is left of the line.
    pub fn balance(&self) -> Decimal {
        self.scheduled.decimal() - self.total()
    }

    /// G of C, in percent.
    pub fn percent(&self) -> Result<Share, Fault> {
        share(&exact(self.total()), &exact(self.scheduled.decimal()))
    }

    /// Whether `amount` lies between nothing and C, whichever sign C has (MNY-43). The fault says on which side it is not.
    pub fn holds(&self, amount: Decimal) -> Result<(), Fault> {
        let scheduled = self.scheduled.decimal();
        let (amount, most) = if scheduled.is_sign_negative() { (-amount, -scheduled) } else { (amount, scheduled) };
        if amount > most {
            let message = format!("With this the line is above its scheduled value of {scheduled}.");
            Err(Fault::new("too_large", message))
        } else if amount < Decimal::ZERO {
            Err(Fault::new("too_small", "With this the line is on the other side of 0 than its scheduled value."))
        } else {
            Ok(())
        }
    }
}

/// One number of another, in percent with two places. Of nothing it is 0.
fn share(part: &Exact, of: &Exact) -> Result<Share, Fault> {
    if of.is_zero() { Ok(Share::ZERO) } else { rounded(&(part * exact(100) / of)) }
}

/// The part that is left after the retainage.
fn earned(retainage: Percent) -> Exact {
    Exact::one() - percent(retainage.decimal())
}

/// What lines come to.
pub fn sums(terms: &Terms, lines: &[Columns]) -> Result<Sums, Fault> {
    let sum = |column: fn(&Columns) -> Decimal| lines.iter().map(|line| exact(column(line))).sum::<Exact>();
    let scheduled = sum(|line| line.scheduled.decimal());
    let (previous, current) = (sum(|line| line.previous.decimal()), sum(|line| line.current.decimal()));
    let stored = sum(|line| line.stored.decimal());
    let total = &previous + &current + &stored;
    let cents = |amount: &Exact| Rounding::Cents.money(amount);
    let revised = exact(terms.contract_sum.decimal()) + exact(terms.change_orders.decimal());
    let retainage = cents(&(&total * percent(terms.retainage.decimal())))?;
    let before = if let Some(before) = terms.before {
        before
    } else {
        // Work that was billed before the first application here (MNY-42).
        let certificates = cents(&(&previous * earned(terms.retainage)))?;
        let retainage = cents(&(&previous - exact(certificates.decimal())))?;
        Before { certificates, retainage, stored: Money::ZERO }
    };
    let net = &total - exact(retainage.decimal());
    Ok(Sums {
        revised_contract_sum: cents(&revised)?,
        previously_billed: cents(&previous)?,
        current_billed: cents(&current)?,
        materials_stored: cents(&stored)?,
        total_completed: cents(&total)?,
        retainage_amount: retainage,
        retainage_this_period: cents(&exact(retainage.decimal() - before.retainage.decimal()))?,
        previous_certificates: before.certificates,
        current_payment_due: cents(&(&net - exact(before.certificates.decimal())))?,
        balance_to_finish: cents(&(&revised - &net))?,
        percent_complete: share(&total, &scheduled)?,
        scheduled_value_difference: cents(&(scheduled - revised))?,
    })
}

impl Sums {
    /// What the next application knows of this one.
    pub fn for_next(&self) -> Result<Before, Fault> {
        let certificates = Money::rounded(self.total_completed.decimal() - self.retainage_amount.decimal())?;
        Ok(Before { certificates, retainage: self.retainage_amount, stored: self.materials_stored })
    }
}

/// Shares of an amount among weights: each is cut down to cents, and the cents that are left go one each to the largest remainders, of
/// equal ones to the earlier (MNY-42). They add up to the amount.
pub fn shares(amount: Money, weights: &[Money]) -> Result<Vec<Money>, Fault> {
    let all: Exact = weights.iter().map(|weight| exact(weight.decimal())).sum();
    if all.is_zero() {
        return Ok(vec![Money::ZERO; weights.len()]);
    }
    let cents = exact(amount.decimal()) * exact(100);
    let parts: Vec<_> = weights.iter().map(|weight| &cents * exact(weight.decimal()) / &all).collect();
    let mut floors: Vec<_> = parts.iter().map(Exact::floor).collect();
    let left = &cents - floors.iter().sum::<Exact>();
    let mut order: Vec<_> = (0..parts.len()).collect();
    order.sort_by(|one, other| (&parts[*other] - &floors[*other]).cmp(&(&parts[*one] - &floors[*one])));
    for at in order.into_iter().zip(count(&left)).map(|(at, ())| at) {
        floors[at] += Exact::one();
    }
    floors.iter().map(|cents| rounded(&(cents / exact(100)))).collect()
}

/// So many times nothing.
fn count(whole: &Exact) -> impl Iterator<Item = ()> {
    let count = num_traits::ToPrimitive::to_usize(&whole.to_integer()).unwrap_or(0);
    std::iter::repeat_n((), count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(text: &str) -> Money {
        Money::rounded(Decimal::from_str_exact(text).expect("a number")).expect("in bounds")
    }

    fn ten() -> Percent {
        Percent::rounded(10.into()).expect("in bounds")
    }

    fn line(c: &str, d: &str, e: &str, f: &str) -> Columns {
        Columns { scheduled: money(c), previous: money(d), current: money(e), stored: money(f) }
    }

    /// Example B: stored fixtures are installed, and not billed twice.
    #[test]
    fn example_b_comes_to_the_cent() {
        let first = [
            line("5000", "0", "5000", "0"),
            line("42000", "0", "21000", "0"),
            line("28000", "0", "0", "4500"),
            line("4800", "0", "0", "0"),
        ];
        let terms =
            Terms { contract_sum: money("75000"), change_orders: money("4800"), retainage: ten(), before: None };
        let one = sums(&terms, &first).expect("sums");
        let shown = [one.total_completed, one.retainage_amount, one.current_payment_due].map(|sum| sum.to_string());
        assert_eq!(shown, ["30500.00", "3050.00", "27450.00"]);

        let second = [
            line("5000", "5000", "0", "0"),
            line("42000", "21000", "8400", "0"),
            line("28000", "0", "6000", "2500"),
            line("4800", "0", "1200", "0"),
        ];
        let percents = second.map(|line| line.percent().expect("percents").to_string());
        assert_eq!(percents, ["100.00", "70.00", "30.36", "25.00"]);
        let before = Some(one.for_next().expect("in bounds"));
        let two = sums(&Terms { before, ..terms }, &second).expect("sums");
        let shown = [
            two.revised_contract_sum,
            two.total_completed,
            two.retainage_amount,
            two.retainage_this_period,
            two.previous_certificates,
            two.current_payment_due,
            two.balance_to_finish,
        ];
        let expected = ["79800.00", "44100.00", "4410.00", "1360.00", "27450.00", "12240.00", "40110.00"];
        assert_eq!(shown.map(|sum| sum.to_string()), expected);
        assert_eq!(two.percent_complete.to_string(), "55.26");

        let five = Percent::rounded(5.into()).expect("in bounds");
        let stepped = sums(&Terms { before, retainage: five, ..terms }, &second).expect("sums");
        let shown = [stepped.retainage_amount, stepped.current_payment_due].map(|sum| sum.to_string());
        assert_eq!(shown, ["2205.00", "14445.00"]);
    }

    #[test]
    fn what_was_billed_before_the_first_application_is_certified() {
        let terms = Terms { contract_sum: money("1000"), change_orders: Money::ZERO, retainage: ten(), before: None };
        let sums = sums(&terms, &[line("1000", "300.05", "0", "0")]).expect("sums");
        let shown = [sums.previous_certificates, sums.retainage_this_period, sums.current_payment_due];
        assert_eq!(shown.map(|sum| sum.to_string()), ["270.05", "0.01", "-0.01"]);
    }

    #[test]
    fn a_line_lies_between_nothing_and_its_value() {
        let (up, down) = (line("10", "0", "0", "0"), line("-10", "0", "0", "0"));
        let code = |columns: &Columns, amount: i64| columns.holds(amount.into()).map_err(|fault| fault.code);
        assert_eq!((code(&up, 10), code(&up, 11), code(&up, -1)), (Ok(()), Err("too_large"), Err("too_small")));
        assert_eq!((code(&down, -10), code(&down, -11), code(&down, 1)), (Ok(()), Err("too_large"), Err("too_small")));
    }

    #[test]
    fn cents_that_are_left_go_to_the_largest_remainders() {
        let shown = |amount: &str, weights: &[&str]| {
            let weights: Vec<_> = weights.iter().map(|weight| money(weight)).collect();
            let shares = shares(money(amount), &weights).expect("shares");
            shares.into_iter().map(|share| share.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(shown("0.05", &["1", "1", "1"]), ["0.02", "0.02", "0.01"]);
        assert_eq!(shown("10.00", &["2", "1"]), ["6.67", "3.33"]);
        assert_eq!(shown("1.00", &["3", "-1"]), ["1.50", "-0.50"]);
    }

    proptest! {
        #[test]
        fn shares_add_up(cents in -1_000_000_i64..1_000_000, weights in prop::collection::vec(1_i64..1_000_000, 1..20)) {
            let weights: Vec<_> = weights.into_iter().map(|cents| Money::of_cents(cents).expect("in bounds")).collect();
            let amount = Money::of_cents(cents).expect("in bounds");
            let sum: Decimal = shares(amount, &weights).expect("shares").iter().map(|share| share.decimal()).sum();
            prop_assert_eq!(sum, amount.decimal());
        }

        /// Applications of a whole job: what was due of each adds up, whatever was stored and whichever percents were held back.
        #[test]
        fn payments_add_up_to_the_contract(periods in prop::collection::vec((0_i64..100, 0_i64..50, 0_u32..=20), 1..12)) {
            let contract = money("12345.67");
            let (mut before, mut paid, mut done) = (None, Decimal::ZERO, Decimal::ZERO);
            for (work, stored, held) in periods {
                let left = contract.decimal() - done;
                let part = |percents: i64, of: Decimal| {
                    Money::rounded(of * Decimal::from(percents) / Decimal::from(100)).expect("in bounds")
                };
                let current = part(work, left);
                let stored = part(stored, left - current.decimal());
                let columns = Columns { scheduled: contract, previous: Money::rounded(done).expect("in bounds"), current, stored };
                let retainage = Percent::rounded(held.into()).expect("in bounds");
                let terms = Terms { contract_sum: contract, change_orders: Money::ZERO, retainage, before };
                let sums = sums(&terms, &[columns]).expect("sums");
                paid += sums.current_payment_due.decimal();
                prop_assert_eq!(paid + sums.balance_to_finish.decimal(), contract.decimal());
                before = Some(sums.for_next().expect("in bounds"));
                done += current.decimal();
            }
        }
    }
}
