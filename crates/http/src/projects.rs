//! `/projects`.

use bwp_domain::projects::{Project, SUMMARY};

use crate::{
    operation::{Operation, Tag},
    resource::{Lists, Operations},
};

pub(crate) const TAG: Tag = Tag { name: "Projects", description: "The jobs that the tenant works on." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<Project>("/projects", TAG, Lists::Full)
        .list()
        .create()
        .get()
        .update()
        .delete()
        .count()
        .get_many()
        .summary(&SUMMARY)
        .exports()
        .imports()
        .bulk()
        .into_operations()
}
