//! How another program uses this crate: a rule of its own, tested with mocks.
//!
//! `docs/reusing-the-domain.md` shows pieces of this file. The last test makes sure that it still does.

use async_trait::async_trait;
use bwp_domain::{
    contacts::{Contact, ContactType},
    execute::{Applied, Command, Context, ExecuteError, Executed, Failure, execute},
    fields::FieldErrors,
    idempotency::RenderedResponse,
    principal::{Caller, Principal, Refusal},
    resource::{Body, Draft, Record, Resource, ResourceError, Told, store},
    scopes::{ScopeId, ScopeSet},
    store::UnitOfWork,
    testing::{self, Ending, ScriptedStore, ScriptedUnitOfWork},
};
use futures_executor::block_on;
use serde_json::json;

/// A vendor that we work with closely becomes a partner.
struct MakePartner(i64);

#[async_trait]
impl Command<dyn UnitOfWork> for MakePartner {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(Contact::SHAPE.scopes.write)
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>, Failure<ResourceError>> {
        let found = uow.rows().lock(context.tenant, Contact::SHAPE, self.0).await?;
        let before = found.ok_or(ResourceError::NotFound(Contact::SHAPE.one))?;
        let mut contact = before.typed::<Contact>()?.details;
        if contact.kind != ContactType::Vendor {
            return Err(ResourceError::Conflict("Only a vendor becomes a partner.".to_owned()).into());
        }
        contact.kind = ContactType::Partner;
        let (after, events) = store(&before, &contact, Told::Updated, context, uow).await?;
        Ok(Applied::telling(after, events))
    }
}

/// Contact 7, of this type.
fn contact(kind: ContactType) -> Record {
    let mut contact = testing::contact(7, testing::details("Northwind Timber"));
    contact.details.kind = kind;
    contact.record()
}

#[test]
fn a_new_contact_needs_a_type() {
    let body = json!({ "companyName": "Northwind Timber", "email": "office" });
    let read = Draft::read(Contact::SHAPE, &Body::New, body.as_object().expect("an object"), FieldErrors::new());
    let errors = read.expect_err("there is no type, and no address");
    let wrong: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.fault.code)).collect();
    assert_eq!(wrong, [("email", "invalid_format"), ("type", "required")]);
}

#[test]
fn only_a_vendor_becomes_a_partner() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.rows.expect_lock().return_once(|_, _, _| Ok(Some(contact(ContactType::Architect))));
    uow.rows.expect_update().never();

    let (principal, environment) = (Principal::Operator(testing::tenant_id(1)), testing::environment());
    let context = Context::new(&principal, &environment);
    let done = block_on(MakePartner(7).apply(&context, &mut uow));

    assert!(matches!(done, Err(Failure::Rejected(ResourceError::Conflict(_)))));
}

#[test]
fn a_contact_that_is_not_there_does_not_either() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.rows.expect_lock().return_once(|_, _, _| Ok(None));

    let (principal, environment) = (Principal::Operator(testing::tenant_id(1)), testing::environment());
    let context = Context::new(&principal, &environment);
    let done = block_on(MakePartner(7).apply(&context, &mut uow));

    assert!(matches!(done, Err(Failure::Rejected(ResourceError::NotFound("contact")))));
}

/// A caller with a key that may write contacts.
fn caller() -> Caller {
    let credential = testing::credential(&[ScopeId::ContactsWrite]);
    Caller { principal: Principal::Key(credential.into()), address: None, needs: ScopeSet::EMPTY }
}

#[test]
fn a_change_is_committed_with_everything_that_belongs_to_it() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().return_once(|_, _| Ok(Some(testing::credential(&[ScopeId::ContactsWrite]).into())));
    uow.rows.expect_lock().return_once(|_, _, _| Ok(Some(contact(ContactType::Vendor))));
    uow.rows.expect_update().once().return_once(|_, _, _| Ok(()));
    uow.outbox.expect_append().withf(|_, events| events[0].kind == "contact.updated").return_once(|_, _| Ok(()));
    let store = ScriptedStore::new([uow]);

    let render = |_: &Record| RenderedResponse { status: 200, ..RenderedResponse::default() };
    let done = block_on(execute(&store, &testing::environment(), &caller(), None, &MakePartner(7), render));

    let Ok(Executed::Applied { output, .. }) = done else { panic!("{done:?}") };
    assert_eq!(output.typed::<Contact>().expect("a contact").details.kind, ContactType::Partner);
    assert_eq!(store.endings(), [Ending::Committed]);
}

#[test]
fn a_key_that_lost_its_scope_changes_nothing() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().return_once(|_, _| Ok(Some(testing::credential(&[ScopeId::ContactsRead]).into())));
    let store = ScriptedStore::new([uow]);

    let render = |_: &Record| RenderedResponse::default();
    let done = block_on(execute(&store, &testing::environment(), &caller(), None, &MakePartner(7), render));

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
