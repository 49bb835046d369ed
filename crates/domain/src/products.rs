//! Products: what a tenant sells and builds with. Some are [kits](crate::kit_items) of others.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    execute::{Applied, Command, Context, Failure},
    fields::FieldErrors,
    ids::{ManufacturerId, ProductCategoryId, TenantId},
    jobs::{Column, InCsv, Key},
    kit_items::{KitItem, Kits, Wrong},
    numbers::Numbering,
    resource::{
        Draft, Filter, Percent, Quantity, Record, Resource, ResourceError, Rules, Saving, Stored, Value, family,
        insert, ports::RowReader,
    },
    scopes::ScopeSet,
    store::{StoreError, UnitOfWork},
    text::{Name, Text},
};

/// Something that the tenant sells or builds with, or a kit of such things.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(
    one = "product",
    events = "product",
    in_turn,
    shows("kitItems"),
    read(ProductsRead),
    write(ProductsWrite),
    delete(ProductsDelete)
)]
pub struct Product {
    /// Its number. Unless one is sent, the tenant's next.
    #[field(automatic, renewed, unique, most = 50, search)]
    pub sku: Text,
    /// What it is called.
    #[field(most = 255, search, example = "Brick, red")]
    pub name: Name,
    /// What it is.
    #[field(search)]
    pub description: Option<Text>,
    /// What customers read about it.
    #[field(minor)]
    pub sales_description: Option<Text>,
    /// What kind of thing it is, such as `material`, `labor` or `other`.
    #[field(name = "type", column = "type", default = "material", most = 50, filter, filter_flag = "kit: isKit")]
    pub kind: Text,
    /// Its category.
    #[field(filter)]
    pub category_id: Option<ProductCategoryId>,
    /// What one costs. Of a kit with a component that has a cost: what its components cost together.
    #[field(example = "12.50")]
    pub cost_price: Option<Quantity>,
    /// What one is sold for. Of a kit with a component that has such a price: what its components are sold for together.
    #[field(example = "18.75")]
    pub sell_price: Option<Quantity>,
    /// In what it is counted.
    #[field(most = 50, example = "each")]
    pub unit: Option<Text>,
    /// Its manufacturer.
    #[field(filter)]
    pub manufacturer_id: Option<ManufacturerId>,
    /// The manufacturer's number of it.
    #[field(most = 100, search)]
    pub manufacturer_code: Option<Text>,
    /// Whether it is a kit.
    #[field(default = false, filter)]
    pub is_kit: bool,
    /// Whether it is still used.
    #[field(default = true, filter, filter_any = "all")]
    pub is_active: bool,
    /// The tax that is paid for it, in percent.
    #[field(minor, example = "8.25")]
    pub buy_tax_percent: Option<Percent>,
    /// The tax that customers pay for it, in percent.
    #[field(minor, example = "8.25")]
    pub sell_tax_percent: Option<Percent>,
    /// What `costPrice` is without its components.
    #[field(minor, ignored)]
    pub own_cost_price: Option<Quantity>,
    /// What `sellPrice` is without its components.
    #[field(minor, ignored)]
    pub own_sell_price: Option<Quantity>,
    /// Its id in the accounts.
    #[field(minor, most = 64)]
    pub qbo_id: Option<Text>,
    /// Its version in the accounts.
    #[field(minor, most = 32)]
    pub qbo_sync_token: Option<Text>,
    /// When it was last brought to the accounts.
    #[field(minor)]
    pub qbo_last_synced_at: Option<Timestamp>,
    /// Always `null`, and ignored in requests: deleted products are not found.
    #[field(minor)]
    pub deleted_at: Option<Timestamp>,
}

/// The numbers of a tenant's products.
pub static NUMBERING: Numbering =
    Numbering { prefix: "P-", digits: 5, shape: Product::SHAPE, column: "sku", within: None };

/// What is added to the name of a copy.
const COPY: &str = " (Copy)";
const MOST_NAME: usize = 255;

type Done<T> = Result<T, Failure<ResourceError>>;

#[async_trait]
impl Rules for Product {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Done<()> {
        self.deleted_at = None;
        match saving.before {
            // A copy has both.
            None if saving.sets("ownCostPrice") => {}
            None => (self.own_cost_price, self.own_sell_price) = (self.cost_price, self.sell_price),
            Some(before) if self.prices() != before.details.prices() || self.is_kit != before.details.is_kit => {
                self.settle(before, saving.context, saving.uow).await?;
            }
            Some(_) => {}
        }
        let blank = self.sku.trim().is_empty();
        if blank {
            // Last of all: others wait for the tenant's next number from here on.
            self.sku = saving.uow.numbers().next(saving.context.tenant, &NUMBERING).await?;
        } else if self.sku.trim() != &*self.sku {
            self.sku = Text::parse(self.sku.trim().to_owned()).map_err(|fault| FieldErrors::one("sku", fault))?;
        }
        Ok(())
    }

    async fn delete(stored: &Stored<Self>, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Done<()> {
        KitItem::flag(stored.id, true, context.tenant, uow).await
    }

    async fn restore(&mut self, saving: &mut Saving<'_, Self>) -> Done<()> {
        self.deleted_at = None;
        if let Some(before) = saving.before {
            // Its components may have other prices by now. Kits that it is in have followed them.
            let kits = Kits::around(before.id, None, saving.tenant(), saving.uow).await?;
            [self.cost_price, self.sell_price] = kits.prices(before.id).map_err(|_| too_dear())?;
            KitItem::flag(before.id, false, saving.tenant(), saving.uow).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl InCsv for Product {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("sku"),
        Column::own("name"),
        Column::own("type"),
        Column::own("description"),
        Column::own("salesDescription"),
        Column::own("categoryId"),
        Column::own("costPrice"),
        Column::own("sellPrice"),
        Column::own("unit"),
        Column::own("manufacturerId"),
        Column::own("manufacturerCode"),
        Column::own("isKit"),
        Column::own("isActive"),
        Column::own("buyTaxPercent"),
        Column::own("sellTaxPercent"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
    const KEY: Option<Key> = Some(Key { field: "sku", unique: true });
}

fn too_dear() -> ResourceError {
    ResourceError::Conflict("Its components cost too much together. Make them cheaper first.".to_owned())
}

impl Product {
    pub(crate) const fn prices(&self) -> [Option<Quantity>; 2] {
        [self.cost_price, self.sell_price]
    }

    /// Settles its prices, which were sent or are those of its components, and those of the kits that it is in.
    async fn settle(&mut self, before: &Stored<Self>, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Done<()> {
        let mut kits = Kits::around(before.id, Some(self.clone()), context.tenant, uow).await?;
        let (sent, was) = (self.prices(), before.details.prices());
        let mut fields = vec!["costPrice", "sellPrice"];
        let mut is_sent = sent.into_iter().zip(was).map(|(sent, was)| sent != was);
        fields.retain(|_| is_sent.next().unwrap_or_default());
        if fields.is_empty() {
            fields.push("isKit");
        }
        let beyond = |error: Wrong| error.of(&fields);
        let rolled = kits.worth(before.id, 0, &mut BTreeMap::new()).map_err(beyond)?.rolled;
        let own = [&mut self.own_cost_price, &mut self.own_sell_price];
        for (at, own) in own.into_iter().enumerate() {
            // A sum is ignored, whatever is sent for it (MNY-36).
            if rolled[at].is_none() && sent[at] != was[at] {
                *own = sent[at];
            }
        }
        kits.products.insert(before.id, self.clone());
        [self.cost_price, self.sell_price] = kits.prices(before.id).map_err(beyond)?;
        kits.settle_others(before.id, context, uow).await?.map_err(beyond)?;
        Ok(())
    }
}

/// Makes a copy of a product, with what is in it. Tells of the new one.
pub struct Duplicate {
    /// Which product.
    pub product: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Duplicate {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(Product::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Done<Applied<Record>> {
        uow.rows().take_turn(context.tenant, Product::SHAPE).await?;
        let of = uow.rows().lock(context.tenant, Product::SHAPE, self.product).await?;
        let of = of.ok_or(ResourceError::NotFound(Product::SHAPE.one))?;
        let mut copy = of.typed::<Product>()?.details;
        let name: String = copy.name.chars().take(MOST_NAME - COPY.len()).collect();
        copy.name = Name::parse(name + COPY).map_err(|fault| FieldErrors::one("name", fault))?;
        (copy.qbo_id, copy.qbo_sync_token, copy.qbo_last_synced_at) = (None, None, None);
        let mut draft = Draft::copy_of(&copy);
        draft.put(Product::SHAPE, "sku", Value::Text("".into()));
        let (copy, told) = insert(family::<Product>(), &draft, context, uow).await?;
        for item in KitItem::of("kitProductId", &[self.product], context.tenant, uow).await? {
            let mut draft = Draft::copy_of(&item.details);
            draft.put(KitItem::SHAPE, "kitProductId", Value::Integer(copy.id));
            insert(family::<KitItem>(), &draft, context, uow).await?;
        }
        Ok(Applied::telling(copy, told))
    }
}

/// How much a product is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// In how many kits.
    pub kits: usize,
}

/// How much a product is used. `None`: there is no such product.
pub async fn usage(rows: &dyn RowReader, tenant: TenantId, product: i64) -> Result<Option<Usage>, StoreError> {
    if rows.get(tenant, Product::SHAPE, product).await?.is_none() {
        return Ok(None);
    }
    let within = Filter::is(KitItem::SHAPE, "componentProductId", Value::Integer(product));
    let items = rows.all(tenant, KitItem::SHAPE, &within, KitItem::place("sortOrder")).await?;
    let at = KitItem::place("kitProductId");
    let kits: BTreeSet<_> = items.iter().filter_map(|item| item.values.get(at)?.as_integer()).collect();
    let kits: Vec<_> = kits.into_iter().collect();
    let kits = rows.get_many(tenant, Product::SHAPE, &kits).await?;
    let kits = kits.iter().map(Record::typed::<Product>).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Usage { kits: kits.iter().filter(|kit| kit.details.is_kit).count() }))
}
