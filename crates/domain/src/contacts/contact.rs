//! A contact.

use std::{fmt, str::FromStr};

use crate::{
    clock::Timestamp,
    ids::ContactId,
    paging::Position,
    resource::{Referable, Reference},
    text::{Email, Name, Text, quoted},
};

macro_rules! contact_types {
    ($($variant:ident = $text:literal, $meaning:literal;)*) => {
        /// What a contact is to the tenant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ContactType {
            $(#[doc = $meaning] $variant,)*
        }

        impl ContactType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The type as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

contact_types! {
    Customer = "customer", "Someone the tenant works for.";
    GeneralContractor = "general_contractor", "Who runs the site and awards the work.";
    Architect = "architect", "Who designs.";
    City = "city", "A public authority.";
    Hoa = "hoa", "A home owners' association.";
    Vendor = "vendor", "Someone the tenant buys from.";
    Subcontractor = "subcontractor", "Someone who works for the tenant.";
    Supplier = "supplier", "Someone who delivers materials.";
    Employee = "employee", "One of the tenant's own people.";
    Partner = "partner", "A company the tenant works with.";
    Other = "other", "Anyone else.";
}

impl fmt::Display for ContactType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no type of contact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a type of contact")]
pub struct UnknownContactType(pub String);

impl FromStr for ContactType {
    type Err = UnknownContactType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|t| t.as_str() == text).ok_or_else(|| UnknownContactType(quoted(text)))
    }
}

impl serde::Serialize for ContactType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// All that a tenant says about a contact. Only the type is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactDetails {
    /// Given name.
    pub first_name: Option<Name>,
    /// Family name.
    pub last_name: Option<Name>,
    /// The company's name.
    pub company_name: Option<Name>,
    /// What they do there.
    pub position: Option<Text>,
    /// The contact this one belongs to, such as the company of a person.
    pub parent: Option<ContactId>,
    /// E-mail address.
    pub email: Option<Email>,
    /// Telephone number, as written.
    pub phone: Option<Text>,
    /// Mobile number, as written.
    pub mobile: Option<Text>,
    /// Web site, as written.
    pub website: Option<Text>,
    /// Anything else.
    pub notes: Option<Text>,
    /// What they are to the tenant.
    pub kind: ContactType,
}

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// What is known of it.
    pub details: ContactDetails,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Referable for Contact {
    const REFERENCE: &'static Reference = &Reference {
        one: "contact",
        table: "contacts",
        column: "id",
        ended: Some("deleted_at"),
        shape: None,
        searched: &["first_name", "last_name", "company_name", "email", "phone", "mobile", "notes"],
    };
}

impl Contact {
    /// Where it stands in lists.
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.get() }
    }
}
