//! `/project-templates`.

use bwp_domain::project_templates::ProjectTemplate;

use crate::{
    operation::{Operation, Tag},
    resource::{Lists, Operations},
};

const TAG: Tag = Tag { name: "ProjectTemplates", description: "What new projects may be made from." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<ProjectTemplate>("/project-templates", TAG, Lists::Plain)
        .list()
        .create()
        .get()
        .update()
        .delete()
        .into_operations()
}
