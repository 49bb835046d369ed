//! How a tenant sells: what its bids start from, and when its customers pay. People change both on the pages.

use crate::{
    clock::Timestamp,
    execute::Context,
    ids::TenantId,
    resource::{Filter, Percent, Record, Resource, Rules},
    store::{StoreError, UnitOfWork},
    text::{Name, Text},
    words,
};

words! {
    /// What sales tax is taken of.
    pub enum SalesTaxBase {
        /// The selling price.
        Price = "price",
        /// The cost.
        Cost = "cost",
    }
}

/// What a tenant's bids start from. A tenant has one row.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "selling settings", many = "selling settings", asks, read(SettingsRead), write(SettingsWrite))]
pub struct SellingSettings {
    /// The margin, in percent of the selling price.
    #[field(most = 99)]
    pub margin_percent: Option<Percent>,
    /// The company's overhead, in percent of the selling price.
    #[field(most = 99)]
    pub company_oh_percent: Option<Percent>,
    /// The commission, in percent of the selling price.
    #[field(most = 99)]
    pub commission_percent: Option<Percent>,
    /// What sales tax is taken of.
    #[field(default = "price")]
    pub sales_tax_base: SalesTaxBase,
    /// For how many days a bid is valid. `null`: for ever.
    #[field(least = 0, most = 3_650)]
    pub validity_days: Option<i64>,
    /// The terms of a bid.
    #[field(most = 50_000)]
    pub terms: Option<Text>,
    /// The terms of payment of a bid.
    #[field(most = 50_000)]
    pub payment_terms_text: Option<Text>,
}

impl Rules for SellingSettings {}

impl Default for SellingSettings {
    fn default() -> Self {
        Self {
            margin_percent: None,
            company_oh_percent: None,
            commission_percent: None,
            sales_tax_base: SalesTaxBase::Price,
            validity_days: None,
            terms: None,
            payment_terms_text: None,
        }
    }
}

impl SellingSettings {
    /// The tenant's.
    pub async fn of(tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Self, StoreError> {
        let rows = uow.rows().all(tenant, Self::SHAPE, &Filter::all(), 0).await?;
        let settings = rows.first().map(Record::typed::<Self>).transpose()?;
        Ok(settings.map(|settings| settings.details).unwrap_or_default())
    }

    /// The last day of what is offered today.
    pub fn valid_until(&self, context: &Context<'_>) -> Option<Timestamp> {
        let today = context.principal.time_zone().today(context.now);
        let days = self.validity_days.and_then(|days| u64::try_from(days).ok());
        days.map(|days| today.plus(std::time::Duration::from_secs(days * 86_400)))
    }
}

/// When a customer pays: a name that documents refer to, and the text that they print.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "payment term", read(SettingsRead), write(SettingsWrite), delete(SettingsWrite))]
pub struct PaymentTerm {
    /// What it is called.
    #[field(most = 255, example = "Net 30")]
    pub name: Name,
    /// After how many days.
    #[field(least = 0, most = 3_650, example = "30")]
    pub days: Option<i64>,
    /// What documents print.
    #[field(most = 50_000)]
    pub text: Option<Text>,
}

impl Rules for PaymentTerm {}
