//! The rules of webhook endpoints, without a database.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::{Arc, Mutex};

use bwp_domain::{
    execute::{Applied, Command, Context, Failure},
    fields::{Field, FieldErrors, Guard},
    ids::{DeliveryId, EndpointId},
    principal::Principal,
    testing::{ScriptedUnitOfWork, environment, tenant_id},
    vault::{Vault, VaultKey},
    webhooks::{
        CreateEndpoint, EditEndpoint, Endpoint, EndpointChanges, EndpointDraft, EndpointState, EventType,
        MOST_ENDPOINTS, NewEndpoint, ReplayDelivery, RotateSecret, UrlRefusal, WebhookError, WebhookUrl,
    },
};
use futures_executor::block_on;

fn apply<C>(uow: &mut ScriptedUnitOfWork, command: &C) -> Result<Applied<C::Output>, Failure<C::Error>>
where
    C: Command<ScriptedUnitOfWork>,
{
    let (principal, environment) = (Principal::Operator(tenant_id(1)), environment());
    block_on(command.apply(&Context::new(&principal, &environment), uow))
}

fn vault() -> Arc<Vault> {
    Arc::new(Vault::new(vec![VaultKey::generate(&*environment().entropy)]))
}

fn url(text: &str) -> WebhookUrl {
    WebhookUrl::parse(text.to_owned()).expect("good")
}

fn id() -> EndpointId {
    EndpointId::new(7).expect("an id")
}

fn endpoint() -> Endpoint {
    let at = environment().clock.now();
    Endpoint {
        id: id(),
        url: url("https://example.com/a"),
        description: None,
        event_types: vec![EventType::ContactCreated],
        state: EndpointState::Active,
        consecutive_failures: 3,
        last_delivered_at: None,
        created_at: at,
        updated_at: at,
    }
}

fn new_endpoint() -> NewEndpoint {
    NewEndpoint { url: url("https://example.com/a"), event_types: vec![EventType::BidAccepted], description: None }
}

fn rejected<T>(done: Result<Applied<T>, Failure<WebhookError>>) -> WebhookError {
    match done {
        Err(Failure::Rejected(error)) => error,
        Err(Failure::Store(error)) => panic!("{error}"),
        Ok(_) => panic!("it was done"),
    }
}

fn locking(endpoint: Endpoint) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.webhooks.expect_lock().times(1).return_once(move |_, _| Ok(Some(endpoint)));
    uow
}

fn edit(changes: EndpointChanges, refused: Option<UrlRefusal>) -> EditEndpoint {
    EditEndpoint { id: id(), changes, refused, guard: Guard::NONE }
}

#[test]
fn what_is_kept_of_a_new_endpoint_is_its_sealed_secret() {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let mut uow = ScriptedUnitOfWork::default();
    uow.webhooks.expect_count_in_turn().times(1).returning(|_| Ok(MOST_ENDPOINTS - 1));
    uow.webhooks.expect_insert().times(1).return_once(move |_, _, secret, _| {
        *keep.lock().expect("one thread") = Some(secret);
        Ok(endpoint())
    });
    let vault = vault();
    let command =
        CreateEndpoint { endpoint: new_endpoint(), refused: None, vault: Arc::clone(&vault), guard: Guard::NONE };
    let made = apply(&mut uow, &command).expect("made");
    let kept = kept.lock().expect("one thread").take().expect("kept");
    let secret = made.output.secret;
    assert!(secret.expose().starts_with("bwh_secret_") && secret.expose().len() == 75);
    assert!(!kept.0.windows(8).any(|window| secret.expose().as_bytes().windows(8).any(|other| window == other)));
    assert_eq!(kept.open(tenant_id(1), &vault), Ok(secret));
    assert!(kept.open(tenant_id(2), &vault).is_err(), "another tenant's is not opened");
    assert_eq!(made.noted.len(), 1);
}

#[test]
fn nothing_is_made_at_a_refused_url_beyond_the_most_or_without_a_key() {
    let create = |refused, vault| CreateEndpoint { endpoint: new_endpoint(), refused, vault, guard: Guard::NONE };
    let refused = create(Some(UrlRefusal::AddressNotAllowed), vault());
    let error = rejected(apply(&mut ScriptedUnitOfWork::default(), &refused));
    assert_eq!(error, WebhookError::Invalid(FieldErrors::one("url", UrlRefusal::AddressNotAllowed.fault())));
    let counting = |count| {
        let mut uow = ScriptedUnitOfWork::default();
        uow.webhooks.expect_count_in_turn().returning(move |_| Ok(count));
        uow
    };
    assert_eq!(rejected(apply(&mut counting(MOST_ENDPOINTS), &create(None, vault()))), WebhookError::TooMany);
    let locked = create(None, Arc::new(Vault::new(vec![])));
    assert_eq!(rejected(apply(&mut counting(0), &locked)), WebhookError::VaultLocked);
}

#[test]
fn a_url_is_guarded_when_it_changes() {
    let to = |text| EndpointChanges { url: Some(url(text)), ..EndpointChanges::default() };
    let moved = edit(to("https://example.com/b"), Some(UrlRefusal::AddressNotAllowed));
    assert!(matches!(rejected(apply(&mut locking(endpoint()), &moved)), WebhookError::Invalid(_)));
    // Its name may not be known just now: nothing of it changes.
    let same = edit(to("https://example.com/a"), Some(UrlRefusal::AddressNotAllowed));
    assert_eq!(apply(&mut locking(endpoint()), &same).expect("as it was").output, endpoint());
}

#[test]
fn an_endpoint_is_paused_and_enabled() {
    let set = |is_active| edit(EndpointChanges { is_active: Some(is_active), ..EndpointChanges::default() }, None);
    let disabled = || EndpointState::Disabled { at: endpoint().created_at, reason: "20 failures".to_owned() };
    for (before, is_active, after, failures) in [
        (EndpointState::Active, false, EndpointState::Paused, 3),
        (EndpointState::Active, true, EndpointState::Active, 3),
        (EndpointState::Paused, true, EndpointState::Active, 0),
        (disabled(), true, EndpointState::Active, 0),
        (disabled(), false, disabled(), 3),
    ] {
        let mut uow = locking(Endpoint { state: before.clone(), ..endpoint() });
        let changes = usize::from(before != after);
        uow.webhooks.expect_update().times(changes).returning(|_, _, _| Ok(()));
        let output = apply(&mut uow, &set(is_active)).expect("changed").output;
        assert_eq!((output.state, output.consecutive_failures), (after, failures), "{before:?} {is_active}");
    }
}

#[test]
fn a_rotation_keeps_the_secret_before_for_a_day() {
    let mut uow = locking(endpoint());
    uow.webhooks.expect_rotate().times(1).returning(|_, _, _, now, ends| {
        assert_eq!(ends.unix_millis() - now.unix_millis(), 24 * 3_600_000);
        Ok(())
    });
    apply(&mut uow, &RotateSecret { id: id(), vault: vault() }).expect("rotated");
}

#[test]
fn a_delivery_whose_endpoint_is_gone_is_not_replayed() {
    let replay = ReplayDelivery { id: DeliveryId::new(9).expect("an id") };
    let mut uow = ScriptedUnitOfWork::default();
    uow.webhooks.expect_endpoint_of().times(1).returning(|_, _| Ok(Some(id())));
    uow.webhooks.expect_lock().times(1).returning(|_, _| Ok(None));
    assert_eq!(rejected(apply(&mut uow, &replay)), WebhookError::EndpointDeleted);
    let mut uow = ScriptedUnitOfWork::default();
    uow.webhooks.expect_endpoint_of().times(1).returning(|_, _| Ok(None));
    assert_eq!(rejected(apply(&mut uow, &replay)), WebhookError::NoDelivery);
}

#[test]
fn every_fault_of_a_draft_is_told_and_what_was_found_of_its_host() {
    let types = |words: &[&str]| Field::Value(words.iter().map(|word| Field::Value((*word).to_owned())).collect());
    let text = |text: &str| Field::Value(text.to_owned());
    let draft = EndpointDraft {
        url: text("https://example.com"),
        event_types: types(&["bid.made"]),
        ..EndpointDraft::default()
    };
    let errors = draft.create(FieldErrors::new(), Some(UrlRefusal::AddressNotAllowed)).expect_err("wrong");
    let found: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.fault.code)).collect();
    assert_eq!(found, [("eventTypes[0]", "invalid_value"), ("url", "address_not_allowed")]);
    let draft = EndpointDraft {
        url: text("https://example.com"),
        event_types: types(&["bid.accepted", "lead.created", "bid.accepted"]),
        ..EndpointDraft::default()
    };
    let new =
        draft.create(FieldErrors::new(), Some(UrlRefusal::AddressNotAllowed)).expect("that is for the command to tell");
    assert_eq!(new.event_types, [EventType::BidAccepted, EventType::LeadCreated]);
    assert_eq!(EventType::ALL.len(), 35);
}
