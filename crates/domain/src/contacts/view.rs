//! Contacts, seen where they lie.

use super::{Contact, ContactDetails, ContactType};
use crate::{
    clock::Timestamp,
    fields::Fault,
    ids::ContactId,
    paging::{Limit, Page, Position},
    store::{Inconsistency, StoreError},
    text::{Email, Name, Text},
};

/// A contact whose texts are borrowed from wherever they were read: who only shows it needs no copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactView<'a> {
    /// Its id.
    pub id: ContactId,
    /// Given name.
    pub first_name: Option<&'a str>,
    /// Family name.
    pub last_name: Option<&'a str>,
    /// The company's name.
    pub company_name: Option<&'a str>,
    /// What they do there.
    pub position: Option<&'a str>,
    /// The contact this one belongs to.
    pub parent: Option<ContactId>,
    /// E-mail address.
    pub email: Option<&'a str>,
    /// Telephone number, as written.
    pub phone: Option<&'a str>,
    /// Mobile number, as written.
    pub mobile: Option<&'a str>,
    /// Web site, as written.
    pub website: Option<&'a str>,
    /// Anything else.
    pub notes: Option<&'a str>,
    /// What they are to the tenant.
    pub kind: ContactType,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ContactView<'_> {
    /// Where it stands in lists.
    pub const fn list_position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.get() }
    }

    /// A contact of its own. A text that is none of its kind was not stored by these rules.
    pub fn copied(&self) -> Result<Contact, StoreError> {
        Ok(Contact {
            id: self.id,
            details: ContactDetails {
                first_name: self.copy("first_name", self.first_name, Name::parse)?,
                last_name: self.copy("last_name", self.last_name, Name::parse)?,
                company_name: self.copy("company_name", self.company_name, Name::parse)?,
                position: self.copy("position", self.position, Text::parse)?,
                parent: self.parent,
                email: self.copy("email", self.email, Email::stored)?,
                phone: self.copy("phone", self.phone, Text::parse)?,
                mobile: self.copy("mobile", self.mobile, Text::parse)?,
                website: self.copy("website", self.website, Text::parse)?,
                notes: self.copy("notes", self.notes, Text::parse)?,
                kind: self.kind,
            },
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    fn copy<T>(
        &self,
        column: &'static str,
        text: Option<&str>,
        parse: impl FnOnce(String) -> Result<T, Fault>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| parse(text.to_owned())).transpose().map_err(|_| {
            StoreError::Inconsistent(Inconsistency { table: "contacts", column, row: self.id.to_string() })
        })
    }
}

/// Contacts as a store has read them, for a [`ContactPage`].
pub trait ContactRows: Send {
    /// How many.
    fn count(&self) -> usize;

    /// Shows the one at `index` to `viewer`.
    fn show(&self, index: usize, viewer: &mut dyn FnMut(&ContactView<'_>)) -> Result<(), StoreError>;
}

/// A page of contacts.
pub struct ContactPage {
    rows: Box<dyn ContactRows>,
    count: usize,
    /// Where the next page starts. `None` on the last page.
    pub next: Option<Position>,
}

impl ContactPage {
    /// Makes a page of `rows`, of which a store reads one more than `limit` to learn whether there is a next page.
    pub fn of(rows: impl ContactRows + 'static, limit: Limit) -> Result<Self, StoreError> {
        let count = rows.count().min(limit.get());
        let mut next = None;
        if rows.count() > count {
            rows.show(count - 1, &mut |last| next = Some(last.list_position()))?;
        }
        Ok(Self { rows: Box::new(rows), count, next })
    }

    /// How many contacts it has.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Shows each to `viewer`, in their order.
    pub fn show(&self, mut viewer: impl FnMut(&ContactView<'_>)) -> Result<(), StoreError> {
        (0..self.count).try_for_each(|index| self.rows.show(index, &mut viewer))
    }

    /// A page of contacts of its own, to be kept.
    pub fn copied(&self) -> Result<Page<Contact>, StoreError> {
        let mut items = Vec::with_capacity(self.count);
        self.show(|contact| items.push(contact.copied()))?;
        Ok(Page { items: items.into_iter().collect::<Result<_, _>>()?, next: self.next })
    }
}

impl ContactRows for Vec<Contact> {
    fn count(&self) -> usize {
        self.len()
    }

    fn show(&self, index: usize, viewer: &mut dyn FnMut(&ContactView<'_>)) -> Result<(), StoreError> {
        if let Some(contact) = self.get(index) {
            viewer(&contact.into());
        }
        Ok(())
    }
}

impl<'a> From<&'a Contact> for ContactView<'a> {
    fn from(contact: &'a Contact) -> Self {
        let details = &contact.details;
        Self {
            id: contact.id,
            first_name: details.first_name.as_deref(),
            last_name: details.last_name.as_deref(),
            company_name: details.company_name.as_deref(),
            position: details.position.as_deref(),
            parent: details.parent,
            email: details.email.as_deref(),
            phone: details.phone.as_deref(),
            mobile: details.mobile.as_deref(),
            website: details.website.as_deref(),
            notes: details.notes.as_deref(),
            kind: details.kind,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
        }
    }
}
