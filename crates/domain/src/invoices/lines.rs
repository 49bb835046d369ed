//! The lines of an invoice.

use async_trait::async_trait;

use super::{Invoice, sums};
use crate::{
    clock::Timestamp,
    events::Event,
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{InvoiceId, ProductId, TenantId},
    parts::{Part, PartChange, parts_of, place},
    products::Product,
    resource::{
        Draft, Money, Quantity, Record, Resource, ResourceError, Rules, Saving, Stored, Told, Value, family, insert,
        store,
    },
    scopes::ScopeSet,
    store::{StoreError, UnitOfWork},
    text::Text,
};

/// A line of an invoice: so many units of something at a price.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "invoice line", asks, read(InvoicesRead), write(InvoicesWrite), delete(InvoicesWrite))]
pub struct InvoiceLineItem {
    /// The invoice.
    #[field(ignored, refers = Invoice)]
    pub invoice_id: InvoiceId,
    /// The product that it is.
    #[field(refers = Product)]
    pub product_id: Option<ProductId>,
    /// What it is.
    #[field(least = 1, example = "Service call")]
    pub description: Text,
    /// How many units.
    #[field(signed, default = 1.00, example = "2.5")]
    pub quantity: Quantity,
    /// What one costs.
    #[field(signed, default = 0.00, example = "95.25")]
    pub unit_price: Quantity,
    /// Quantity times price, to the cent.
    #[field(ignored, signed, default = 0.00)]
    pub amount: Money,
    /// Whether there is sales tax on it.
    #[field(default = true)]
    pub is_taxable: bool,
    /// Where it stands: lines are shown by this number, from 0. Unless it is sent, behind all others.
    #[field(automatic, name = "order", also = "position", least = -2_147_483_648, most = 2_147_483_647)]
    pub position: Option<i64>,
    /// Always `null`, and ignored in requests: deleted lines are not found.
    pub deleted_at: Option<Timestamp>,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl Rules for InvoiceLineItem {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        self.deleted_at = None;
        if self.position.is_none() {
            self.position = saving.before.and_then(|before| before.details.position);
        }
        self.amount = sums::amount(self.quantity, self.unit_price).map_err(|fault| {
            let name = if saving.sets("quantity") && !saving.sets("unitPrice") { "quantity" } else { "unitPrice" };
            FieldErrors::one(name, fault)
        })?;
        Ok(())
    }
}

/// The live lines of an invoice, in their order.
pub(super) async fn of_invoice(
    invoice: i64,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Vec<Stored<InvoiceLineItem>>, StoreError> {
    parts_of(InvoiceLineItem::OF, invoice, tenant, uow).await
}

/// Makes an invoice with its first lines.
pub struct CreateInvoice {
    /// What the invoice says.
    pub invoice: Draft,
    /// What each line says.
    pub lines: Vec<Draft>,
}

#[async_trait]
impl Command<dyn UnitOfWork> for CreateInvoice {
    type Output = (Record, Vec<Record>);
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(Invoice::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<(Record, Vec<Record>)>> {
        let made = insert(family::<Invoice>(), &self.invoice, context, uow).await.map_err(|why| within("invoice", why));
        let mut errors = FieldErrors::new();
        let mut refused = |why| match why {
            Failure::Rejected(ResourceError::Invalid(found)) => {
                errors.extend(found);
                Ok(())
            }
            other => Err(other),
        };
        let invoice = match made {
            Ok((invoice, _)) => Some(invoice),
            Err(why) => {
                refused(why)?;
                None
            }
        };
        let mut lines = Vec::new();
        for (at, draft) in (0..).zip(&self.lines) {
            let mut draft = draft.clone();
            // Nothing is kept where the invoice is refused: its lines are looked at all the same, to name all faults at once.
            let Some(id) = invoice.as_ref().map(|invoice| invoice.id) else { continue };
            draft.put(InvoiceLineItem::SHAPE, InvoiceLineItem::OF, Value::Integer(id));
            place(InvoiceLineItem::SHAPE, &mut draft, Some(at - 1));
            match insert(family::<InvoiceLineItem>(), &draft, context, uow).await {
                Ok((line, _)) => lines.push(line),
                Err(why) => refused(within(&format!("lines[{at}]"), why))?,
            }
        }
        errors.or(())?;
        let Some(invoice) = invoice else { return Err(StoreError::Internal("no invoice and no fault".into()).into()) };
        let typed = lines.iter().map(Record::typed).collect::<std::result::Result<Vec<_>, _>>()?;
        let mut after = invoice.typed::<Invoice>()?.details;
        after.settle(&typed).map_err(|fault| FieldErrors::one("lines", fault))?;
        let (invoice, _) = store(&invoice, &after, Told::Nobody, context, uow).await?;
        lines.sort_by_key(|line| (typed_position(line), line.id));
        Ok(Applied::silently((invoice, lines)))
    }
}

/// The faults of a part of a body, under the part's name.
fn within(part: &str, why: Failure<ResourceError>) -> Failure<ResourceError> {
    match why {
        Failure::Rejected(ResourceError::Invalid(errors)) => errors.within(part).into(),
        other => other,
    }
}

fn typed_position(line: &Record) -> Option<i64> {
    InvoiceLineItem::SHAPE.field("order").and_then(|(at, _)| line.values.get(at)?.as_integer())
}

#[async_trait]
impl Part for InvoiceLineItem {
    type Document = Record;
    const OF: &'static str = "invoiceId";

    fn order(&self) -> Option<i64> {
        self.position
    }

    async fn lock(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Record> {
        lock_draft(id, context, uow).await
    }

    async fn settle(
        held: Record,
        change: &PartChange,
        _: &mut Record,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>> {
        let shape = Self::SHAPE;
        let refuse = |fault: Fault| match change {
            // Its contract has no 422.
            PartChange::Delete(_) => Failure::from(ResourceError::Conflict(fault.message)),
            PartChange::Add(draft) | PartChange::Change(_, draft) => {
                let sets = |name| shape.field(name).is_some_and(|(at, _)| draft.value(at).is_some());
                let name = if sets("quantity") && !sets("unitPrice") { "quantity" } else { "unitPrice" };
                FieldErrors::one(name, fault).into()
            }
        };
        let mut after = held.typed::<Invoice>()?.details;
        after.settle(&of_invoice(held.id, context.tenant, uow).await?).map_err(refuse)?;
        Ok(store(&held, &after, Told::Nobody, context, uow).await?.1)
    }
}

/// The invoice, locked, which must be a draft.
async fn lock_draft(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Record> {
    let found = uow.rows().lock(context.tenant, Invoice::SHAPE, id).await?;
    let record = found.ok_or(ResourceError::NotFound(Invoice::SHAPE.one))?;
    record.typed::<Invoice>()?.details.editable()?;
    Ok(record)
}

/// Puts the lines of a draft into an order: each of them, once.
pub struct ReorderLines {
    /// Which invoice.
    pub invoice: i64,
    /// The lines by their ids.
    pub ids: Vec<i64>,
}

#[async_trait]
impl Command<dyn UnitOfWork> for ReorderLines {
    /// The lines, in their order.
    type Output = Vec<Record>;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(InvoiceLineItem::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Vec<Record>>> {
        lock_draft(self.invoice, context, uow).await?;
        let lines = of_invoice(self.invoice, context.tenant, uow).await?;
        let mut errors = FieldErrors::new();
        for (n, id) in self.ids.iter().enumerate() {
            let name = format!("orderedIds[{n}]");
            if !lines.iter().any(|line| line.id == *id) {
                errors.push(name, Fault::new("not_found", "There is no line with this id on the invoice."));
            } else if self.ids[..n].contains(id) {
                errors.push(name, Fault::new("invalid_value", "Stands in the list before. Send each line once."));
            }
        }
        if lines.iter().any(|line| !self.ids.contains(&line.id)) {
            let message = format!("Send every line of the invoice: it has {}.", lines.len());
            errors.push("orderedIds", Fault::new("invalid_value", message));
        }
        errors.or(())?;
        let mut ordered = Vec::new();
        for (place, id) in (0..).zip(&self.ids) {
            let Some(line) = lines.iter().find(|line| line.id == *id) else { continue };
            let after = InvoiceLineItem { position: Some(place), ..line.details.clone() };
            ordered.push(store(&line.record(), &after, Told::Nobody, context, uow).await?.0);
        }
        Ok(Applied::silently(ordered))
    }
}
