//! The items of a change order, and what they come to.

use async_trait::async_trait;
use num_traits::{Signed, Zero};

use super::{ChangeOrder, steps::Held};
use crate::{
    bids::BidLineItem,
    exact::{Exact, Rounding, exact},
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{BidLineItemId, ChangeOrderId, TenantId},
    resource::{
        Delete, Draft, Filter, Money, Quantity, Record, Resource, ResourceError, Rules, Saving, Stored, Told, Value,
        family, insert, update,
    },
    scopes::ScopeSet,
    store::{StoreError, UnitOfWork},
    text::Text,
    words,
};

/// The most items of a change order (MNY-14).
const MOST_ITEMS: usize = 1_000;

words! {
    /// What an item does to the contract.
    pub enum ChangeType {
        /// It adds something.
        Add = "add",
        /// It changes something: its amount is the difference.
        Modify = "modify",
        /// It takes something away: its amount is less than nothing.
        Remove = "remove",
    }
}

/// One thing that a change order adds, changes or takes away.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "change order item", asks)]
#[resource(read(ChangeOrdersRead), write(ChangeOrdersWrite), delete(ChangeOrdersWrite))]
pub struct ChangeOrderItem {
    /// The change order.
    #[field(ignored, refers = ChangeOrder)]
    pub change_order_id: ChangeOrderId,
    /// What it does to the contract.
    #[field(default = "add", example = "add")]
    pub change_type: ChangeType,
    /// The line of the project's bid that it is about.
    #[field(refers = BidLineItem)]
    pub bid_line_item_id: Option<BidLineItemId>,
    /// Its mark on the plans.
    #[field(most = 100)]
    pub mark_name: Option<Text>,
    /// What it is.
    #[field(example = "A second door")]
    pub description: Option<Text>,
    /// How many units.
    #[field(default = 1.00, example = "2.00")]
    pub quantity: Option<Quantity>,
    /// The price of a unit.
    #[field(signed, default = 0.00, example = "640.00")]
    pub unit_price: Option<Quantity>,
    /// The price of the work.
    #[field(text, signed, default = 0.00)]
    pub labor_amount: Option<Money>,
    /// The tax.
    #[field(text, signed, default = 0.00)]
    pub tax_amount: Option<Money>,
    /// What it comes to. Unless it is sent, its quantity at its price, the work and the tax. `null` has it worked out again.
    #[field(either, signed)]
    pub amount: Option<Money>,
    /// The amount as it was sent: the sign of what is taken away is put on later. `null` if none was.
    #[field(ignored, signed)]
    pub given_amount: Option<Money>,
    /// Where it stands: items are shown by this number. Unless it is sent, behind all others.
    #[field(least = -2_147_483_648, most = 2_147_483_647)]
    pub order: Option<i64>,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl Rules for ChangeOrderItem {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        let before = saving.before.map(|before| &before.details);
        self.quantity.get_or_insert(Quantity::ONE);
        self.unit_price.get_or_insert_default();
        self.labor_amount.get_or_insert_default();
        self.tax_amount.get_or_insert_default();
        // The amount that is shown is no amount that was sent (MNY-36).
        if before.is_none_or(|before| before.amount != self.amount) {
            self.given_amount = self.amount;
        }
        Ok(())
    }
}

/// What an item comes to, in the terms of its change order (4.1, MNY-40): what was sent, or what it says. The sign of what is taken away
/// is put on last. Whole dollars are rounded from what is exact.
pub fn amount(item: &ChangeOrderItem, rounding: Rounding) -> std::result::Result<Money, Fault> {
    let number = |money: Option<Money>| exact(money.unwrap_or_default().decimal());
    let extra = number(item.labor_amount) + number(item.tax_amount);
    let goods =
        exact(item.quantity.unwrap_or(Quantity::ONE).decimal()) * exact(item.unit_price.unwrap_or_default().decimal());
    let amount = match (item.given_amount, rounding) {
        (Some(given), _) => exact(given.decimal()),
        (None, Rounding::Dollars) => goods + extra,
        (None, Rounding::Cents) => exact(Rounding::Cents.money(&goods)?.decimal()) + extra,
    };
    rounding.money(&if item.change_type == ChangeType::Remove { -amount.abs() } else { amount })
}

/// Brings a change order's sums in line with its items, and these with it.
pub(super) async fn settle(
    order: &mut ChangeOrder,
    id: i64,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<()> {
    let refuse = |fault| FieldErrors::one("amount", fault);
    let rounding = Rounding::of(order.round_sales_amounts);
    let (mut additions, mut deductions) = (Exact::zero(), Exact::zero());
    for item in of_order(id, context.tenant, uow).await? {
        let amount = amount(&item.details, rounding).map_err(refuse)?;
        *if amount.is_negative() { &mut deductions } else { &mut additions } += exact(amount.decimal());
        if item.details.amount != Some(amount) {
            let details = ChangeOrderItem { amount: Some(amount), ..item.details.clone() };
            uow.rows().update(context.tenant, ChangeOrderItem::SHAPE, &Stored { details, ..item }.record()).await?;
        }
    }
    let total = Rounding::Cents.money(&(&additions + &deductions)).map_err(refuse)?;
    (order.total_amount, order.total) = (total, total);
    order.additions = Rounding::Cents.money(&additions).map_err(refuse)?;
    order.deductions = Rounding::Cents.money(&deductions).map_err(refuse)?;
    Ok(())
}

/// The items of a change order, in their order.
pub(super) async fn of_order(
    id: i64,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Vec<Stored<ChangeOrderItem>>, StoreError> {
    let shape = ChangeOrderItem::SHAPE;
    let order = shape.field("order").map_or(0, |(at, _)| at);
    let of_order = Filter::is(shape, "changeOrderId", Value::Integer(id));
    uow.rows().all(tenant, shape, &of_order, order).await?.iter().map(Record::typed).collect()
}

/// Adds, changes or deletes an item of a change order, and brings its sums in line.
pub struct WriteItem {
    /// Which change order.
    pub change_order: i64,
    /// What is done.
    pub change: ItemChange,
}

/// What is done to an item.
pub enum ItemChange {
    /// One is added.
    Add(Draft),
    /// The one with this id is changed.
    Change(i64, Draft),
    /// The one with this id is deleted.
    Delete(i64),
}

#[async_trait]
impl Command<dyn UnitOfWork> for WriteItem {
    /// The item as it is now, or was when it was deleted.
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(ChangeOrderItem::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let (tenant, shape, of) = (context.tenant, ChangeOrderItem::SHAPE, family::<ChangeOrderItem>());
        let mut held = Held::lock(self.change_order, context, uow).await?;
        held.order.editable()?;
        let items = of_order(held.id(), tenant, uow).await?;
        let find = |id: i64| {
            let item = items.iter().find(|item| item.id == id).map(Stored::record);
            item.ok_or(ResourceError::NotFound(shape.one))
        };
        let record = match &self.change {
            ItemChange::Add(draft) => {
                if items.len() >= MOST_ITEMS {
                    let text = format!("There are {MOST_ITEMS} items already, the most. Delete one first.");
                    return Err(ResourceError::Conflict(text).into());
                }
                let mut draft = draft.clone();
                draft.put(shape, "changeOrderId", Value::Integer(held.id()));
                if shape.field("order").and_then(|(at, _)| draft.value(at)).is_none_or(Value::is_null) {
                    let last = items.iter().filter_map(|item| item.details.order).max();
                    draft.put(shape, "order", Value::Integer(last.map_or(0, |last| last + 1)));
                }
                insert(of, &draft, context, uow).await?.0
            }
            ItemChange::Change(id, draft) => update(of, find(*id)?, draft, context, uow).await?.0,
            ItemChange::Delete(id) => {
                find(*id)?;
                Delete { family: of, id: *id }.apply(context, uow).await?.output
            }
        };
        let mut after = held.order.clone();
        settle(&mut after, held.id(), context, uow).await?;
        held.store(after, Told::Updated, context, uow).await?;
        let now = uow.rows().lock(tenant, shape, record.id).await?.unwrap_or(record);
        Ok(Applied::telling(now, held.told))
    }
}
