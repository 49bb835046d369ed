//! The schedule of values: the lines of a pay application.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    PayApp,
    chain::Chain,
    sums::{Columns, Share},
};
use crate::{
    bids::BidLineItem,
    events::Event,
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{BidLineItemId, ChangeOrderId, PayAppId, SovLineId, TenantId},
    parts::{Part, PartChange, parts_of},
    resource::{
        Condition, Draft, Filter, Money, Record, Resource, ResourceError, Rules, Saving, Stored, Told, Value, store,
    },
    store::{StoreError, UnitOfWork},
    text::Text,
    words,
};

words! {
    /// Where a line came from.
    pub enum LineOrigin {
        /// It was written by hand.
        Manual = "manual",
        /// A line of the accepted bid.
        BidLine = "bid_line",
        /// The sales tax of the accepted bid.
        SalesTax = "sales_tax",
        /// The whole contract, where there is no accepted bid.
        Contract = "contract",
        /// An approved change order.
        ChangeOrder = "change_order",
    }
}

/// A line of the schedule of values.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(
    one = "schedule of values line",
    table = "pay_app_lines",
    asks,
    read(PayAppsRead),
    write(PayAppsWrite),
    delete(PayAppsWrite)
)]
pub struct SovLine {
    /// The pay application.
    #[field(ignored, refers = PayApp)]
    pub pay_app_id: PayAppId,
    /// What the schedule calls it.
    #[field(most = 50, example = "2")]
    pub item_number: Option<Text>,
    /// What it is.
    #[field(least = 1, example = "Rough-in")]
    pub description: Text,
    /// C: what all of it is worth. Less than nothing for what is taken off.
    #[field(text, signed, default = 0.00, example = "42000.00")]
    pub scheduled_value: Money,
    /// D: what was billed before. It can be sent on the first application of a project: work that was billed elsewhere.
    #[field(text, signed, default = 0.00)]
    pub previous_billed: Money,
    /// E: what is billed of this period.
    #[field(text, signed, default = 0.00, example = "8400.00")]
    pub current_billed: Money,
    /// F: what lies stored on the site.
    #[field(text, signed, default = 0.00)]
    pub materials_stored: Money,
    /// G: completed and stored to date.
    #[field(ignored, signed, default = 0.00)]
    pub total_to_date: Money,
    /// What is left of it.
    #[field(ignored, signed, default = 0.00)]
    pub balance: Money,
    /// G of C, in percent.
    #[field(ignored, signed, default = 0.00)]
    pub percent_complete: Share,
    /// The line of the bid that it is.
    #[field(refers = BidLineItem)]
    pub bid_line_item_id: Option<BidLineItemId>,
    /// The change order that it is.
    #[field(read_only = "An approved change order brings its line.")]
    pub change_order_id: Option<ChangeOrderId>,
    /// Where it came from.
    #[field(read_only = "It says where the line came from.", default = "manual")]
    pub origin: LineOrigin,
    /// The line of an earlier application that it goes on from.
    #[field(read_only = "It says which line this one goes on from.")]
    pub first_line_id: Option<SovLineId>,
    /// What was sent as billed before, on the first application of a project.
    #[field(ignored, signed, default = 0.00)]
    pub opening_billed: Money,
    /// Where it stands: lines are shown by this number. Unless it is sent, behind all others.
    #[field(automatic, renewed, least = -2_147_483_648, most = 2_147_483_647)]
    pub order: Option<i64>,
}

/// What makes a line the same one along the chain of a project's applications (MNY-41).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Identity {
    ChangeOrder(i64),
    BidLine(i64),
    SalesTax,
    Contract,
    First(i64),
}

impl SovLine {
    /// Which line it is, of which this is the id here.
    pub(super) fn identity(&self, id: i64) -> Identity {
        match (self.change_order_id, self.bid_line_item_id, self.origin) {
            (Some(change_order), ..) => Identity::ChangeOrder(change_order.get()),
            (None, Some(line), _) => Identity::BidLine(line.get()),
            (None, None, LineOrigin::SalesTax) => Identity::SalesTax,
            (None, None, LineOrigin::Contract) => Identity::Contract,
            (None, None, _) => Identity::First(self.first_line_id.map_or(id, SovLineId::get)),
        }
    }

    /// Its columns.
    pub(super) const fn columns(&self) -> Columns {
        Columns {
            scheduled: self.scheduled_value,
            previous: self.previous_billed,
            current: self.current_billed,
            stored: self.materials_stored,
        }
    }

    /// Whether nothing is billed on it.
    pub(super) const fn is_empty(&self) -> bool {
        self.previous_billed.is_zero() && self.current_billed.is_zero() && self.materials_stored.is_zero()
    }

    /// Works out what follows from its columns.
    pub(super) fn settle(&mut self) -> std::result::Result<(), Fault> {
        let columns = self.columns();
        self.total_to_date = Money::rounded(columns.total())?;
        self.balance = Money::rounded(columns.balance())?;
        self.percent_complete = columns.percent()?;
        Ok(())
    }

    /// Whether G and F lie between nothing and C.
    pub(super) fn check(&self) -> std::result::Result<(), Fault> {
        let columns = self.columns();
        columns.holds(columns.total())?;
        columns.holds(columns.stored.decimal())
    }
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// The fields that move a line, in the order in which they are blamed.
const MOVING: [&str; 4] = ["currentBilled", "materialsStored", "previousBilled", "scheduledValue"];

#[async_trait]
impl Rules for SovLine {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        if self.order.is_none() {
            self.order = saving.before.and_then(|before| before.details.order);
        }
        if saving.before.is_none() && self.bid_line_item_id.is_some() && self.origin == LineOrigin::Manual {
            self.origin = LineOrigin::BidLine;
        }
        let blamed = || {
            let sent = MOVING.into_iter().find(|name| saving.sets(name));
            sent.unwrap_or("scheduledValue")
        };
        let moved = saving.before.is_none_or(|before| before.details.columns() != self.columns());
        if moved {
            self.check().map_err(|fault| FieldErrors::one(blamed(), fault))?;
        }
        Ok(self.settle().map_err(|fault| FieldErrors::one(blamed(), fault))?)
    }
}

/// The live lines of a pay application, in their order.
pub(super) async fn of(
    pay_app: i64,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Vec<Stored<SovLine>>, StoreError> {
    parts_of(SovLine::OF, pay_app, tenant, uow).await
}

/// The live lines of these pay applications, by the id of each, in their order.
pub(super) async fn of_all(
    pay_apps: &[i64],
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<BTreeMap<i64, Vec<Stored<SovLine>>>, StoreError> {
    let shape = SovLine::SHAPE;
    let at = |name| shape.field(name).map_or(0, |(at, _)| at);
    let mut filter = Filter::all();
    filter.add(Condition::Among(at("payAppId"), pay_apps.to_vec()));
    let mut lines: BTreeMap<i64, Vec<Stored<SovLine>>> = BTreeMap::new();
    for record in uow.rows().all(tenant, shape, &filter, at("order")).await? {
        let line = record.typed::<SovLine>()?;
        lines.entry(line.details.pay_app_id.get()).or_default().push(line);
    }
    Ok(lines)
}

/// A pay application that is locked while its lines change, and its chain.
pub struct LockedPayApp {
    record: Record,
    app: PayApp,
    chain: Chain,
}

#[async_trait]
impl Part for SovLine {
    type Document = LockedPayApp;
    const OF: &'static str = "payAppId";

    fn order(&self) -> Option<i64> {
        self.order
    }

    async fn lock(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<LockedPayApp> {
        let record = Chain::lock(id, context, uow).await?;
        let app = record.typed::<PayApp>()?.details;
        app.editable()?;
        let chain = Chain::load(app.project_id, context.tenant, uow).await?;
        Ok(LockedPayApp { record, app, chain })
    }

    fn prepare(draft: &mut Draft, before: Option<&Self>, held: &LockedPayApp) -> std::result::Result<(), FieldErrors> {
        let billed = before.map_or(Money::ZERO, |before| before.previous_billed);
        opening(draft, billed, held.chain.is_first(held.app.application_no))
    }

    fn deletable(&self) -> std::result::Result<(), ResourceError> {
        if self.previous_billed.is_zero() {
            return Ok(());
        }
        let text = "Work was billed on this line before: set its scheduled value to that instead.";
        Err(ResourceError::Conflict(text.to_owned()))
    }

    async fn settle(
        held: LockedPayApp,
        _: &PartChange,
        _: &mut Record,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>> {
        let LockedPayApp { record, app: mut after, mut chain } = held;
        let earlier = chain.before(after.application_no).map(|earlier| earlier.app.for_next());
        let lines = of(record.id, context.tenant, uow).await?;
        after.settle(&lines, earlier).map_err(|fault| FieldErrors::one("currentBilled", fault))?;
        let (_, mut told) = store(&record, &after, Told::Updated, context, uow).await?;
        told.extend(chain.follow(after.application_no, context, uow).await?);
        Ok(told)
    }
}

/// What was billed before can be sent on a project's first application alone: it is the opening value then.
fn opening(draft: &mut Draft, before: Money, is_first: bool) -> std::result::Result<(), FieldErrors> {
    let shape = SovLine::SHAPE;
    let sent = shape.field("previousBilled").and_then(|(at, _)| draft.value(at)?.as_decimal());
    let Some(sent) = sent.filter(|sent| *sent != before.decimal()) else { return Ok(()) };
    if is_first {
        draft.put(shape, "openingBilled", Value::Decimal(sent));
        return Ok(());
    }
    let message = "Has another value, and cannot be set here. It follows the application before.";
    Err(FieldErrors::one("previousBilled", Fault::new("read_only", message)))
}
