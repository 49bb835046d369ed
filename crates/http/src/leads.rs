//! `/leads`.

use bwp_domain::{
    leads::{Convert, Lead, SUMMARY},
    projects::Project,
};

use crate::{
    lead_stages::TAG,
    operation::Operation,
    resource::{Lists, Operations, first},
};

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<Lead>("/leads", TAG, Lists::Full)
        .list()
        .create()
        .count()
        .summary(&SUMMARY)
        .and(
            Operations::step::<Project, _>("/leads/{id}/convert", (201, "The new project."), |ids| Convert {
                lead: first(ids),
            })
            .needs(Convert::NEEDS)
            .summary("Convert a lead to a project")
            .description(
                "Makes a project of the lead, and moves the lead to the first stage where leads are won. A lead that is in such a \
                 stage already, or of which there is a project, is not converted: 409. Tells webhooks of `project.created` and \
                 `lead.updated`.",
            ),
        )
        .get()
        .update()
        .delete()
        .exports()
        .imports()
        .bulk()
        .into_operations()
}
