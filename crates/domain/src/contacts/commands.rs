//! Making, changing and deleting contacts.

use async_trait::async_trait;

use super::{Contact, ContactChanges, ContactDetails, ContactError, events, ports::HasContacts};
use crate::{
    execute::{Applied, Command, Context, Failure},
    ids::ContactId,
};

/// Makes a contact. Tells of `contact.created`.
#[derive(Debug)]
pub struct CreateContact(pub ContactDetails);

/// Changes what is sent of a contact. Tells of `contact.updated`, unless nothing changed.
#[derive(Debug)]
pub struct UpdateContact {
    /// Which contact.
    pub id: ContactId,
    /// What to change.
    pub changes: ContactChanges,
}

/// Deletes a contact; its row stays, unseen. Tells of `contact.deleted`.
#[derive(Debug)]
pub struct DeleteContact {
    /// Which contact.
    pub id: ContactId,
}

type Result<T> = std::result::Result<T, Failure<ContactError>>;

#[async_trait]
impl<U: HasContacts + ?Sized> Command<U> for CreateContact {
    type Output = Contact;
    type Error = ContactError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<Contact>> {
        if let Some(parent) = self.0.parent {
            hold_parent(context, uow, parent).await?;
        }
        let contact = uow.contacts().insert(context.tenant, &self.0, context.now).await?;
        let events = vec![events::created(context, &contact)];
        Ok(Applied::telling(contact, events))
    }
}

#[async_trait]
impl<U: HasContacts + ?Sized> Command<U> for UpdateContact {
    type Output = Contact;
    type Error = ContactError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<Contact>> {
        let before = lock(context, uow, self.id).await?;
        let mut contact = before.clone();
        self.changes.clone().apply(&mut contact.details);
        if contact == before {
            return Ok(Applied::silently(before));
        }
        // A parent that stays may have been deleted since: sending back what was read must work.
        if contact.details.parent != before.details.parent
            && let Some(parent) = contact.details.parent
        {
            if parent == self.id {
                return Err(Failure::Rejected(ContactError::own_parent()));
            }
            hold_parent(context, uow, parent).await?;
        }
        contact.updated_at = context.now.max(before.updated_at);
        uow.contacts().update(context.tenant, &contact).await?;
        let events = vec![events::updated(context, &contact, &before)];
        Ok(Applied::telling(contact, events))
    }
}

#[async_trait]
impl<U: HasContacts + ?Sized> Command<U> for DeleteContact {
    type Output = ();
    type Error = ContactError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<()>> {
        let contact = lock(context, uow, self.id).await?;
        uow.contacts().delete(context.tenant, self.id, context.now).await?;
        Ok(Applied::telling((), vec![events::deleted(context, &contact)]))
    }
}

async fn lock<U: HasContacts + ?Sized>(context: &Context<'_>, uow: &mut U, id: ContactId) -> Result<Contact> {
    let found = uow.contacts().lock(context.tenant, id).await?;
    found.ok_or(Failure::Rejected(ContactError::NotFound))
}

async fn hold_parent<U: HasContacts + ?Sized>(context: &Context<'_>, uow: &mut U, parent: ContactId) -> Result<()> {
    if uow.contacts().hold(context.tenant, parent).await? {
        Ok(())
    } else {
        Err(Failure::Rejected(ContactError::parent_not_found()))
    }
}

impl ContactChanges {
    fn apply(self, details: &mut ContactDetails) {
        self.first_name.apply(&mut details.first_name);
        self.last_name.apply(&mut details.last_name);
        self.company_name.apply(&mut details.company_name);
        self.position.apply(&mut details.position);
        self.parent.apply(&mut details.parent);
        self.email.apply(&mut details.email);
        self.phone.apply(&mut details.phone);
        self.mobile.apply(&mut details.mobile);
        self.website.apply(&mut details.website);
        self.notes.apply(&mut details.notes);
        if let Some(kind) = self.kind {
            details.kind = kind;
        }
    }
}
