//! Invoices that are made from an accepted bid, or from an approved pay application (6.4).

use async_trait::async_trait;
use num_traits::Zero;

use super::{CreateInvoice, DiscountKind, Invoice, InvoiceLineItem, SourceType, counting};
use crate::{
    bids::{Bid, BidLineItem, BidStatus, parts_of_bid},
    clock::Timestamp,
    exact::{Exact, Rounding, exact, percent, rounded},
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{BidId, PayAppId},
    pay_apps::{PayApp, PayAppStatus, stored_before},
    projects::Project,
    resource::{Draft, Filter, Money, Percent, Quantity, Record, Resource, ResourceError, Stored, Value},
    scopes::{ScopeId, ScopeSet},
    selling::SalesTaxBase,
    store::UnitOfWork,
    text::Text,
    words,
};

words! {
    /// How much of a bid an invoice bills.
    pub enum BidMode {
        /// All of it.
        Full = "full",
        /// So many percent.
        Percent = "percent",
        /// An amount.
        Fixed = "fixed",
    }
}

/// How an invoice is made from a bid.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "invoice of a bid", many = "invoices of bids")]
pub struct InvoiceOfBid {
    /// The bid.
    #[field(least = 1, example = "42")]
    pub bid_id: i64,
    /// How much of it is billed.
    #[field(example = "percent")]
    pub mode: BidMode,
    /// How many percent, or what amount. Not for `full`.
    #[field(number, least = 0, example = "30")]
    pub value: Option<Quantity>,
    /// The last day on which it is to be paid.
    #[field(example = "2026-04-30T00:00:00.000Z")]
    pub due_date: Option<Timestamp>,
    /// What the customer is told besides.
    #[field(most = 50_000)]
    pub notes_to_customer: Option<Text>,
}

/// How an invoice is made from a pay application.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "invoice of a pay application", many = "invoices of pay applications")]
pub struct InvoiceOfPayApp {
    /// The pay application.
    #[field(least = 1, example = "42")]
    pub pay_app_id: i64,
    /// The last day on which it is to be paid.
    #[field(example = "2026-04-30T00:00:00.000Z")]
    pub due_date: Option<Timestamp>,
    /// What the customer is told besides.
    #[field(most = 50_000)]
    pub notes_to_customer: Option<Text>,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// Makes an invoice from an accepted bid: all of it, a part, or an amount.
pub struct FromBid(pub InvoiceOfBid);

/// Makes an invoice from an approved pay application: what is due of it.
pub struct FromPayApp(pub InvoiceOfPayApp);

/// A line that is made from a source.
struct Line {
    description: String,
    quantity: Quantity,
    unit_price: Quantity,
    is_taxable: bool,
}

impl Line {
    /// One unit at this price, without tax.
    fn of(description: impl Into<String>, amount: Money) -> Result<Self> {
        let unit_price = Quantity::rounded(amount.decimal()).map_err(beyond)?;
        Ok(Self { description: description.into(), quantity: Quantity::ONE, unit_price, is_taxable: false })
    }

    fn draft(self) -> Draft {
        let shape = InvoiceLineItem::SHAPE;
        let mut draft = Draft::as_it_is();
        draft.put(shape, "description", Value::Text(crate::text::excerpt(self.description, 9_999).into()));
        draft.put(shape, "quantity", Value::Decimal(self.quantity.decimal()));
        draft.put(shape, "unitPrice", Value::Decimal(self.unit_price.decimal()));
        draft.put(shape, "isTaxable", Value::Bool(self.is_taxable));
        draft
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped with")]
fn beyond(fault: Fault) -> Failure<ResourceError> {
    ResourceError::Conflict(format!("An amount of this invoice is beyond what an invoice holds. {}", fault.message))
        .into()
}

fn conflict<T>(text: impl Into<String>) -> Result<T> {
    Err(ResourceError::Conflict(text.into()).into())
}

#[async_trait]
impl Command<dyn UnitOfWork> for FromBid {
    type Output = (Record, Vec<Record>);
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::InvoicesWrite])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<(Record, Vec<Record>)>> {
        let (asked, tenant) = (&self.0, context.tenant);
        let value = asked.value()?;
        let record = uow.rows().lock(tenant, Bid::SHAPE, asked.bid_id).await?;
        let bid = record.ok_or(ResourceError::NotFound(Bid::SHAPE.one))?.typed::<Bid>()?;
        if bid.details.status != BidStatus::Accepted {
            return conflict(format!("This bid is {}: accept it first.", bid.details.status));
        }
        let of_bid = Filter::is(Invoice::SHAPE, "sourceBidId", Value::Integer(bid.id));
        let before = counting(&of_bid, tenant, uow).await?;
        let billed: Exact = before.iter().map(|invoice| exact(invoice.details.total.decimal())).sum();
        let mut invoice = Draft::as_it_is();
        let mut put = |name: &str, value: Value<'static>| invoice.put(Invoice::SHAPE, name, value);
        let lines = match asked.mode {
            BidMode::Full => {
                if !before.is_empty() {
                    return conflict("This bid is billed in parts already: bill the rest by percent, or void those.");
                }
                let lines = parts_of_bid::<BidLineItem>(bid.id, tenant, uow).await?;
                put("discountType", Value::Text(DiscountKind::Fixed.as_str().into()));
                put("discount", Value::Decimal(bid.details.discount_amount.decimal()));
                let taxed_here = bid.details.tax_rate.filter(|_| bid.details.is_taxed_like_an_invoice());
                put("taxRate", Value::Decimal(taxed_here.unwrap_or_default().decimal()));
                all_of(&bid.details, &lines, taxed_here.is_some())?
            }
            BidMode::Percent => {
                put("percentOfBid", Value::Decimal(value.decimal()));
                part_of(&bid.details, &before, value)?
            }
            BidMode::Fixed => {
                let amount = Money::rounded(value.decimal()).map_err(beyond)?;
                let what = bid.details.name.as_deref().unwrap_or(&bid.details.bid_number);
                vec![Line::of(format!("Work of {what}"), amount)?]
            }
        };
        let total = match asked.mode {
            BidMode::Full => exact(bid.details.total.decimal()),
            _ => lines.iter().map(|line| exact(line.quantity.decimal()) * exact(line.unit_price.decimal())).sum(),
        };
        if total <= Exact::zero() {
            return conflict("Nothing is left to bill of this: its amount is 0.00 or less.");
        }
        if billed + &total > exact(bid.details.total.decimal()) {
            let total = bid.details.total;
            return conflict(format!(
                "With this, more than the bid's total of {total} is billed. Bill less, or void others."
            ));
        }
        put("projectId", bid.details.project_id.map_or(Value::Null, |id| Value::Integer(id.get())));
        put("contactId", bid.details.contact_id.map_or(Value::Null, |id| Value::Integer(id.get())));
        put("terms", text(bid.details.terms.as_ref()));
        put("paymentTermsText", text(bid.details.payment_terms_text.as_ref()));
        put("paymentTermId", bid.details.payment_term_id.map_or(Value::Null, |id| Value::Integer(id.get())));
        put("sourceType", Value::Text(SourceType::Bid.as_str().into()));
        put("sourceBidId", Value::Integer(bid.id));
        begin(&mut invoice, asked.due_date, asked.notes_to_customer.as_ref(), context);
        let lines = lines.into_iter().map(Line::draft).collect();
        CreateInvoice { invoice, lines }.apply(context, uow).await
    }
}

/// What every invoice that is made from something starts with.
fn begin(invoice: &mut Draft, due: Option<Timestamp>, notes: Option<&Text>, context: &Context<'_>) {
    let today = context.principal.time_zone().today(context.now);
    invoice.put(Invoice::SHAPE, "issueDate", Value::Moment(today));
    if let Some(due) = due {
        invoice.put(Invoice::SHAPE, "dueDate", Value::Moment(due));
    }
    invoice.put(Invoice::SHAPE, "notesToCustomer", text(notes));
}

fn text(text: Option<&Text>) -> Value<'static> {
    text.map_or(Value::Null, |text| Value::Text(text.to_string().into()))
}

impl InvoiceOfBid {
    /// The percents or the amount, which must be there for both, and in their bounds.
    fn value(&self) -> std::result::Result<Quantity, FieldErrors> {
        let fault = match (self.mode, self.value) {
            (BidMode::Full, _) => return Ok(Quantity::ZERO),
            (_, None) => Fault::new("required", "Say how much: percents for `percent`, an amount for `fixed`."),
            (_, Some(value)) if value <= Quantity::ZERO => Fault::new("too_small", "Must be more than 0."),
            (BidMode::Percent, Some(value)) if value.decimal() > 100.into() => {
                Fault::new("too_large", "Must be 100 or less, in percent.")
            }
            (BidMode::Fixed, Some(value)) if Money::rounded(value.decimal()).is_ok_and(Money::is_zero) => {
                Fault::new("too_small", "Must be 0.01 or more.")
            }
            (_, Some(value)) => return Ok(value),
        };
        Err(FieldErrors::one("value", fault))
    }
}

impl Bid {
    /// Whether its tax is worked out as that of an invoice: at one rate, on the price, to the cent.
    fn is_taxed_like_an_invoice(&self) -> bool {
        self.sales_tax_base == SalesTaxBase::Price && self.round_sales_amounts != Some(true)
    }
}

/// All of a bid, line by line. The total is the bid's.
fn all_of(bid: &Bid, lines: &[Stored<BidLineItem>], is_taxable: bool) -> Result<Vec<Line>> {
    let mut all = Vec::new();
    for line in lines {
        let (quantity, total) = (line.details.quantity.unwrap_or(Quantity::ONE), line.details.sell_total);
        let description = line.details.description.to_string();
        let unit_price: Quantity = if quantity.is_zero() {
            Quantity::ZERO
        } else {
            rounded(&(exact(total.decimal()) / exact(quantity.decimal()))).map_err(beyond)?
        };
        if super::sums::amount(quantity, unit_price).map_err(beyond)? == total {
            all.push(Line { description, quantity, unit_price, is_taxable });
        } else {
            // The price of a unit has more places than a price has: one unit of all.
            all.push(Line { is_taxable, ..Line::of(format!("{quantity} x {description}"), total)? });
        }
    }
    if !is_taxable && !bid.tax_amount.is_zero() {
        all.push(Line::of(SALES_TAX, bid.tax_amount)?);
    }
    Ok(all)
}

const SALES_TAX: &str = "Sales tax";

/// So many percent of a bid. The invoice that brings the percents to exactly 100 bills the rest, so that the parts add up (MNY-45).
fn part_of(bid: &Bid, before: &[Stored<Invoice>], value: Quantity) -> Result<Vec<Line>> {
    let cents = |amount: Exact| Rounding::Cents.money(&amount).map_err(beyond);
    let net_of_all = exact(bid.subtotal.decimal() - bid.discount_amount.decimal());
    let percents: Vec<_> =
        before.iter().filter_map(|invoice| Some((invoice, invoice.details.percent_of_bid?))).collect();
    let brought: Exact = percents.iter().map(|(_, percent)| exact(percent.decimal())).sum();
    let share = |of: &Exact, value: rust_decimal::Decimal| of * percent(value);
    let is_rest = &brought + exact(value.decimal()) == exact(100) && !percents.is_empty();
    let (net, total) = if is_rest {
        let mut net = net_of_all.clone();
        for (_, percent) in &percents {
            net -= exact(cents(share(&net_of_all, percent.decimal()))?.decimal());
        }
        let billed: Exact = percents.iter().map(|(invoice, _)| exact(invoice.details.total.decimal())).sum();
        (cents(net)?, cents(exact(bid.total.decimal()) - billed)?)
    } else {
        let net = cents(share(&net_of_all, value.decimal()))?;
        let total = cents(share(&exact(bid.total.decimal()), value.decimal()))?;
        (net, if bid.tax_amount.is_zero() { net } else { total })
    };
    let what = bid.name.as_deref().unwrap_or(&bid.bid_number);
    let mut lines = vec![Line::of(format!("{value} % of {what}"), net)?];
    let tax = Money::rounded(total.decimal() - net.decimal()).map_err(beyond)?;
    if !tax.is_zero() {
        lines.push(Line::of(SALES_TAX, tax)?);
    }
    Ok(lines)
}

#[async_trait]
impl Command<dyn UnitOfWork> for FromPayApp {
    type Output = (Record, Vec<Record>);
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::InvoicesWrite])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<(Record, Vec<Record>)>> {
        let (asked, tenant) = (&self.0, context.tenant);
        let record = uow.rows().lock(tenant, PayApp::SHAPE, asked.pay_app_id).await?;
        let pay_app = record.ok_or(ResourceError::NotFound(PayApp::SHAPE.one))?.typed::<PayApp>()?;
        let details = &pay_app.details;
        if !matches!(details.status, PayAppStatus::Approved | PayAppStatus::Paid) {
            return conflict(format!("This pay application is {}: approve it first.", details.status));
        }
        let due = details.current_payment_due;
        if due <= Money::ZERO {
            let text = format!(
                "The payment due is {due}, which makes no invoice. Take it off the next invoice as a line of its own."
            );
            return conflict(text);
        }
        let no_id = || crate::store::StoreError::Internal("a pay application has an id that is none".to_owned());
        let id = PayAppId::new(pay_app.id).ok_or_else(no_id)?;
        if super::of_pay_app(id, tenant, uow).await?.is_some() {
            return conflict("This pay application has an invoice already: void or delete that first.");
        }
        let stored = details.materials_stored.decimal() - stored_before(&pay_app, tenant, uow).await?.decimal();
        let retainage = details.retainage_this_period.decimal();
        let mut lines = vec![Line::of("Work this period", details.current_billed)?];
        for (what, amount) in [("Change in stored materials", stored), ("Retainage", -retainage)] {
            if !amount.is_zero() {
                lines.push(Line::of(what, Money::rounded(amount).map_err(beyond)?)?);
            }
        }
        let project = uow.rows().even_deleted(tenant, Project::SHAPE, &[details.project_id.get()]).await?;
        let project = project.first().map(Record::typed::<Project>).transpose()?;
        let contact = project.and_then(|project| project.details.contact_id);
        let mut invoice = Draft::as_it_is();
        let mut put = |name: &str, value: Value<'static>| invoice.put(Invoice::SHAPE, name, value);
        put("projectId", Value::Integer(details.project_id.get()));
        put("contactId", contact.map_or(Value::Null, |id| Value::Integer(id.get())));
        put("sourceType", Value::Text(SourceType::PayApp.as_str().into()));
        put("sourcePayAppId", Value::Integer(pay_app.id));
        put("taxRate", Value::Decimal(Percent::ZERO.decimal()));
        begin(&mut invoice, asked.due_date, asked.notes_to_customer.as_ref(), context);
        CreateInvoice { invoice, lines: lines.into_iter().map(Line::draft).collect() }.apply(context, uow).await
    }
}

/// The bid whose acceptance is held by what was billed of it: whether one of its invoices counts.
pub async fn is_billed(bid: BidId, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<bool> {
    let filter = Filter::is(Invoice::SHAPE, "sourceBidId", Value::Integer(bid.get()));
    Ok(!counting(&filter, context.tenant, uow).await?.is_empty())
}
