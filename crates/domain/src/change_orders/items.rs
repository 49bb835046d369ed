//! The items of a change order, and what they come to.

use async_trait::async_trait;
use num_traits::{Signed, Zero};

use super::{ChangeOrder, steps::LockedChangeOrder};
use crate::{
    bids::BidLineItem,
    events::Event,
    exact::{Exact, Rounding, exact},
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{BidLineItemId, ChangeOrderId},
    parts::{Part, PartChange, parts_of},
    resource::{Money, Quantity, Record, Resource, ResourceError, Rules, Saving, Stored, Told},
    store::UnitOfWork,
    text::Text,
    words,
};

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
    for item in parts_of::<ChangeOrderItem>(ChangeOrderItem::OF, id, context.tenant, uow).await? {
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

#[async_trait]
impl Part for ChangeOrderItem {
    type Document = LockedChangeOrder;
    const OF: &'static str = "changeOrderId";

    fn order(&self) -> Option<i64> {
        self.order
    }

    async fn lock(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<LockedChangeOrder> {
        let held = LockedChangeOrder::lock(id, context, uow).await?;
        held.order.editable()?;
        Ok(held)
    }

    async fn settle(
        mut held: LockedChangeOrder,
        _: &PartChange,
        item: &mut Record,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>> {
        let mut after = held.order.clone();
        settle(&mut after, held.id(), context, uow).await?;
        held.store(after, Told::Updated, context, uow).await?;
        if let Some(now) = uow.rows().lock(context.tenant, Self::SHAPE, item.id).await? {
            *item = now;
        }
        Ok(held.told)
    }
}
