//! The states of an invoice, and the steps between them: the table of 6.2, as data.

use async_trait::async_trait;

use super::{Invoice, InvoicePayment, InvoiceStatus, PaymentSource, ledger, way_out};
use crate::{
    clock::Timestamp,
    execute::{Applied, Context, Failure},
    ids::InvoiceId,
    mail::{self, Enclosed, Sending},
    resource::{Draft, Money, Record, Resource, ResourceError, Told, family, insert, store},
    scopes::ScopeId,
    steps::{self, Step},
    store::{StoreError, UnitOfWork},
    text::Text,
};
use InvoiceStatus::{Draft as Drafted, Paid, Partial, Sent, Voided};

/// Every step between the states of an invoice.
const STEPS: &[Step<InvoiceStatus>] = &[
    Step {
        name: "send",
        from: &[Drafted, Sent, Partial, Paid],
        to: None,
        told: Told::Nobody,
        needs: &[ScopeId::InvoicesSend],
        instead: "make another one",
    },
    Step {
        name: "mark-sent",
        from: &[Drafted],
        to: Some(Sent),
        told: Told::Nobody,
        needs: &[ScopeId::InvoicesSend],
        instead: "only a draft is marked as sent; send it again instead",
    },
    Step {
        name: "mark-paid",
        from: &[Sent, Partial, Paid],
        to: Some(Paid),
        told: Told::Nobody,
        needs: &[ScopeId::InvoicesMarkPaid],
        instead: "send it or mark it as sent first",
    },
    Step {
        name: "payment",
        from: &[Sent, Partial],
        to: None,
        told: Told::Nobody,
        needs: &[ScopeId::InvoicesMarkPaid],
        instead: "nothing is left to pay; change or void a payment first",
    },
    Step {
        name: "edit-payment",
        from: &[Sent, Partial, Paid],
        to: None,
        told: Told::Nobody,
        needs: &[ScopeId::InvoicesMarkPaid],
        instead: "send it or mark it as sent first",
    },
    Step {
        name: "void",
        from: &[Drafted, Sent, Paid],
        to: Some(Voided),
        told: Told::Nobody,
        needs: &[ScopeId::InvoicesVoid],
        instead: "void its payments first",
    },
];

/// What is done to an invoice.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The customer gets it by mail.
    Send(Sending),
    /// The customer has got it in another way.
    MarkSent,
    /// All that was left is paid.
    MarkPaid(Payment),
    /// It counts for nothing any more.
    Void(InvoiceVoiding),
}

/// That all that was left of an invoice is paid.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "final payment")]
pub struct Payment {
    /// When. Unless it is sent, now.
    #[field(example = "2026-04-12T00:00:00.000Z")]
    pub paid_at: Option<Timestamp>,
}

/// That an invoice counts for nothing any more.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "voiding")]
pub struct InvoiceVoiding {
    /// Why.
    #[field(required, least = 3, most = 2_000, example = "Billed twice.")]
    pub reason: Text,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl steps::Action for Action {
    type Of = Invoice;
    type State = InvoiceStatus;
    const STEPS: &'static [Step<InvoiceStatus>] = STEPS;

    fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::MarkSent => "mark-sent",
            Self::MarkPaid(_) => "mark-paid",
            Self::Void(_) => "void",
        }
    }

    async fn take(
        &self,
        id: i64,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>> {
        let one = Invoice::SHAPE.one;
        let record = uow.rows().lock(context.tenant, Invoice::SHAPE, id).await?;
        let record = record.ok_or(ResourceError::NotFound(one))?;
        let mut invoice = record.typed::<Invoice>()?.details;
        self.step().check(one, invoice.status, way_out)?;
        match self {
            Action::Send(sending) => {
                let contact = (invoice.contact_id, "recipientEmail");
                let to = mail::recipient(sending, Enclosed::Invoice, contact, context, uow).await?;
                mail::post(sending, (Enclosed::Invoice, record.id), to, false, context, uow).await?;
                if invoice.status == Drafted {
                    invoice.become_sent(context);
                }
            }
            Action::MarkSent => invoice.become_sent(context),
            Action::MarkPaid(Payment { paid_at }) => {
                if invoice.status != Paid {
                    pay_rest(record.id, &mut invoice, paid_at.unwrap_or(context.now), context, uow).await?;
                }
            }
            Action::Void(InvoiceVoiding { reason }) => {
                if invoice.amount_paid > Money::ZERO {
                    return Err(ResourceError::Conflict(format!(
                        "This {one} is {}: void its payments first.",
                        invoice.status
                    ))
                    .into());
                }
                invoice.status = Voided;
                (invoice.voided_at, invoice.void_reason) = (Some(context.now), Some(reason.clone()));
                invoice.balance_due = Money::ZERO;
            }
        }
        let (record, _) = store(&record, &invoice, Told::Nobody, context, uow).await?;
        Ok(Applied::silently(record))
    }
}

impl Invoice {
    fn become_sent(&mut self, context: &Context<'_>) {
        self.status = Sent;
        self.sent_at = Some(context.now);
        self.issue_date = self.issue_date.or_else(|| Some(context.principal.time_zone().today(context.now)));
    }
}

/// Enters one payment of all that is left. Of nothing there is no payment: it is paid as it is.
async fn pay_rest(
    id: i64,
    invoice: &mut Invoice,
    paid_at: Timestamp,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<()> {
    if invoice.balance_due.is_zero() {
        (invoice.status, invoice.paid_at) = (Paid, Some(paid_at));
        return Ok(());
    }
    let no_id = || StoreError::Internal("an invoice has an id that is none".to_owned());
    let payment = InvoicePayment {
        invoice_id: InvoiceId::new(id).ok_or_else(no_id)?,
        amount: invoice.balance_due,
        paid_at: Some(paid_at),
        method: None,
        reference: None,
        notes: None,
        voided_at: None,
        source: PaymentSource::Manual,
    };
    insert(family::<InvoicePayment>(), &Draft::copy_of(&payment), context, uow).await?;
    Ok(invoice.balance(&ledger::of_invoice(id, context.tenant, uow).await?)?)
}
