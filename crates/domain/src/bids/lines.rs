//! The parts of a bid: its lines, the cost items of each, and what the whole job costs besides.

use std::marker::PhantomData;

use async_trait::async_trait;
use num_traits::{One, Zero};

use super::{
    Bid, at_sent,
    steps::Held,
    sums::{self, LineTerms},
};
use crate::{
    clock::Timestamp,
    exact::{Exact, Rounding, exact, rounded},
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{BidId, BidLineItemId, ProductId, TenantId},
    kit_items::KitItem,
    parts::{MOST_PARTS, PartChange, parts_by, parts_of, place, room_for},
    products::Product,
    resource::{
        Delete, Draft, Filter, Fixed, Money, Percent, Quantity, Record, Referable, Resource, ResourceError, Rules,
        Saving, Sent, Stored, Told, Value, family, insert, ports::Sum, update,
    },
    scopes::ScopeSet,
    selling::SalesTaxBase,
    signature_requests::{self, SignedType},
    store::{StoreError, UnitOfWork},
    text::Text,
    words,
};

/// What a unit of a line costs, exactly: a sum of products of quantities, prices and percents.
pub type Figure = Fixed<16, 12>;

/// A line of a bid: so many units of something at a price.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "bid line item", shows("sublines"), asks, read(BidsRead), write(BidsWrite), delete(BidsWrite))]
pub struct BidLineItem {
    /// The bid.
    #[field(ignored, refers = Bid)]
    pub bid_id: BidId,
    /// The product that it was made from. Its sales tax is copied, and its price unless one is sent.
    #[field(minor, refers = Product)]
    pub product_id: Option<ProductId>,
    /// Its mark on the plans.
    #[field(minor, most = 100, example = "M-01")]
    pub mark_name: Option<Text>,
    /// What it is.
    #[field(example = "Curb adapter, installed")]
    pub description: Text,
    /// How many units. `null` is 1.
    #[field(default = 1.00, example = "4.00")]
    pub quantity: Option<Quantity>,
    /// The price of a unit before margin, overhead and commission. With cost items: what these cost, of a unit.
    #[field(signed, default = 0.00, example = "1250.00")]
    pub unit_price: Quantity,
    /// What the customer pays for the line, before discount and tax.
    #[field(ignored, signed, default = 0.00)]
    pub total: Money,
    /// The same.
    #[field(minor, ignored, signed, default = 0.00)]
    pub sell_total: Money,
    /// What the customer pays for a unit. The total counts: this is rounded.
    #[field(minor, ignored, signed, default = 0.00)]
    pub sell_unit_price: Quantity,
    /// The quantity times the unit price, before margin, overhead and commission.
    #[field(minor, ignored, signed, default = 0.00)]
    pub raw_total: Money,
    /// The sales tax, in percent: that of the product.
    #[field(minor, read_only = "It is that of the product.")]
    pub sell_tax_percent: Option<Percent>,
    /// The unit price as it was written. It counts when there are no cost items.
    #[field(minor, ignored, signed, default = 0.00)]
    pub written_unit_price: Quantity,
    /// What the cost items of a unit cost, exactly. `null` without cost items.
    #[field(minor, ignored)]
    pub unit_cost: Option<Figure>,
    /// That cost, of each cost item times its percents of purchase tax.
    #[field(minor, ignored)]
    pub unit_buy_tax: Option<Figure>,
    /// That cost, of each cost item times its percents of sales tax.
    #[field(minor, ignored)]
    pub unit_sell_tax: Option<Figure>,
    /// Width.
    #[field(minor)]
    pub width: Option<Quantity>,
    /// Height.
    #[field(minor)]
    pub height: Option<Quantity>,
    /// Depth.
    #[field(minor)]
    pub depth: Option<Quantity>,
    /// Area.
    #[field(minor)]
    pub area: Option<Quantity>,
    /// Perimeter, in linear feet.
    #[field(minor)]
    pub perimeter_lf: Option<Quantity>,
    /// Volume, in cubic feet.
    #[field(minor)]
    pub volume_cf: Option<Quantity>,
    /// Where it stands: lines are shown by this number. Unless it is sent, behind all others.
    #[field(minor, least = -2_147_483_648, most = 2_147_483_647)]
    pub order: Option<i64>,
    /// Always `null`, and ignored in requests: deleted lines are not found.
    #[field(minor)]
    pub deleted_at: Option<Timestamp>,
}

words! {
    /// What a cost item is.
    pub enum CostItemType {
        /// Something that is bought.
        Material = "material",
        /// Work.
        Labor = "labor",
        /// Anything else.
        Other = "other",
    }
}

/// What one unit of a line is made of.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "bid cost item", asks, read(BidsRead), write(BidsWrite), delete(BidsWrite))]
pub struct CostItem {
    /// The bid.
    #[field(ignored, refers = Bid)]
    pub bid_id: BidId,
    /// The line.
    #[field(ignored, refers = BidLineItem)]
    pub line_item_id: BidLineItemId,
    /// What kind of cost it is.
    #[field(name = "type", column = "type", default = "material", example = "labor")]
    pub kind: CostItemType,
    /// What it is. Unless it is sent, that of the product.
    #[field(example = "Fitter")]
    pub description: Option<Text>,
    /// The product that it is. What is not sent is copied from it.
    #[field(refers = Product)]
    pub product_id: Option<ProductId>,
    /// How much of it one unit of the line takes.
    #[field(default = 1.00, example = "3.5")]
    pub quantity: Quantity,
    /// What one costs.
    #[field(default = 0.00, example = "85.00")]
    pub unit_cost: Quantity,
    /// The tax on buying it, in percent.
    #[field(most = 100)]
    pub buy_tax_percent: Option<Percent>,
    /// The tax on selling it, in percent.
    #[field(most = 100)]
    pub sell_tax_percent: Option<Percent>,
    /// Where it stands: cost items are shown by this number. Unless it is sent, behind all others.
    #[field(least = -2_147_483_648, most = 2_147_483_647)]
    pub order: Option<i64>,
}

/// What a whole job costs besides its lines. It is spread over them by their quantities.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "bid project cost", asks, read(BidsRead), write(BidsWrite), delete(BidsWrite))]
pub struct ProjectCost {
    /// The bid.
    #[field(ignored, refers = Bid)]
    pub bid_id: BidId,
    /// What it is. Unless it is sent, that of the product.
    #[field(example = "Crane")]
    pub description: Option<Text>,
    /// The product that it is. What is not sent is copied from it.
    #[field(refers = Product)]
    pub product_id: Option<ProductId>,
    /// What all of it costs.
    #[field(default = 0.00, example = "850.00")]
    pub rate: Quantity,
    /// What it adds to each unit of each line.
    #[field(ignored, default = 0.00)]
    pub per_unit: Quantity,
    /// Where it stands: project costs are shown by this number. Unless it is sent, behind all others.
    #[field(least = -2_147_483_648, most = 2_147_483_647)]
    pub order: Option<i64>,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl Rules for BidLineItem {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        let before = saving.before.map(|before| &before.details);
        self.quantity = Some(self.quantity());
        self.deleted_at = None;
        let named = before.is_none_or(|before| before.product_id != self.product_id);
        let product = if named { product(self.product_id, saving.context.tenant, saving.uow).await? } else { None };
        if named {
            self.sell_tax_percent = product.as_ref().and_then(|product| product.sell_tax_percent);
        }
        if let Some(product) = product.filter(|_| before.is_none() && !saving.sets("unitPrice")) {
            let bid = saving.uow.rows().lock(saving.context.tenant, Bid::SHAPE, self.bid_id.get()).await?;
            let loaded = bid.map(|bid| bid.typed::<Bid>()).transpose()?.is_some_and(|bid| bid.details.is_loaded());
            self.unit_price = starting_price(&product, loaded);
        }
        if before.is_none_or(|before| before.unit_price != self.unit_price) {
            self.written_unit_price = self.unit_price;
        }
        Ok(self.show_unit_price().map_err(|fault| FieldErrors::one("unitPrice", fault))?)
    }
}

#[async_trait]
impl Rules for CostItem {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        if saving.before.is_some() {
            return Ok(());
        }
        let Some(product) = product(self.product_id, saving.context.tenant, saving.uow).await? else { return Ok(()) };
        if !saving.sets("type") {
            self.kind = CostItemType::of(&product.kind);
        }
        if !saving.sets("description") {
            self.description = Text::parse(product.name.to_string()).ok();
        }
        if !saving.sets("unitCost") {
            self.unit_cost = product.cost_price.unwrap_or_default();
        }
        if !saving.sets("buyTaxPercent") {
            self.buy_tax_percent = product.buy_tax_percent;
        }
        if !saving.sets("sellTaxPercent") {
            self.sell_tax_percent = product.sell_tax_percent;
        }
        Ok(())
    }
}

#[async_trait]
impl Rules for ProjectCost {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        if saving.before.is_some() {
            return Ok(());
        }
        let Some(product) = product(self.product_id, saving.context.tenant, saving.uow).await? else { return Ok(()) };
        if !saving.sets("description") {
            self.description = Text::parse(product.name.to_string()).ok();
        }
        if !saving.sets("rate") {
            self.rate = product.cost_price.unwrap_or_default();
        }
        Ok(())
    }
}

/// The unit price of a line that is made from a product (MNY-22): it neither sells at cost, nor loads what is loaded.
fn starting_price(product: &Product, loaded: bool) -> Quantity {
    let price = if loaded { product.cost_price } else { product.sell_price };
    price.unwrap_or_default()
}

impl CostItemType {
    /// The type of a cost item that is a product of this type (MNY-48).
    fn of(product: &str) -> Self {
        product.parse().unwrap_or(Self::Other)
    }
}

/// The product of this id, which is pinned or was named before.
async fn product(
    id: Option<ProductId>,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Option<Product>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    let found = uow.rows().even_deleted(tenant, Product::SHAPE, &[id.get()]).await?;
    Ok(found.first().map(Record::typed::<Product>).transpose()?.map(|product| product.details))
}

impl BidLineItem {
    /// How many units.
    pub(super) fn quantity(&self) -> Quantity {
        self.quantity.unwrap_or(ONE)
    }

    /// With cost items, the unit price shows what they cost (MNY-38).
    fn show_unit_price(&mut self) -> std::result::Result<(), Fault> {
        self.unit_price = match self.unit_cost {
            None => self.written_unit_price,
            Some(cost) => rounded(&exact(cost.decimal()))?,
        };
        Ok(())
    }

    /// Takes what a unit costs from these cost items.
    fn cost(&mut self, items: &[Stored<CostItem>]) -> std::result::Result<(), Fault> {
        let [cost, buy_tax, sell_tax] = sums::unit_figures(items.iter().map(|item| &item.details));
        let figure = |figure: &Exact| if items.is_empty() { Ok(None) } else { rounded(figure).map(Some) };
        (self.unit_cost, self.unit_buy_tax, self.unit_sell_tax) =
            (figure(&cost)?, figure(&buy_tax)?, figure(&sell_tax)?);
        self.show_unit_price()
    }

    /// Takes this selling price.
    pub(super) fn price(&mut self, total: Money) -> std::result::Result<(), Fault> {
        (self.total, self.sell_total) = (total, total);
        self.sell_unit_price = sums::unit_price(total, self.quantity())?;
        self.raw_total = sums::raw_total(self)?;
        Ok(())
    }
}

/// One unit.
pub(super) const ONE: Quantity = Quantity::ONE;

/// The live rows of a family that belong to a bid, in their order.
pub(crate) async fn of_bid<R: Resource>(
    bid: i64,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Vec<Stored<R>>, StoreError> {
    parts_of("bidId", bid, tenant, uow).await
}

/// Whether these parts are lines.
fn is_lines<P: BidPart>() -> bool {
    P::SHAPE.table == BidLineItem::SHAPE.table
}

/// The place of the field that says where parts stand.
fn order<P: BidPart>() -> usize {
    P::SHAPE.field("order").map_or(0, |(at, _)| at)
}

/// A part of a bid: a line, a cost item or a project cost.
pub trait BidPart: Rules {
    /// The field that names what it is a part of.
    const OF: &'static str = "bidId";

    /// Where it stands.
    fn order(&self) -> Option<i64>;

    /// Brings the bid's lines in line with the parts: `of` is what these are parts of.
    fn settle(parts: &[Stored<Self>], of: i64, lines: &mut Vec<Stored<BidLineItem>>) -> std::result::Result<(), Fault>;
}

impl BidPart for BidLineItem {
    fn order(&self) -> Option<i64> {
        self.order
    }

    fn settle(parts: &[Stored<Self>], _: i64, lines: &mut Vec<Stored<Self>>) -> std::result::Result<(), Fault> {
        *lines = parts.to_vec();
        Ok(())
    }
}

impl BidPart for CostItem {
    const OF: &'static str = "lineItemId";

    fn order(&self) -> Option<i64> {
        self.order
    }

    fn settle(parts: &[Stored<Self>], of: i64, lines: &mut Vec<Stored<BidLineItem>>) -> std::result::Result<(), Fault> {
        lines.iter_mut().find(|line| line.id == of).map_or(Ok(()), |line| line.details.cost(parts))
    }
}

impl BidPart for ProjectCost {
    fn order(&self) -> Option<i64> {
        self.order
    }

    fn settle(_: &[Stored<Self>], _: i64, _: &mut Vec<Stored<BidLineItem>>) -> std::result::Result<(), Fault> {
        Ok(())
    }
}

/// Adds, changes or deletes a part of a bid, and brings the bid's sums in line with it. Others are told that the bid was updated, if its
/// sums were.
pub struct WriteBidPart<P> {
    bid: i64,
    /// The line, of a cost item.
    line: Option<i64>,
    change: PartChange,
    part: PhantomData<fn() -> P>,
}

impl<P: BidPart> WriteBidPart<P> {
    /// Does this to a part of a bid, or of one of its lines.
    pub fn new(bid: i64, line: Option<i64>, change: PartChange) -> Self {
        Self { bid, line, change, part: PhantomData }
    }
}

#[async_trait]
impl<P: BidPart> Command<dyn UnitOfWork> for WriteBidPart<P> {
    /// The part as it is now, or was when it was deleted.
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(P::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let mut open = Open::<P>::of(self.bid, self.line, context, uow).await?;
        let (id, sent) = match &self.change {
            PartChange::Add(draft) => (open.add(draft, context, uow).await?, draft.sent()),
            PartChange::Change(id, draft) => {
                let before = open.find(*id, context.tenant, uow).await?;
                let (record, _) = update(family::<P>(), before, draft, context, uow).await?;
                let changed = record.typed()?;
                open.parts.iter_mut().filter(|part| part.id == *id).for_each(|part| *part = changed.clone());
                (*id, draft.sent())
            }
            PartChange::Delete(id) => {
                let deleted = open.find(*id, context.tenant, uow).await?;
                open.delete(*id, context, uow).await?;
                let told = open.settle(Sent::default(), context, uow).await?;
                return Ok(Applied::telling(deleted, told));
            }
        };
        let told = open.settle(sent, context, uow).await?;
        let record = uow.rows().lock(context.tenant, P::SHAPE, id).await?;
        Ok(Applied::telling(record.ok_or(ResourceError::NotFound(P::SHAPE.one))?, told))
    }
}

/// A bid that is locked while its parts of one family change.
struct Open<P> {
    bid: Held,
    /// What the parts belong to: the bid, or one of its lines.
    of: i64,
    line: Option<i64>,
    /// The parts: all of them, or those that change where the others do not matter.
    parts: Vec<Stored<P>>,
    /// Whether these are lines whose prices do not depend on each other: as many as there are, and the greatest of their orders.
    apart: Option<(usize, Option<i64>)>,
}

impl<P: BidPart> Open<P> {
    async fn of(bid: i64, line: Option<i64>, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Self> {
        let tenant = context.tenant;
        let bid = Held::lock(bid, context, uow).await?;
        bid.bid.editable()?;
        if let Some(line) = line {
            let found = uow.rows().lock(tenant, BidLineItem::SHAPE, line).await?;
            let found = found.map(|line| line.typed::<BidLineItem>()).transpose()?;
            found
                .filter(|line| line.details.bid_id.get() == bid.id())
                .ok_or(ResourceError::NotFound(BidLineItem::SHAPE.one))?;
        }
        let of = line.unwrap_or(bid.id());
        let mut open = Self { bid, of, line, parts: Vec::new(), apart: None };
        if open.prices_lines_apart(tenant, uow).await? {
            let of_bid = Filter::is(P::SHAPE, P::OF, Value::Integer(of));
            let count = uow.rows().count(tenant, P::SHAPE, &of_bid).await?;
            let last = uow.rows().last(tenant, P::SHAPE, &of_bid, order::<P>()).await?;
            let last = last.map(|last| last.typed::<P>()).transpose()?.and_then(|last| last.details.order());
            open.apart = Some((usize::try_from(count).unwrap_or(usize::MAX), last));
        } else {
            open.parts = parts_of(P::OF, of, tenant, uow).await?;
        }
        Ok(open)
    }

    /// Whether a line's price depends on that line alone, and the tax on sums of lines: without project costs, which are spread over all,
    /// and on selling prices. Then a line is written without reading the others, however many there are.
    async fn prices_lines_apart(&self, tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<bool> {
        if !is_lines::<P>() || self.bid.bid.sales_tax_base != SalesTaxBase::Price {
            return Ok(false);
        }
        let of_bid = Filter::is(ProjectCost::SHAPE, ProjectCost::OF, Value::Integer(self.bid.id()));
        Ok(uow.rows().count(tenant, ProjectCost::SHAPE, &of_bid).await? == 0)
    }

    async fn find(&mut self, id: i64, tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Record> {
        if self.apart.is_some() {
            let found = uow.rows().lock(tenant, P::SHAPE, id).await?;
            let at = P::SHAPE.places(&[P::OF]);
            let of = |part: &Record| at.iter().any(|at| part.values.get(*at) == Some(&Value::Integer(self.of)));
            self.parts.extend(found.filter(of).map(|part| part.typed()).transpose()?);
        }
        let part = self.parts.iter().find(|part| part.id == id);
        Ok(part.ok_or(ResourceError::NotFound(P::SHAPE.one))?.record())
    }

    async fn add(&mut self, draft: &Draft, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<i64> {
        let shape = P::SHAPE;
        let all = || (self.parts.len(), self.parts.iter().filter_map(|part| part.details.order()).max());
        let (count, last) = self.apart.unwrap_or_else(all);
        room_for(shape, count)?;
        let mut draft = draft.clone();
        draft.put(shape, "bidId", Value::Integer(self.bid.id()));
        if let Some(line) = self.line {
            draft.put(shape, "lineItemId", Value::Integer(line));
        }
        place(shape, &mut draft, last);
        let (record, _) = insert(family::<P>(), &draft, context, uow).await?;
        let part = record.typed::<P>()?;
        let id = part.id;
        self.parts.push(part);
        Ok(id)
    }

    async fn delete(&mut self, id: i64, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<()> {
        Delete { family: family::<P>(), id }.apply(context, uow).await?;
        if is_lines::<P>() {
            for item in parts_of::<CostItem>(CostItem::OF, id, context.tenant, uow).await? {
                Delete { family: family::<CostItem>(), id: item.id }.apply(context, uow).await?;
            }
        }
        self.parts.retain(|part| part.id != id);
        Ok(())
    }

    /// Brings lines and bid in line with the parts. What is beyond all amounts is refused at the fields that were sent.
    async fn settle(
        mut self,
        sent: Sent,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<crate::events::Event>> {
        let refuse = |fault: Fault| {
            let mut errors = FieldErrors::new();
            let all: Vec<_> = P::SHAPE.fields.iter().map(|field| field.name).collect();
            at_sent(P::SHAPE, sent, &all, &mut errors, || fault.clone());
            Failure::from(errors)
        };
        let mut after = self.bid.bid.clone();
        if self.apart.is_some() {
            self.settle_apart(&mut after, context, uow).await?.map_err(refuse)?;
        } else {
            let id = self.bid.id();
            let mut lines =
                if is_lines::<P>() { Vec::new() } else { of_bid::<BidLineItem>(id, context.tenant, uow).await? };
            let before = lines.clone();
            P::settle(&self.parts, self.of, &mut lines).map_err(refuse)?;
            for (line, _) in lines.iter().zip(&before).filter(|(line, before)| line != before) {
                uow.rows().update(context.tenant, BidLineItem::SHAPE, &line.record()).await?;
            }
            after.settle_with(id, &lines, context, uow).await?.map_err(refuse)?;
        }
        self.bid.store(after, Told::Updated, context, uow).await?;
        // A line may say something else though nothing comes to another sum.
        signature_requests::changed((SignedType::Bid, self.bid.id()), context, uow).await?;
        Ok(self.bid.told)
    }

    /// Prices the lines that changed, and sums up the bid from sums of its lines.
    async fn settle_apart(
        &self,
        bid: &mut Bid,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<std::result::Result<(), Fault>> {
        let (tenant, shape, terms) = (context.tenant, BidLineItem::SHAPE, bid.terms(Exact::zero()));
        for line in &self.parts {
            let before = line.record();
            let mut line = before.typed::<BidLineItem>()?;
            let priced = sums::selling_price(&LineTerms::of(&line.details), &terms, &Exact::zero());
            if let Err(fault) = priced.and_then(|price| line.details.price(price)) {
                return Ok(Err(fault));
            }
            let after = line.record();
            if after != before {
                uow.rows().update(tenant, shape, &after).await?;
            }
        }
        let of_bid = Filter::is(shape, "bidId", Value::Integer(self.bid.id()));
        let by = shape.places(&["sellTaxPercent", "unitCost", "unitSellTax"]);
        let groups = uow.rows().sums(tenant, shape, &of_bid, &by, &shape.places(&["total"])).await?;
        let total = |group: &Sum| exact(group.sums.first().copied().unwrap_or_default());
        let taxed = groups.iter().map(|group| {
            let figure = |at: usize| group.groups.get(at).and_then(Value::as_decimal);
            (total(group), sums::SellTax::of(figure(0), figure(1), figure(2)))
        });
        let subtotal = Rounding::Cents.money(&groups.iter().map(total).sum());
        Ok(subtotal
            .and_then(|subtotal| sums::total(&terms, subtotal, taxed, Exact::zero))
            .map(|sums| bid.take_sums(&sums)))
    }
}

/// Which kit becomes cost items.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "kit import")]
pub struct KitImport {
    /// The kit. Unless it is sent, the product of the line.
    #[field(refers = Product)]
    pub product_id: Option<ProductId>,
}

/// Adds what is in a kit to the cost items of a line: kits inside are opened, quantities multiply down, prices and taxes are copied.
pub struct ImportKit {
    /// Which bid.
    pub bid: i64,
    /// Which of its lines.
    pub line: i64,
    /// Which kit.
    pub import: KitImport,
}

/// What is left to do of a kit.
enum Opening {
    /// Opens so many of a kit, which is imported as this part if nothing in it has a price (MNY-37).
    Kit(i64, Exact, Option<Box<CostItem>>),
    /// Adds a part.
    Part(Box<CostItem>),
}

#[async_trait]
impl Command<dyn UnitOfWork> for ImportKit {
    /// The new cost items.
    type Output = Vec<Record>;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(CostItem::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Vec<Record>>> {
        let mut open = Open::<CostItem>::of(self.bid, Some(self.line), context, uow).await?;
        let refuse = |code, message: &str| FieldErrors::one("productId", Fault::new(code, message));
        let of_line = async |uow: &mut dyn UnitOfWork| -> Result<Option<ProductId>> {
            let line = uow.rows().lock(context.tenant, BidLineItem::SHAPE, self.line).await?;
            Ok(line.map(|line| line.typed::<BidLineItem>()).transpose()?.and_then(|line| line.details.product_id))
        };
        let kit = match self.import.product_id {
            Some(kit) => kit,
            None => of_line(uow).await?.ok_or_else(|| refuse("required", "The line has no product. Name a kit."))?,
        };
        if !uow.rows().pin(context.tenant, Product::REFERENCE, kit.get()).await? {
            return Err(refuse("not_found", "There is no product with this id.").into());
        }
        let parts = open.parts_of_kit(kit, context.tenant, uow).await?;
        if parts.is_empty() {
            return Err(refuse("invalid_value", "This product is no kit, or nothing is in it.").into());
        }
        let mut ids = Vec::new();
        for part in parts {
            ids.push(open.add(&Draft::copy_of(&part), context, uow).await?);
        }
        let added = open.parts.iter().filter(|part| ids.contains(&part.id)).map(Stored::record).collect();
        let told = open.settle(Sent::default(), context, uow).await?;
        Ok(Applied::telling(added, told))
    }
}

impl Open<CostItem> {
    /// What is in a kit, part by part, in its order.
    async fn parts_of_kit(&self, kit: ProductId, tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Vec<CostItem>> {
        let (mut parts, mut left) = (Vec::new(), vec![Opening::Kit(kit.get(), Exact::one(), None)]);
        while let Some(next) = left.pop() {
            let (kit, of_it, instead) = match next {
                Opening::Part(part) => {
                    parts.push(*part);
                    continue;
                }
                Opening::Kit(kit, of_it, instead) => (kit, of_it, instead),
            };
            let mut inside = Vec::new();
            let mut priced = false;
            for item in parts_by::<KitItem>("sortOrder", "kitProductId", kit, tenant, uow).await? {
                let item = item.details;
                let Some(product) = product(Some(item.component_product_id), tenant, uow).await? else { continue };
                priced |= item.override_cost_price.or(product.cost_price).is_some();
                let of_part = &of_it * exact(item.default_quantity.decimal());
                let part = Box::new(self.part(&item, &product, &of_part)?);
                let opens = product.is_kit && item.override_cost_price.is_none();
                inside.push(if opens {
                    Opening::Kit(item.component_product_id.get(), of_part, Some(part))
                } else {
                    Opening::Part(part)
                });
            }
            match instead {
                Some(part) if !priced => left.push(Opening::Part(part)),
                _ => left.extend(inside.into_iter().rev()),
            }
            if parts.len() + left.len() > MOST_PARTS {
                let text = format!("This kit has more than {MOST_PARTS} parts, the most of a line.");
                return Err(ResourceError::Conflict(text).into());
            }
        }
        Ok(parts)
    }

    fn part(&self, item: &KitItem, product: &Product, quantity: &Exact) -> Result<CostItem> {
        let bid_id = BidId::new(self.bid.id());
        let line_item_id = self.line.and_then(BidLineItemId::new);
        let (Some(bid_id), Some(line_item_id)) = (bid_id, line_item_id) else {
            return Err(ResourceError::NotFound(BidLineItem::SHAPE.one).into());
        };
        Ok(CostItem {
            bid_id,
            line_item_id,
            kind: CostItemType::of(&product.kind),
            description: Text::parse(product.name.to_string()).ok(),
            product_id: Some(item.component_product_id),
            quantity: rounded(quantity).map_err(|fault| FieldErrors::one("productId", fault))?,
            unit_cost: item.override_cost_price.or(product.cost_price).unwrap_or_default(),
            buy_tax_percent: product.buy_tax_percent,
            sell_tax_percent: product.sell_tax_percent,
            order: None,
        })
    }
}
