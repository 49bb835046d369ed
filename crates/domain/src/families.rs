//! The families whose rows are exported, imported and changed many at once: a line for each.

use crate::{
    bids::Bid,
    change_orders::ChangeOrder,
    contacts::Contact,
    documents::Document,
    jobs::{Transfers, transfers},
    leads::Lead,
    pay_apps::PayApp,
    products::Product,
    projects::Project,
    site_logs::SiteLog,
    time_entries::TimeEntry,
};

/// All of them.
static ALL: &[&dyn Transfers] = &[
    transfers::<Bid>(),
    transfers::<ChangeOrder>(),
    transfers::<Contact>(),
    transfers::<Document>(),
    transfers::<Lead>(),
    transfers::<PayApp>(),
    transfers::<Product>(),
    transfers::<Project>(),
    transfers::<SiteLog>(),
    transfers::<TimeEntry>(),
];

/// All of them.
pub fn all() -> &'static [&'static dyn Transfers] {
    ALL
}

/// The one that is kept in this table, as jobs name it.
pub fn of_table(table: &str) -> Option<&'static dyn Transfers> {
    ALL.iter().copied().find(|transfers| transfers.shape().table == table)
}
