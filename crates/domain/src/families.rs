//! The families whose rows are exported, imported and changed many at once: a line for each.

use crate::{
    jobs::{Transfers, transfers},
    leads::Lead,
    projects::Project,
};

/// All of them.
static ALL: [&dyn Transfers; 2] = [transfers::<Lead>(), transfers::<Project>()];

/// All of them.
pub fn all() -> &'static [&'static dyn Transfers] {
    &ALL
}

/// The one that is kept in this table, as jobs name it.
pub fn of_table(table: &str) -> Option<&'static dyn Transfers> {
    ALL.iter().copied().find(|transfers| transfers.shape().table == table)
}
