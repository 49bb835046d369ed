//! Kit items: what kits have of other products, and what kits cost by that.
//!
//! A kit's prices are those of its components (MNY-17, MNY-37). They are stored with the kit, so that lists, events and files show them
//! as they show other prices. Whatever changes them is done in turn, tenant by tenant, and settles the kits above.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::{
    events::Event,
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{ProductId, TenantId},
    products::Product,
    resource::{
        Condition, Decimal, Delete, Draft, Filter, Quantity, Record, Resource, ResourceError, Rules, Saving, Stored,
        Told, Value, changed, event, family, insert, store, update,
    },
    scopes::ScopeSet,
    store::{StoreError, UnitOfWork},
};

/// A component of a kit.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "kit item", asks, read(ProductsRead), write(ProductsWrite), delete(ProductsWrite))]
pub struct KitItem {
    /// The kit.
    #[field(refers = Product, ignored)]
    pub kit_product_id: ProductId,
    /// What the kit has of it: another product, which may be a kit too.
    #[field(refers = Product)]
    pub component_product_id: ProductId,
    /// How many of it are in one kit.
    #[field(default = 1.00, least = 0.0001, example = "2.50")]
    pub default_quantity: Quantity,
    /// What one costs in this kit. `null`: what it costs by itself.
    #[field(example = "9.75")]
    pub override_cost_price: Option<Quantity>,
    /// Where it stands in the kit. Unless it is sent, behind all others.
    #[field(least = -2_147_483_648, most = 2_147_483_647, example = "3")]
    pub sort_order: Option<i64>,
    /// Whether the component is deleted. It counts on at its last price.
    #[field(ignored, default = false)]
    pub component_deleted: bool,
}

/// The most kits on one path from a kit to a component.
const MOST_DEPTH: u32 = 5;

/// The most components of a kit.
const MOST_ITEMS: usize = 1_000;

type Done<T> = Result<T, Failure<ResourceError>>;

#[async_trait]
impl Rules for KitItem {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Done<()> {
        if let Some(before) = saving.before
            && before.details.component_product_id != self.component_product_id
        {
            let why = "Cannot be set here. Remove this component from the kit, and add the other one.";
            return Err(FieldErrors::one("componentProductId", Fault::new("read_only", why)).into());
        }
        if saving.before.is_none() || self.sort_order.is_none() {
            let others = Self::of("kitProductId", &[self.kit_product_id.get()], saving.tenant(), saving.uow).await?;
            if saving.before.is_none() && others.len() >= MOST_ITEMS {
                let why = format!("The kit has {MOST_ITEMS} components, the most.");
                return Err(ResourceError::Conflict(why).into());
            }
            let last = others.iter().filter_map(|item| item.details.sort_order).max();
            let end = last.map_or(1, |last| (last + 1).min(i64::from(i32::MAX)));
            self.sort_order = self.sort_order.or(Some(end));
        }
        Ok(())
    }
}

impl KitItem {
    /// Those whose field of this name holds one of these ids, in the order of a kit.
    pub(crate) async fn of(
        name: &str,
        ids: &[i64],
        tenant: TenantId,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        let mut filter = Filter::all();
        filter.add(Condition::Among(Self::place(name), ids.to_vec()));
        let records = uow.rows().all(tenant, Self::SHAPE, &filter, Self::place("sortOrder")).await?;
        records.iter().map(Record::typed).collect()
    }

    pub(crate) fn place(name: &str) -> usize {
        Self::SHAPE.field(name).map_or(0, |(at, _)| at)
    }

    /// Notes in the kits that have a component whether it is deleted.
    pub(crate) async fn flag(component: i64, deleted: bool, tenant: TenantId, uow: &mut dyn UnitOfWork) -> Done<()> {
        for mut item in Self::of("componentProductId", &[component], tenant, uow).await? {
            item.details.component_deleted = deleted;
            uow.rows().update(tenant, Self::SHAPE, &item.record()).await?;
        }
        Ok(())
    }
}

/// What is wrong with kits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// One is in itself, or there are too many on one path.
    Depth,
    /// The sum of costs, or of prices for customers, is beyond what a price may be.
    TooLarge,
}

impl Wrong {
    /// As faults of these fields.
    pub(crate) fn of(self, fields: &[&str]) -> FieldErrors {
        let fault = match self {
            Self::TooLarge => Fault::new("too_large", "With this, a kit would cost more than 999999999999.99."),
            Self::Depth => {
                Fault::new("invalid_value", format!("A path has at most {MOST_DEPTH} kits, and no kit twice."))
            }
        };
        let mut errors = FieldErrors::new();
        for field in fields {
            errors.push(*field, fault.clone());
        }
        errors
    }
}

/// An exact amount, as a number of its last places: a price has four, and each kit on a path adds the four of a quantity (MNY-35).
type Exact = i128;
const PRICE_PLACES: u32 = 4;
const PLACES: u32 = PRICE_PLACES * (1 + MOST_DEPTH);

fn exact(price: Quantity) -> Exact {
    units(price) * Exact::from(10).pow(PLACES - PRICE_PLACES)
}

/// As a number of its four places.
fn units(number: Quantity) -> Exact {
    let mut number = number.decimal();
    number.rescale(PRICE_PLACES);
    number.mantissa()
}

/// So many at this price. The last four places of a price inside a kit are free. `None`: beyond every bound.
fn times(price: Exact, quantity: Quantity) -> Option<Exact> {
    (price / Exact::from(10).pow(PRICE_PLACES)).checked_mul(units(quantity))
}

/// The amount in whole cents, half of one rounded up (MNY-3), which is what a kit costs.
fn in_cents(amount: Exact) -> Result<Quantity, Wrong> {
    let cent = Exact::from(10).pow(PLACES - 2);
    let cents = (amount / cent) + (amount % cent * 2 / cent);
    let cents = Decimal::try_from_i128_with_scale(cents, 2).map_err(|_| Wrong::TooLarge)?;
    Quantity::rounded(cents).map_err(|_| Wrong::TooLarge)
}

/// What one of a product counts in a kit: what it costs, and what it is sold for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Worth {
    /// How many kits there are on the longest path down from it, itself among them.
    depth: u32,
    /// By its components. `None`: it is no kit, or none of them has such a price.
    pub(crate) rolled: [Option<Exact>; 2],
    /// By itself.
    own: [Option<Exact>; 2],
}

impl Worth {
    fn price(self, at: usize) -> Option<Exact> {
        self.rolled[at].or(self.own[at])
    }
}

/// A product, the kits that it is in, and all that is in those.
#[derive(Default)]
pub(crate) struct Kits {
    /// The product and the kits above it.
    above: BTreeSet<i64>,
    /// What is in each kit. Whether a product is a kit now is not asked: it may become one again.
    items: BTreeMap<i64, Vec<KitItem>>,
    /// Deleted ones too.
    pub(crate) products: BTreeMap<i64, Product>,
}

impl Kits {
    /// Those around a product. `anew`: what it is about to be.
    pub(crate) async fn around(
        id: i64,
        anew: Option<Product>,
        tenant: TenantId,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Self, StoreError> {
        let mut kits = Self::default();
        let mut next = vec![id];
        while !next.is_empty() {
            kits.above.extend(&next);
            let within = KitItem::of("componentProductId", &next, tenant, uow).await?;
            let found: BTreeSet<_> = within.iter().map(|item| item.details.kit_product_id.get()).collect();
            next = found.difference(&kits.above).copied().collect();
        }
        let mut known = kits.above.clone();
        next = known.iter().copied().collect();
        while !next.is_empty() {
            let inside = KitItem::of("kitProductId", &next, tenant, uow).await?;
            let found = inside.iter().map(|item| item.details.component_product_id.get());
            next = found.filter(|component| known.insert(*component)).collect();
            for item in inside {
                kits.items.entry(item.details.kit_product_id.get()).or_default().push(item.details);
            }
        }
        let known: Vec<_> = known.into_iter().collect();
        for record in uow.rows().even_deleted(tenant, Product::SHAPE, &known).await? {
            kits.products.insert(record.id, record.typed()?.details);
        }
        kits.products.extend(anew.map(|product| (id, product)));
        Ok(kits)
    }

    /// What a product counts that is in so many kits on this path. `known` keeps what was worked out before.
    pub(crate) fn worth(&self, id: i64, path: u32, known: &mut BTreeMap<i64, Worth>) -> Result<Worth, Wrong> {
        let worth = match known.get(&id) {
            Some(worth) => *worth,
            None => self.work_out(id, path, known)?,
        };
        known.insert(id, worth);
        if path + worth.depth > MOST_DEPTH { Err(Wrong::Depth) } else { Ok(worth) }
    }

    fn work_out(&self, id: i64, path: u32, known: &mut BTreeMap<i64, Worth>) -> Result<Worth, Wrong> {
        let product = self.products.get(&id);
        let own =
            [product.and_then(|product| product.own_cost_price), product.and_then(|product| product.own_sell_price)];
        let mut worth = Worth { depth: 0, rolled: [None; 2], own: own.map(|price| price.map(exact)) };
        let Some(items) = self.items.get(&id) else { return Ok(worth) };
        if path >= MOST_DEPTH {
            return Err(Wrong::Depth);
        }
        for item in items {
            let part = self.worth(item.component_product_id.get(), path + 1, known)?;
            worth.depth = worth.depth.max(part.depth);
            let mut prices = [part.price(0), part.price(1)];
            if let Some(instead) = item.override_cost_price {
                prices[0] = Some(exact(instead));
                // A kit with a price of its own is not opened: it counts as one part, as it is sold (MNY-37).
                if let Some(sum) = part.rolled[1] {
                    prices[1] = Some(exact(in_cents(sum)?));
                }
            }
            for (sum, price) in worth.rolled.iter_mut().zip(prices) {
                let Some(price) = price else { continue };
                let more = times(price, item.default_quantity).ok_or(Wrong::TooLarge)?;
                *sum = Some(sum.unwrap_or_default().checked_add(more).ok_or(Wrong::TooLarge)?);
            }
        }
        worth.depth += 1;
        if !product.is_some_and(|product| product.is_kit) {
            worth.rolled = [None; 2];
        }
        // Each kit may cost so much and no more: what it is in goes by that.
        for sum in worth.rolled.into_iter().flatten() {
            in_cents(sum)?;
        }
        Ok(worth)
    }

    /// What is shown as the prices of a product.
    pub(crate) fn prices(&self, id: i64) -> Result<[Option<Quantity>; 2], Wrong> {
        let worth = self.worth(id, 0, &mut BTreeMap::new())?;
        let product = self.products.get(&id);
        let price = |at: usize, own: fn(&Product) -> Option<Quantity>| match worth.rolled[at] {
            Some(sum) => in_cents(sum).map(Some),
            None => Ok(product.and_then(own)),
        };
        Ok([price(0, |product| product.own_cost_price)?, price(1, |product| product.own_sell_price)?])
    }

    /// Stores the prices of the kits above a product. Others are not told: these kits did not change by themselves.
    pub(crate) async fn settle_others(
        &self,
        id: i64,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Result<(), Wrong>, StoreError> {
        for kit in self.above.iter().filter(|kit| **kit != id) {
            let prices = match self.prices(*kit) {
                Ok(prices) => prices,
                Err(wrong) => return Ok(Err(wrong)),
            };
            if self.products.get(kit).is_none_or(|product| product.prices() == prices) {
                continue;
            }
            // One that is deleted gets them when it is restored.
            if let Some(record) = uow.rows().lock(context.tenant, Product::SHAPE, *kit).await? {
                let mut stored = record.typed::<Product>()?;
                [stored.details.cost_price, stored.details.sell_price] = prices;
                uow.rows().update(context.tenant, Product::SHAPE, &stored.record()).await?;
            }
        }
        Ok(Ok(()))
    }
}

/// Changes what is in a kit. Gives the items that were made or changed; of a new order, all of them. Tells of the kit's update.
pub struct ChangeKit {
    /// Which kit.
    pub kit: i64,
    /// What to do.
    pub change: KitChange,
}

/// A change of what is in a kit.
pub enum KitChange {
    /// Adds a component. That makes the product a kit.
    Add(Draft),
    /// Changes the item with this id.
    Change(i64, Draft),
    /// Removes the item with this id.
    Remove(i64),
    /// Puts the items with these ids first, in their order. The others follow in theirs.
    Reorder(Vec<i64>),
}

#[async_trait]
impl Command<dyn UnitOfWork> for ChangeKit {
    type Output = Vec<Record>;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(Product::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Done<Applied<Vec<Record>>> {
        // One turn for all changes of kits and prices: two halves of a circle must not pass each other.
        uow.rows().take_turn(context.tenant, Product::SHAPE).await?;
        let kit = uow.rows().lock(context.tenant, Product::SHAPE, self.kit).await?;
        let kit = kit.ok_or(ResourceError::NotFound(Product::SHAPE.one))?;
        let mut after = kit.typed::<Product>()?.details;
        let (items, is_changed) = match &self.change {
            KitChange::Add(draft) => {
                after.is_kit = true;
                let mut draft = draft.clone();
                draft.put(KitItem::SHAPE, "kitProductId", Value::Integer(self.kit));
                let (item, _) = insert(family::<KitItem>(), &draft, context, uow).await?;
                (vec![item], true)
            }
            KitChange::Change(id, draft) => {
                let before = self.item(*id, context.tenant, uow).await?;
                let (item, _) = update(family::<KitItem>(), before.clone(), draft, context, uow).await?;
                let is_changed = item != before;
                (vec![item], is_changed)
            }
            KitChange::Remove(id) => {
                self.item(*id, context.tenant, uow).await?;
                Delete { family: family::<KitItem>(), id: *id }.apply(context, uow).await?;
                (Vec::new(), true)
            }
            KitChange::Reorder(ids) => self.reorder(ids, context, uow).await?,
        };
        let told = if is_changed { self.settle(&kit, after, context, uow).await? } else { Vec::new() };
        Ok(Applied::telling(items, told))
    }
}

impl ChangeKit {
    /// The item with this id, if it is one of the kit's.
    async fn item(&self, id: i64, tenant: TenantId, uow: &mut dyn UnitOfWork) -> Done<Record> {
        let found = uow.rows().lock(tenant, KitItem::SHAPE, id).await?;
        let of_kit = |item: &Record| item.values.get(KitItem::place("kitProductId")) == Some(&Value::Integer(self.kit));
        Ok(found.filter(of_kit).ok_or(ResourceError::NotFound(KitItem::SHAPE.one))?)
    }

    async fn reorder(&self, ids: &[i64], context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Done<(Vec<Record>, bool)> {
        let mut left = KitItem::of("kitProductId", &[self.kit], context.tenant, uow).await?;
        let (mut errors, mut ordered) = (FieldErrors::new(), Vec::new());
        for (n, id) in ids.iter().enumerate() {
            let field = format!("orderedIds[{n}]");
            match left.iter().position(|item| item.id == *id) {
                Some(at) => ordered.push(left.remove(at)),
                None if ids[..n].contains(id) => {
                    errors.push(field, Fault::new("invalid_value", "Stands in it before."));
                }
                None => errors.push(field, Fault::new("not_found", "There is no item with this id in the kit.")),
            }
        }
        errors.or(())?;
        let (mut items, mut is_changed) = (Vec::new(), false);
        for (order, item) in (1..).zip(ordered.into_iter().chain(left)) {
            let mut draft = Draft::default();
            draft.put(KitItem::SHAPE, "sortOrder", Value::Integer(order));
            is_changed |= item.details.sort_order != Some(order);
            items.push(update(family::<KitItem>(), item.record(), &draft, context, uow).await?.0);
        }
        Ok((items, is_changed))
    }

    /// Settles the prices of the kit, whose items have changed, and of those that it is in.
    async fn settle(
        &self,
        before: &Record,
        mut after: Product,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Done<Vec<Event>> {
        let kits = Kits::around(self.kit, Some(after.clone()), context.tenant, uow).await?;
        let refuse = |wrong: Wrong| wrong.of(&self.changed_fields(wrong));
        [after.cost_price, after.sell_price] = kits.prices(self.kit).map_err(refuse)?;
        kits.settle_others(self.kit, context, uow).await?.map_err(refuse)?;
        let (mut record, mut told) = store(before, &after, Told::Updated, context, uow).await?;
        if let (true, Some(kinds)) = (told.is_empty(), Product::SHAPE.events) {
            record.updated_at = context.now.max(before.updated_at);
            uow.rows().update(context.tenant, Product::SHAPE, &record).await?;
            let previous = changed(Product::SHAPE, before, &record);
            told.push(event(context, Product::SHAPE, kinds.updated, &record, Some(previous.into())));
        }
        Ok(told)
    }

    /// The fields that a fault is about.
    fn changed_fields(&self, wrong: Wrong) -> Vec<&'static str> {
        let (KitChange::Add(draft) | KitChange::Change(_, draft)) = &self.change else { return vec![""] };
        let numbers = ["defaultQuantity", "overrideCostPrice"].into_iter();
        let sent: Vec<_> = numbers.filter(|name| draft.sent().has(KitItem::place(name))).collect();
        if wrong == Wrong::Depth || sent.is_empty() { vec!["componentProductId"] } else { sent }
    }
}
