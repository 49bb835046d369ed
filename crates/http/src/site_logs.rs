//! `/site-logs`.

use bwp_domain::site_logs::SiteLog;

use crate::{
    operation::{Operation, Tag},
    resource::{Lists, Operations},
};

const TAG: Tag = Tag { name: "SiteLogs", description: "What happened at the sites, day by day." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<SiteLog>("/site-logs", TAG, Lists::Full)
        .list()
        .create()
        .get()
        .update()
        .delete()
        .exports()
        .imports()
        .bulk()
        .into_operations()
}
