//! Contacts: the people and companies that a tenant works with.

use async_trait::async_trait;

use crate::{
    execute::Failure,
    fields::{Fault, FieldErrors},
    ids::ContactId,
    jobs::{Column, Imported, InCsv, Key, Reading},
    resource::{
        Resource, ResourceError, Rules, Saving,
        summary::{Group, Summary},
    },
    text::{Email, Name, Text},
    words,
};

words! {
    /// What a contact is to the tenant.
    pub enum ContactType {
        /// Someone the tenant works for.
        Customer = "customer",
        /// Who runs the site and awards the work.
        GeneralContractor = "general_contractor",
        /// Who designs.
        Architect = "architect",
        /// A public authority.
        City = "city",
        /// A home owners' association.
        Hoa = "hoa",
        /// Someone the tenant buys from.
        Vendor = "vendor",
        /// Someone who works for the tenant.
        Subcontractor = "subcontractor",
        /// Someone who delivers materials.
        Supplier = "supplier",
        /// One of the tenant's own people.
        Employee = "employee",
        /// A company the tenant works with.
        Partner = "partner",
        /// Anyone else.
        Other = "other",
    }
}

/// A person or a company that the tenant works with.
#[derive(Clone, Debug, PartialEq, Eq, Resource)]
#[resource(one = "contact", events = "contact", read(ContactsRead), write(ContactsWrite), delete(ContactsDelete))]
pub struct Contact {
    /// Given name.
    #[field(search, example = "Ada")]
    pub first_name: Option<Name>,
    /// Family name.
    #[field(search, example = "Byron")]
    pub last_name: Option<Name>,
    /// The company's name.
    #[field(search, example = "Byron Masonry")]
    pub company_name: Option<Name>,
    /// What they do there.
    #[field(minor, most = 500, example = "Site manager")]
    pub position: Option<Text>,
    /// The contact this one belongs to, such as the company of a person.
    #[field(minor, refers = Contact)]
    pub parent_contact_id: Option<ContactId>,
    /// E-mail address.
    #[field(search, example = "ada@example.com")]
    pub email: Option<Email>,
    /// Telephone number, as written.
    #[field(most = 500, search, example = "+1 555 0100")]
    pub phone: Option<Text>,
    /// Mobile number, as written.
    #[field(minor, most = 500, search, example = "+1 555 0101")]
    pub mobile: Option<Text>,
    /// Web site, as written.
    #[field(minor, most = 2_000, example = "https://example.com")]
    pub website: Option<Text>,
    /// Anything else.
    #[field(minor, search, example = "Prefers to be called in the morning.")]
    pub notes: Option<Text>,
    /// What they are to the tenant.
    #[field(name = "type", column = "type", filter, example = "subcontractor")]
    pub kind: ContactType,
}

#[async_trait]
impl Rules for Contact {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<(), Failure<ResourceError>> {
        let own = saving.before.and_then(|before| ContactId::new(before.id));
        if own.is_some() && self.parent_contact_id == own {
            let fault = Fault::new("invalid_value", "A contact cannot be its own parent.");
            return Err(FieldErrors::one("parentContactId", fault).into());
        }
        Ok(())
    }
}

#[async_trait]
impl InCsv for Contact {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("type"),
        Column::own("firstName"),
        Column::own("lastName"),
        Column::own("companyName"),
        Column::own("position"),
        Column::own("email"),
        Column::own("phone"),
        Column::own("mobile"),
        Column::own("website"),
        Column::own("notes"),
        Column::own("parentContactId"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
    const KEY: Option<Key> = Some(Key { field: "email", unique: true });

    async fn read(row: &mut Imported, reading: &mut Reading<'_>) -> Result<(), Failure<ResourceError>> {
        // People import lists of customers, which say nothing of types.
        if reading.before.is_none() && !row.has("type") {
            row.cells.insert("type", ContactType::Customer.to_string());
        }
        Ok(())
    }
}

/// How contacts are summed up.
pub static SUMMARY: Summary = Summary { filters: &[], totals: &[], groups: &[Group::by("by_type", "type", "type")] };
