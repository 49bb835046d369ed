//! The ledger of an invoice: what was paid, and what follows from that.

use async_trait::async_trait;

use super::{Action, Invoice, InvoiceStatus, way_out};
use crate::{
    clock::Timestamp,
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{InvoiceId, TenantId},
    parts::parts_by,
    resource::{
        Draft, Money, Record, Resource, ResourceError, Rules, Saving, Stored, Told, Value, family, insert, store,
        update,
    },
    scopes::{ScopeId, ScopeSet},
    steps::Action as _,
    store::{StoreError, UnitOfWork},
    text::Text,
    words,
};

words! {
    /// How something was paid.
    pub enum PaymentMethod {
        /// By check.
        Check = "check",
        /// In cash.
        Cash = "cash",
        /// By bank transfer.
        Ach = "ach",
        /// By card.
        Card = "card",
        /// In another way.
        Other = "other",
    }
}

words! {
    /// Where a payment was entered.
    pub enum PaymentSource {
        /// Here.
        Manual = "manual",
        /// In the accounting program.
        QuickBooks = "quickbooks",
    }
}

/// An amount that was paid of an invoice.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(
    one = "payment",
    table = "invoice_payments",
    asks,
    read(InvoicesRead),
    write(InvoicesMarkPaid),
    delete(InvoicesMarkPaid)
)]
pub struct InvoicePayment {
    /// The invoice.
    #[field(ignored, refers = Invoice)]
    pub invoice_id: InvoiceId,
    /// How much.
    #[field(text, least = 0.01, example = "100.00")]
    pub amount: Money,
    /// When. `null`: now.
    #[field(required, automatic, renewed, example = "2026-04-12T00:00:00.000Z")]
    pub paid_at: Option<Timestamp>,
    /// How.
    #[field(example = "check")]
    pub method: Option<PaymentMethod>,
    /// What it is known by, such as the number of a check.
    #[field(most = 255, example = "1042")]
    pub reference: Option<Text>,
    /// What is noted about it.
    #[field(most = 2_000)]
    pub notes: Option<Text>,
    /// When it was voided. It keeps its amount, and counts for nothing.
    #[field(read_only = "`DELETE /invoices/{id}/payments/{paymentId}` voids a payment.")]
    pub voided_at: Option<Timestamp>,
    /// Where it was entered.
    #[field(read_only = "It says where the payment was entered.", default = "manual")]
    pub source: PaymentSource,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl Rules for InvoicePayment {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        self.paid_at = Some(self.paid_at.unwrap_or(saving.context.now));
        Ok(())
    }
}

/// What is done in the ledger.
pub enum Entry {
    /// A payment is entered.
    Add(Draft),
    /// The payment of this id is put right.
    Change(i64, Draft),
    /// The payment of this id is voided.
    Void(i64),
}

/// Writes a payment, and brings the invoice in line.
pub struct WritePayment {
    /// Which invoice.
    pub invoice: i64,
    /// What is done.
    pub entry: Entry,
}

#[async_trait]
impl Command<dyn UnitOfWork> for WritePayment {
    /// The payment and the invoice.
    type Output = (Record, Record);
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::InvoicesMarkPaid])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<(Record, Record)>> {
        let shape = InvoicePayment::SHAPE;
        let held = uow.rows().lock(context.tenant, Invoice::SHAPE, self.invoice).await?;
        let held = held.ok_or(ResourceError::NotFound(Invoice::SHAPE.one))?;
        let mut invoice = held.typed::<Invoice>()?.details;
        let name = if matches!(self.entry, Entry::Add(_)) { "payment" } else { "edit-payment" };
        let payments = of_invoice(self.invoice, context.tenant, uow).await?;
        let find = |id: i64| payments.iter().find(|payment| payment.id == id).ok_or(ResourceError::NotFound(shape.one));
        let payment = match &self.entry {
            Entry::Add(draft) => {
                Action::named(name).check(Invoice::SHAPE.one, invoice.status, way_out)?;
                fits(draft, Money::ZERO, invoice.balance_due)?;
                let mut draft = draft.clone();
                draft.put(shape, "invoiceId", Value::Integer(self.invoice));
                insert(family::<InvoicePayment>(), &draft, context, uow).await?.0
            }
            Entry::Change(id, draft) => {
                let before = find(*id)?;
                Action::named(name).check(Invoice::SHAPE.one, invoice.status, way_out)?;
                before.details.changeable()?;
                fits(draft, before.details.amount, invoice.balance_due)?;
                update(family::<InvoicePayment>(), before.record(), draft, context, uow).await?.0
            }
            Entry::Void(id) => {
                let before = find(*id)?;
                Action::named(name).check(Invoice::SHAPE.one, invoice.status, way_out)?;
                before.details.changeable()?;
                let after = InvoicePayment { voided_at: Some(context.now), ..before.details.clone() };
                store(&before.record(), &after, Told::Nobody, context, uow).await?.0
            }
        };
        invoice.balance(&of_invoice(self.invoice, context.tenant, uow).await?)?;
        let (invoice, _) = store(&held, &invoice, Told::Nobody, context, uow).await?;
        Ok(Applied::silently((payment, invoice)))
    }
}

/// Whether an amount fits what is left to pay, of which `before` was a part that is taken back.
fn fits(draft: &Draft, before: Money, balance: Money) -> std::result::Result<(), FieldErrors> {
    let amount = InvoicePayment::SHAPE.field("amount").and_then(|(at, _)| draft.value(at)?.as_decimal());
    let room = balance.decimal() + before.decimal();
    match amount {
        Some(amount) if amount > room => {
            let message = format!("Is more than the {room} that are left to pay. Send that or less.");
            Err(FieldErrors::one("amount", Fault::new("too_large", message)))
        }
        _ => Ok(()),
    }
}

impl InvoicePayment {
    /// Whether it counts.
    pub const fn is_live(&self) -> bool {
        self.voided_at.is_none()
    }

    /// A live payment that was entered here is changed and voided.
    fn changeable(&self) -> std::result::Result<(), ResourceError> {
        if !self.is_live() {
            let text = "This payment is voided: enter it again.".to_owned();
            return Err(ResourceError::Conflict(text));
        }
        if self.source == PaymentSource::QuickBooks {
            let text = "This payment came from the accounting program: change it there.".to_owned();
            return Err(ResourceError::Conflict(text));
        }
        Ok(())
    }
}

impl Invoice {
    /// Takes its state from its ledger: what is live of it is paid.
    pub(super) fn balance(&mut self, payments: &[Stored<InvoicePayment>]) -> std::result::Result<(), StoreError> {
        let live = || payments.iter().map(|payment| &payment.details).filter(|payment| payment.is_live());
        let paid = live().map(|payment| payment.amount.decimal()).sum();
        let too_much = |fault: Fault| StoreError::Internal(format!("the payments of an invoice: {}", fault.message));
        self.amount_paid = Money::rounded(paid).map_err(too_much)?;
        self.balance_due = Money::rounded(self.total.decimal() - paid).map_err(too_much)?;
        self.status = if self.amount_paid == Money::ZERO {
            InvoiceStatus::Sent
        } else if self.balance_due > Money::ZERO {
            InvoiceStatus::Partial
        } else {
            InvoiceStatus::Paid
        };
        let last = live().filter_map(|payment| payment.paid_at).max();
        self.paid_at = last.filter(|_| self.status == InvoiceStatus::Paid);
        Ok(())
    }
}

/// The payments of an invoice, voided ones too, by the time of each.
pub(super) async fn of_invoice(
    invoice: i64,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Vec<Stored<InvoicePayment>>, StoreError> {
    parts_by("paidAt", "invoiceId", invoice, tenant, uow).await
}
