//! `/lead-stages`.

use bwp_domain::lead_stages::LeadStage;

use crate::{
    operation::{Operation, Tag},
    resource::{Lists, Operations},
};

pub(crate) const TAG: Tag = Tag { name: "Leads", description: "Possible jobs, and the stages that they go through." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<LeadStage>("/lead-stages", TAG, Lists::Plain)
        .list_all("order")
        .create()
        .update()
        .delete()
        .into_operations()
}
