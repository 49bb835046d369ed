//! `/contacts`.

use bwp_domain::contacts::{Contact, SUMMARY};

use crate::{
    operation::{Operation, Tag},
    resource::{Lists, Operations},
};

const TAG: Tag = Tag { name: "Contacts", description: "The people and companies that the tenant works with." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<Contact>("/contacts", TAG, Lists::Created)
        .list()
        .create()
        .get_many()
        .count()
        .summary(&SUMMARY)
        .get()
        .update()
        .delete()
        .exports()
        .imports()
        .bulk()
        .into_operations()
}
