//! Products: what a tenant sells and builds with, and kits of them.

use crate::{
    clock::Timestamp,
    ids::{ManufacturerId, ProductCategoryId, ProductId},
    resource::{Percent, Quantity, Resource, Rules},
    text::{Name, Text},
};

/// Something that the tenant sells or builds with, or a kit of such things.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "product", events = "product", in_turn, read(ProductsRead), write(ProductsWrite), delete(ProductsDelete))]
pub struct Product {
    /// Its number. Unless one is sent, the tenant's next.
    #[field(automatic, most = 50, search)]
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
    #[field(name = "type", column = "type", default = "material", most = 50, filter)]
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
    #[field(default = true, filter)]
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

impl Rules for Product {}
