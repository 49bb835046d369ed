//! `/contacts`.

mod handlers;
pub(crate) mod requests;
mod responses;

use crate::operation::{Operation, Reply, Tag};

use responses::{Contact, Count, Summary};

const TAG: Tag = Tag { name: "Contacts", description: "The people and companies that the tenant works with." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get_at_once("/contacts", handlers::list)
            .named(handlers::LIST, TAG)
            .summary("List contacts")
            .description("A page of the tenant's contacts that fit every filter, newest first.")
            .replies(Reply::page::<Contact>("A page of contacts.")),
        Operation::post("/contacts", handlers::create)
            .named("postContacts", TAG)
            .summary("Create a contact")
            .description("Only `type` is required. Tells webhooks of `contact.created`.")
            .replies(Reply::created::<Contact>("The new contact.")),
        Operation::post("/contacts/get-many", handlers::get_many)
            .named("postContactsGetMany", TAG)
            .summary("Get many contacts by id")
            .description(
                "Up to 50 contacts in one request, in the order asked for. Ids that are not there are left out: compare \
                 `meta.requested` with `meta.returned`. Changes nothing, and so ignores `Idempotency-Key`.",
            )
            .replies(Reply::many::<Contact>("The contacts that there are.")),
        Operation::get("/contacts/count", handlers::count)
            .named("getContactsCount", TAG)
            .summary("Count contacts")
            .description("How many contacts fit the filters, which are those of the list.")
            .replies(Reply::data::<Count>("How many.")),
        Operation::get("/contacts/summary", handlers::summary)
            .named("getContactsSummary", TAG)
            .summary("Sum contacts up")
            .description("How many contacts there are, in all and of each type that there is at least one of.")
            .replies(Reply::data::<Summary>("The sums.")),
        Operation::get_at_once("/contacts/{id}", handlers::get)
            .named("getContactsById", TAG)
            .summary("Get a contact")
            .description("One contact.")
            .replies(Reply::data::<Contact>("The contact.")),
        Operation::patch("/contacts/{id}", handlers::update)
            .named("patchContactsById", TAG)
            .summary("Change a contact")
            .description(
                "Changes the fields that are sent; `null` empties one. Tells webhooks of `contact.updated`, unless \
                 nothing changed.",
            )
            .replies(Reply::data::<Contact>("The contact after the change.")),
        Operation::delete("/contacts/{id}", handlers::delete)
            .named("deleteContactsById", TAG)
            .summary("Delete a contact")
            .description("From then on it is not found. Tells webhooks of `contact.deleted`.")
            .replies(Reply::no_content("Deleted.")),
    ]
}
