//! How another program uses this crate: a rule of its own, tested with mocks.
//!
//! `docs/reusing-the-domain.md` shows pieces of this file. The last test makes sure that it still does.

use async_trait::async_trait;
use bwp_domain::{
    contacts::{Contact, ContactDetails, ContactDraft, ContactType, ports::HasContacts},
    execute::{Applied, Command, Context, ExecuteError, Executed, Failure, execute},
    fields::{Field, FieldErrors},
    idempotency::RenderedResponse,
    ids::ContactId,
    principal::{Caller, Principal, Refusal},
    scopes::{ScopeId, ScopeSet},
    testing::{self, Ending, ScriptedStore, ScriptedUnitOfWork},
};
use futures_executor::block_on;

/// A vendor that we work with closely becomes a partner.
struct MakePartner(ContactId);

#[derive(Debug, PartialEq)]
enum MakePartnerError {
    NotFound,
    NotAVendor,
}

#[async_trait]
impl<U: HasContacts + ?Sized> Command<U> for MakePartner {
    type Output = Contact;
    type Error = MakePartnerError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<Contact>, Failure<MakePartnerError>> {
        let found = uow.contacts().lock(context.tenant, self.0).await?;
        let mut contact = found.ok_or(Failure::Rejected(MakePartnerError::NotFound))?;
        if contact.details.kind != ContactType::Vendor {
            return Err(Failure::Rejected(MakePartnerError::NotAVendor));
        }
        contact.details.kind = ContactType::Partner;
        contact.updated_at = context.now;
        uow.contacts().update(context.tenant, &contact).await?;
        Ok(Applied::silently(contact))
    }
}

/// Contact 7, of this type.
fn contact(kind: ContactType) -> Contact {
    let mut contact = testing::contact(7, testing::details("Northwind Timber"));
    contact.details.kind = kind;
    contact
}

#[test]
fn a_new_contact_needs_a_type() {
    let draft = ContactDraft { company_name: Field::Value("Northwind Timber".to_owned()), ..ContactDraft::default() };
    let errors = ContactDetails::parse(draft, FieldErrors::new()).expect_err("there is no type");
    let wrong: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.fault.code)).collect();
    assert_eq!(wrong, [("type", "required")]);
}

#[test]
fn only_a_vendor_becomes_a_partner() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.contacts.expect_lock().return_once(|_, _| Ok(Some(contact(ContactType::Architect))));
    uow.contacts.expect_update().never();

    let (principal, environment) = (Principal::Operator(testing::tenant_id(1)), testing::environment());
    let context = Context::new(&principal, &environment);
    let done = block_on(MakePartner(contact(ContactType::Architect).id).apply(&context, &mut uow));

    assert!(matches!(done, Err(Failure::Rejected(MakePartnerError::NotAVendor))));
}

#[test]
fn a_contact_that_is_not_there_does_not_either() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.contacts.expect_lock().return_once(|_, _| Ok(None));

    let (principal, environment) = (Principal::Operator(testing::tenant_id(1)), testing::environment());
    let context = Context::new(&principal, &environment);
    let done = block_on(MakePartner(contact(ContactType::Vendor).id).apply(&context, &mut uow));

    assert!(matches!(done, Err(Failure::Rejected(MakePartnerError::NotFound))));
}

/// A caller with a key that may write contacts.
fn caller() -> Caller {
    let needs = ScopeSet::of(&[ScopeId::ContactsWrite]);
    let credential = testing::credential(&[ScopeId::ContactsWrite]);
    Caller { principal: Principal::Key(credential.into()), address: None, needs }
}

#[test]
fn a_change_is_committed_with_everything_that_belongs_to_it() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().return_once(|_, _| Ok(Some(testing::credential(&[ScopeId::ContactsWrite]).into())));
    uow.contacts.expect_lock().return_once(|_, _| Ok(Some(contact(ContactType::Vendor))));
    uow.contacts
        .expect_update()
        .withf(|_, stored| stored.details.kind == ContactType::Partner)
        .return_once(|_, _| Ok(()));
    let store = ScriptedStore::new([uow]);

    let command = MakePartner(contact(ContactType::Vendor).id);
    let render = |_: &Contact| RenderedResponse { status: 200, ..RenderedResponse::default() };
    let done = block_on(execute(&store, &testing::environment(), &caller(), None, &command, render));

    assert!(matches!(done, Ok(Executed::Applied { output, .. }) if output.details.kind == ContactType::Partner));
    assert_eq!(store.endings(), [Ending::Committed]);
}

#[test]
fn a_key_that_lost_its_scope_changes_nothing() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().return_once(|_, _| Ok(Some(testing::credential(&[ScopeId::ContactsRead]).into())));
    let store = ScriptedStore::new([uow]);

    let command = MakePartner(contact(ContactType::Vendor).id);
    let render = |_: &Contact| RenderedResponse::default();
    let done = block_on(execute(&store, &testing::environment(), &caller(), None, &command, render));

    assert!(matches!(done, Err(ExecuteError::Refused(Refusal::Scopes { .. }))));
    assert_eq!(store.endings(), [Ending::RolledBack]);
}

#[test]
fn the_page_shows_what_is_here() {
    let (page, here) = (include_str!("../../../docs/reusing-the-domain.md"), include_str!("reuse.rs"));
    let pieces: Vec<_> = page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(pieces.len() >= 4, "the page shows {} pieces", pieces.len());
    for piece in pieces {
        assert!(here.contains(piece), "not in tests/reuse.rs:\n{piece}");
    }
}
