//! `/settings`.

use bwp_domain::settings::{BrandingSettings, DataRetentionSettings};

use crate::{
    operation::{Operation, Tag},
    resource::{Lists, Operations},
};

const TAG: Tag = Tag { name: "Settings", description: "What the tenant has set for itself." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let branding = Operations::of::<BrandingSettings>("/settings/branding", TAG, Lists::Plain).get_only();
    let retention = Operations::of::<DataRetentionSettings>("/settings/data-retention", TAG, Lists::Plain).get_only();
    [branding, retention].into_iter().flat_map(Operations::into_operations).collect()
}
