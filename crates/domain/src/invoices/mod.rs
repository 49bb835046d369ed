//! Invoices: what customers are asked to pay, and what they have paid.

mod ledger;
mod lines;
mod sources;
mod steps;
pub mod sums;

use async_trait::async_trait;

pub use ledger::{Entry, InvoicePayment, PaymentMethod, PaymentSource, WritePayment};
pub use lines::{CreateInvoice, InvoiceLineItem, ReorderLines};
pub use sources::{BidMode, FromBid, FromPayApp, InvoiceOfBid, InvoiceOfPayApp, is_billed};
pub use steps::{Action, InvoiceVoiding, Payment};

use crate::{
    bids::Bid,
    clock::Timestamp,
    contacts::Contact,
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{BidId, ContactId, PayAppId, PaymentTermId, ProjectId, TenantId},
    numbers::Numbering,
    pay_apps::PayApp,
    projects::Project,
    resource::{
        Condition, FieldType, Filter, Money, Percent, Quantity, Record, Resource, ResourceError, Rules, Saving, Sent,
        Stored, Value,
        ports::{RowReader, Sum},
    },
    selling::PaymentTerm,
    steps::locked,
    store::{StoreError, UnitOfWork},
    tenants::TimeZone,
    text::Text,
    words,
};

words! {
    /// How far an invoice is.
    pub enum InvoiceStatus {
        /// It is being prepared.
        Draft = "draft",
        /// The customer has it, and has paid nothing.
        Sent = "sent",
        /// A part of it is paid.
        Partial = "partial",
        /// All of it is paid.
        Paid = "paid",
        /// It counts for nothing any more.
        Voided = "voided",
    }
}

words! {
    /// What an invoice was made from.
    pub enum SourceType {
        /// A bid.
        Bid = "bid",
        /// A pay application.
        PayApp = "pay_app",
        /// Nothing: it was made by hand.
        AdHoc = "ad_hoc",
    }
}

words! {
    /// What the discount of an invoice is.
    pub enum DiscountKind {
        /// An amount.
        Fixed = "fixed",
        /// Percents of the subtotal.
        Percentage = "percentage",
    }
}

words! {
    /// How far an invoice is on its way to the accounting program.
    pub enum SyncStatus {
        /// It was never sent there.
        Never = "never",
        /// It waits to be sent.
        Queued = "queued",
        /// It is there.
        Synced = "synced",
        /// It was refused there.
        Failed = "failed",
    }
}

/// What a customer is asked to pay.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(
    one = "invoice",
    asks,
    shows("tenantId", "isOverdue", "lineItems", "payments", "emailSent", "emailStatus"),
    read(InvoicesRead),
    write(InvoicesWrite),
    delete(InvoicesDelete)
)]
pub struct Invoice {
    /// Its number. Unless one is sent, the tenant's next. No two invoices have the same.
    #[field(automatic, unique, least = 1, most = 255, search)]
    pub invoice_number: Text,
    /// The project that it is for.
    #[field(required, refers = Project, filter, search)]
    pub project_id: Option<ProjectId>,
    /// The contact who pays it.
    #[field(required, refers = Contact, filter, search)]
    pub contact_id: Option<ContactId>,
    /// How far it is.
    #[field(
        read_only = "Send the invoice, mark it as sent or paid, void it, or write its payments.",
        default = "draft",
        filter
    )]
    pub status: InvoiceStatus,
    /// The day that it is of. `null`: the day on which it is sent.
    #[field(required, example = "2026-03-31T00:00:00.000Z")]
    pub issue_date: Option<Timestamp>,
    /// The last day on which it is to be paid. `null`: unless its payment term says how many days there are, none.
    #[field(example = "2026-04-30T00:00:00.000Z")]
    pub due_date: Option<Timestamp>,
    /// What its lines come to.
    #[field(ignored, signed, default = 0.00)]
    pub subtotal: Money,
    /// The sales tax.
    #[field(ignored, signed, default = 0.00)]
    pub tax_amount: Money,
    /// What the customer pays: the subtotal less the discount, and the tax.
    #[field(ignored, signed, default = 0.00)]
    pub total: Money,
    /// What was paid of it.
    #[field(ignored, default = 0.00)]
    pub amount_paid: Money,
    /// What is left to pay of it.
    #[field(ignored, signed, default = 0.00)]
    pub balance_due: Money,
    /// What the customer is told besides, as simple HTML.
    #[field(most = 50_000)]
    pub notes_to_customer: Option<Text>,
    /// What it was made from.
    #[field(default = "ad_hoc")]
    pub source_type: SourceType,
    /// The bid that it was made from.
    #[field(refers = Bid)]
    pub source_bid_id: Option<BidId>,
    /// The pay application that it was made from.
    #[field(refers = PayApp)]
    pub source_pay_app_id: Option<PayAppId>,
    /// The sales tax on its taxable lines, in percent.
    #[field(default = 0.00, most = 100, example = "8.125")]
    pub tax_rate: Percent,
    /// Whether the discount is an amount or percents of the subtotal.
    #[field(default = "fixed", example = "percentage")]
    pub discount_type: DiscountKind,
    /// The discount: an amount, or percents.
    #[field(default = 0.00, example = "2.5")]
    pub discount: Quantity,
    /// What the discount takes away.
    #[field(ignored, default = 0.00)]
    pub discount_amount: Money,
    /// The terms that it is printed with, as simple HTML.
    #[field(most = 50_000)]
    pub terms: Option<Text>,
    /// When the customer pays, as simple HTML.
    #[field(most = 50_000)]
    pub payment_terms_text: Option<Text>,
    /// When the customer pays, as one of the tenant's payment terms.
    #[field(refers = PaymentTerm)]
    pub payment_term_id: Option<PaymentTermId>,
    /// Which part of the payment term it is for.
    #[field(least = 1)]
    pub payment_term_installment_id: Option<i64>,
    /// The share of its bid that it bills, in percent.
    #[field(most = 100)]
    pub percent_of_bid: Option<Percent>,
    /// When it was sent, or marked as sent.
    #[field(ignored)]
    pub sent_at: Option<Timestamp>,
    /// When all of it was paid.
    #[field(ignored)]
    pub paid_at: Option<Timestamp>,
    /// When it was voided.
    #[field(ignored)]
    pub voided_at: Option<Timestamp>,
    /// Why it was voided.
    #[field(read_only = "`POST /invoices/{id}/void` sets it.")]
    pub void_reason: Option<Text>,
    /// How far it is on its way to the accounting program.
    #[field(read_only = "`POST /invoices/{id}/qbo/sync` changes it.", default = "never")]
    pub qbo_sync_status: SyncStatus,
}

/// The numbers of a tenant's invoices.
pub static NUMBERING: Numbering =
    Numbering { prefix: "INV-", digits: 4, shape: Invoice::SHAPE, column: "invoice_number", within: None };

type Allowed = Result<(), Failure<ResourceError>>;

#[async_trait]
impl Rules for Invoice {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        if let Some(before) = saving.before {
            before.details.editable()?;
        } else if !saving.sets("sourceType") {
            self.source_type = match (self.source_bid_id, self.source_pay_app_id) {
                (Some(_), _) => SourceType::Bid,
                (None, Some(_)) => SourceType::PayApp,
                (None, None) => SourceType::AdHoc,
            };
        }
        self.check(saving.sent).or(())?;
        self.become_due(saving).await?;
        self.free_source(saving).await?;
        if let Some(before) = saving.before {
            let lines = lines::of_invoice(before.id, saving.context.tenant, saving.uow).await?;
            self.settle(&lines).map_err(|fault| refused(saving.sent, &fault))?;
        }
        if self.invoice_number.is_empty() {
            // Last of all: others wait for the tenant's next number from here on.
            self.invoice_number = saving.uow.numbers().next(saving.context.tenant, &NUMBERING).await?;
        }
        Ok(())
    }

    async fn delete(stored: &Stored<Self>, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Allowed {
        let _ = (context, uow);
        Ok(stored.details.editable()?)
    }
}

impl Invoice {
    /// Drafts alone are edited and deleted.
    pub(super) fn editable(&self) -> Result<(), ResourceError> {
        if self.status == InvoiceStatus::Draft {
            return Ok(());
        }
        Err(locked(Self::SHAPE.one, self.status, way_out(self.status).unwrap_or("void it and make another one")))
    }

    /// What cannot be, whatever the lines are: at the fields that were sent.
    fn check(&self, sent: Sent) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let sends = |name: &str| Self::SHAPE.field(name).is_some_and(|(at, _)| sent.has(at));
        if self.discount_type == DiscountKind::Percentage && self.discount.decimal() > 100.into() {
            let name = if sends("discount") { "discount" } else { "discountType" };
            errors.push(name, Fault::new("too_large", "Must be 100 or less, in percent."));
        }
        let sources = [
            ("sourceBidId", self.source_bid_id.is_some(), SourceType::Bid),
            ("sourcePayAppId", self.source_pay_app_id.is_some(), SourceType::PayApp),
        ];
        for (name, is_there, kind) in sources {
            if is_there && self.source_type != kind {
                let message = format_args!("Does not fit the `sourceType`, which must be {kind}.");
                errors.push(if sends(name) { name } else { "sourceType" }, Fault::new("invalid_value", message));
            }
        }
        errors
    }

    /// A payment term says how many days there are, unless the due date is sent.
    async fn become_due(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        let before = saving.before.and_then(|before| before.details.payment_term_id);
        let (Some(term), None, Some(issued)) = (self.payment_term_id, self.due_date, self.issue_date) else {
            return Ok(());
        };
        if before == Some(term) || saving.sets("dueDate") {
            return Ok(());
        }
        let found = saving.uow.rows().lock(saving.context.tenant, PaymentTerm::SHAPE, term.get()).await?;
        let days = found.map(|term| term.typed::<PaymentTerm>()).transpose()?.and_then(|term| term.details.days);
        if let Some(days) = days.and_then(|days| u64::try_from(days).ok()) {
            self.due_date = Some(issued.plus(std::time::Duration::from_secs(days * 86_400)));
        }
        Ok(())
    }

    /// A pay application has one invoice that counts (MNY-46).
    async fn free_source(&self, saving: &mut Saving<'_, Self>) -> Allowed {
        let before = saving.before.and_then(|before| before.details.source_pay_app_id);
        let Some(pay_app) = self.source_pay_app_id.filter(|id| before != Some(*id)) else { return Ok(()) };
        let own = saving.before.map(|before| before.id);
        if of_pay_app(pay_app, saving.context.tenant, saving.uow).await?.is_some_and(|other| Some(other.id) != own) {
            let text = "This pay application has an invoice already: void or delete that first.".to_owned();
            return Err(ResourceError::Conflict(text).into());
        }
        Ok(())
    }

    /// Brings its sums in line with its lines. A total below nothing is a fault.
    fn settle(&mut self, lines: &[Stored<InvoiceLineItem>]) -> Result<(), Fault> {
        let terms = sums::Terms { discount_type: self.discount_type, discount: self.discount, tax_rate: self.tax_rate };
        let sums = sums::sums(&terms, lines.iter().map(|line| (line.details.amount, line.details.is_taxable)))?;
        if sums.total.is_negative() {
            let message = format!("With this the total is {}: it must be 0.00 or more.", sums.total);
            return Err(Fault::new("too_small", message));
        }
        (self.subtotal, self.discount_amount) = (sums.subtotal, sums.discount_amount);
        (self.tax_amount, self.total) = (sums.tax_amount, sums.total);
        self.balance_due = sums.total;
        Ok(())
    }

    /// Whether it was to be paid before today at the tenant's, and is not. The day itself still counts.
    pub fn is_overdue(&self, zone: TimeZone, now: Timestamp) -> bool {
        matches!(self.status, InvoiceStatus::Sent | InvoiceStatus::Partial)
            && self.balance_due > Money::ZERO
            && self.due_date.is_some_and(|due| zone.day_of(due) < zone.today(now))
    }
}

/// The way out of a state that allows something else.
pub(super) fn way_out(status: InvoiceStatus) -> Option<&'static str> {
    match status {
        InvoiceStatus::Draft => Some("send it or mark it as sent first"),
        InvoiceStatus::Voided => Some("make another one"),
        InvoiceStatus::Sent | InvoiceStatus::Partial | InvoiceStatus::Paid => None,
    }
}

/// The refusal of sums that cannot be, at the fields that were sent.
fn refused(sent: Sent, fault: &Fault) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let fields = Invoice::SHAPE.fields.iter().enumerate();
    for (_, field) in fields.filter(|(at, field)| sent.has(*at) && MOVING.contains(&field.name)) {
        errors.push(field.name, fault.clone());
    }
    if errors.is_empty() {
        errors.push("discount", fault.clone());
    }
    errors
}

/// The fields that move its sums.
const MOVING: [&str; 3] = ["taxRate", "discount", "discountType"];

/// The invoice of a pay application that counts: neither deleted nor voided.
pub(crate) async fn of_pay_app(
    pay_app: PayAppId,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> Result<Option<Stored<Invoice>>, StoreError> {
    let filter = Filter::is(Invoice::SHAPE, "sourcePayAppId", Value::Integer(pay_app.get()));
    counting(&filter, tenant, uow).await.map(|found| found.into_iter().next())
}

/// Those that fit and count.
pub(super) async fn counting(
    filter: &Filter,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> Result<Vec<Stored<Invoice>>, StoreError> {
    let found = uow.rows().all(tenant, Invoice::SHAPE, filter, 0).await?;
    let found = found.iter().map(Record::typed::<Invoice>).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().filter(|invoice| invoice.details.status != InvoiceStatus::Voided).collect())
}

/// Invoices, summed up.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// All that count: how many, and the sums of their totals, of what was paid and of what is left.
    pub totals: Sum,
    /// Of each status, in their order.
    pub by_status: Vec<(InvoiceStatus, Sum)>,
    /// Those that are overdue: how many, and what is left to pay.
    pub overdue: Sum,
}

/// Sums the tenant's invoices up, on the day that is `today` there.
pub async fn summary(rows: &dyn RowReader, tenant: TenantId, today: Timestamp) -> Result<Summary, StoreError> {
    let places = |names: &[&str]| Invoice::SHAPE.places(names);
    let sums = places(&["total", "amountPaid", "balanceDue"]);
    let lines = rows.sums(tenant, Invoice::SHAPE, &Filter::all(), &places(&["status"]), &sums).await?;
    let of_status = Sum::by(&lines, 0);
    let with_status = |status: &InvoiceStatus| {
        let found = of_status.iter().find(|sum| sum.groups.first() == Some(&status.to_value()));
        (*status, found.cloned().unwrap_or_else(|| Sum::total(&[], sums.len())))
    };
    let by_status: Vec<_> = InvoiceStatus::ALL.iter().map(with_status).collect();
    let counting: Vec<_> =
        by_status.iter().filter(|(status, _)| *status != InvoiceStatus::Voided).map(|(_, sum)| sum.clone()).collect();
    let mut overdue = Vec::new();
    if let [status, due, balance] = places(&["status", "dueDate", "balanceDue"])[..] {
        for open in [InvoiceStatus::Sent, InvoiceStatus::Partial] {
            let mut late = Filter::all();
            late.add(Condition::Is(status, Value::Text(open.as_str().into())));
            late.add(Condition::Before(due, today));
            late.add(Condition::IsNot(balance, Value::Decimal(Money::ZERO.decimal())));
            overdue.extend(rows.sums(tenant, Invoice::SHAPE, &late, &[], &sums).await?);
        }
    }
    Ok(Summary { totals: Sum::total(&counting, sums.len()), by_status, overdue: Sum::total(&overdue, sums.len()) })
}
