//! How contacts are shown.

use bwp_domain::{
    clock::Timestamp,
    contacts::{ContactSummary, ContactType, ContactView},
    ids::ContactId,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    openapi::word_schema,
    projection::Projected,
    request::{ReadOnly, ReadOnlyFields},
};

word_schema! {
    /// What a contact is to the tenant.
    pub(crate) ContactTypeSchema as "ContactType": ContactType::ALL
}

/// A contact.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Contact<'a> {
    /// Its id.
    #[schema(value_type = i64, minimum = 1, example = 42)]
    id: ContactId,
    /// Given name.
    #[schema(required = true, example = "Ada")]
    first_name: Option<&'a str>,
    /// Family name.
    #[schema(required = true, example = "Byron")]
    last_name: Option<&'a str>,
    /// The company's name.
    #[schema(required = true, example = "Byron Masonry")]
    company_name: Option<&'a str>,
    /// E-mail address.
    #[schema(required = true, format = Email, example = "ada@example.com")]
    email: Option<&'a str>,
    /// Telephone number, as written.
    #[schema(required = true, example = "+1 555 0100")]
    phone: Option<&'a str>,
    /// What they are to the tenant.
    #[serde(rename = "type")]
    #[schema(value_type = ContactTypeSchema)]
    kind: ContactType,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    updated_at: Timestamp,
    /// What they do there. Left out by `compact`.
    #[serde(skip_serializing_if = "Projected::is_left_out")]
    #[schema(value_type = Option<String>, example = "Site manager")]
    position: Projected<Option<&'a str>>,
    /// The contact this one belongs to. Left out by `compact`.
    #[serde(skip_serializing_if = "Projected::is_left_out")]
    #[schema(value_type = Option<i64>, example = json!(null))]
    parent_contact_id: Projected<Option<ContactId>>,
    /// Mobile number, as written. Left out by `compact`.
    #[serde(skip_serializing_if = "Projected::is_left_out")]
    #[schema(value_type = Option<String>, example = "+1 555 0101")]
    mobile: Projected<Option<&'a str>>,
    /// Web site, as written. Left out by `compact`.
    #[serde(skip_serializing_if = "Projected::is_left_out")]
    #[schema(value_type = Option<String>, example = "https://example.com")]
    website: Projected<Option<&'a str>>,
    /// Anything else. Left out by `compact`.
    #[serde(skip_serializing_if = "Projected::is_left_out")]
    #[schema(value_type = Option<String>, example = "Prefers to be called in the morning.")]
    notes: Projected<Option<&'a str>>,
}

impl ReadOnlyFields for Contact<'static> {
    const READ_ONLY: &'static [(&'static str, ReadOnly)] =
        &[("id", ReadOnly::Ignored), ("createdAt", ReadOnly::Ignored), ("updatedAt", ReadOnly::Ignored)];
}

impl<'a> Contact<'a> {
    /// Every field.
    pub(crate) fn full(contact: &ContactView<'a>) -> Self {
        Self {
            position: Projected::Shown(contact.position),
            parent_contact_id: Projected::Shown(contact.parent),
            mobile: Projected::Shown(contact.mobile),
            website: Projected::Shown(contact.website),
            notes: Projected::Shown(contact.notes),
            ..Self::compact(contact)
        }
    }

    /// The key fields.
    pub(crate) const fn compact(contact: &ContactView<'a>) -> Self {
        Self {
            id: contact.id,
            first_name: contact.first_name,
            last_name: contact.last_name,
            company_name: contact.company_name,
            email: contact.email,
            phone: contact.phone,
            kind: contact.kind,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
            position: Projected::LeftOut,
            parent_contact_id: Projected::LeftOut,
            mobile: Projected::LeftOut,
            website: Projected::LeftOut,
            notes: Projected::LeftOut,
        }
    }
}

/// How many contacts fit.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactCount)]
pub(crate) struct Count {
    /// How many.
    #[schema(minimum = 0, example = 128)]
    pub(crate) total: i64,
}

/// Contacts, summed up.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactSummary)]
pub(crate) struct Summary {
    /// In all.
    totals: Totals,
    /// Of each type that there is at least one of.
    by_type: Vec<OfType>,
}

/// Sums over all contacts.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactTotals)]
pub(crate) struct Totals {
    /// How many.
    #[schema(minimum = 0, example = 128)]
    count: i64,
}

/// Sums over the contacts of one type.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactsOfType)]
pub(crate) struct OfType {
    /// The type.
    #[serde(rename = "type")]
    #[schema(value_type = ContactTypeSchema)]
    kind: ContactType,
    /// How many.
    #[schema(minimum = 1, example = 17)]
    count: i64,
}

impl From<&ContactSummary> for Summary {
    fn from(summary: &ContactSummary) -> Self {
        Self {
            totals: Totals { count: summary.total() },
            by_type: summary.by_type.iter().map(|(kind, count)| OfType { kind: *kind, count: *count }).collect(),
        }
    }
}
