//! Changing, rotating and revoking keys: what is stored, what is noted, and what is refused.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    clock::Timestamp,
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors, Guard},
    ids::KeyId,
    keys::{
        Allowlist, ApiKey, CreateKey, CreatedBy, EditKey, Excess, KeyChanges, KeyError, KeyMode, KeyName, KeyState,
        KeyStatus, NewKey, Overlap, RevokeIf, RevokeKey, RotateKey, RotatedKey, SeenKey, ports::KeyRecord,
    },
    principal::Principal,
    rate_limits::RateLimit,
    scopes::{ScopeId, ScopeSet},
    security::SecurityAction,
    testing::{ScriptedUnitOfWork, credential, environment, signed_in, tenant_id},
    users::{Permission, Role},
};
use futures_executor::block_on;
use mockall::predicate::{always, eq};

const DAY: Duration = Duration::from_hours(24);

fn now() -> Timestamp {
    environment().clock.now()
}

fn id(id: i64) -> KeyId {
    KeyId::new(id).expect("positive")
}

fn list(entries: &[&str]) -> Allowlist {
    Allowlist::parse(entries).expect("good entries")
}

/// The stored key 9, which everybody may use for contacts.
fn stored() -> ApiKey {
    ApiKey { id: id(9), ..credential(&[ScopeId::ContactsRead]).key }
}

fn expiring(at: Timestamp) -> ApiKey {
    ApiKey { state: KeyState::Active { expires_at: Some(at) }, ..stored() }
}

const OPERATOR: fn() -> Principal = || Principal::Operator(tenant_id(1));

/// The key 7, which may manage keys and holds this besides.
fn manager(change: impl FnOnce(&mut ApiKey)) -> Principal {
    let mut credential = credential(&[ScopeId::ApiKeysManage, ScopeId::ContactsRead, ScopeId::ContactsWrite]);
    change(&mut credential.key);
    Principal::Key(Arc::new(credential))
}

fn apply<C>(principal: &Principal, uow: &mut ScriptedUnitOfWork, command: &C) -> Result<Applied<C::Output>, C::Error>
where
    C: Command<ScriptedUnitOfWork>,
{
    block_on(command.apply(&Context::new(principal, &environment()), uow)).map_err(|failure| match failure {
        Failure::Rejected(error) => error,
        Failure::Store(error) => panic!("{error}"),
    })
}

/// In which this key is found by its id, and nothing else is asked.
fn locking(key: Option<ApiKey>) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.keys.expect_lock().with(eq(tenant_id(1)), eq(id(9))).times(1).return_once(|_, _| Ok(key));
    uow
}

/// In which this key is found, and stored as `after` says.
fn storing(key: ApiKey, after: impl Fn(&ApiKey) -> bool + Send + 'static) -> ScriptedUnitOfWork {
    let mut uow = locking(Some(key));
    uow.keys.expect_update().withf(move |_, key| after(key)).times(1).return_once(|_, _| Ok(()));
    uow
}

fn rename(name: &str) -> KeyChanges {
    KeyChanges { name: Some(KeyName::parse(name.to_owned()).expect("a name")), allowlist: None }
}

fn narrow(entries: &[&str]) -> KeyChanges {
    KeyChanges { name: None, allowlist: Some(list(entries)) }
}

fn edit(principal: &Principal, uow: &mut ScriptedUnitOfWork, changes: KeyChanges) -> Result<Applied<ApiKey>, KeyError> {
    apply(principal, uow, &EditKey::new(id(9), changes))
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_put_back() {
    let key = ApiKey { allowlist: list(&["192.0.2.1"]), ..stored() };
    let seen = |name: &str, entries: &[&str]| {
        let name = KeyName::parse(name.to_owned()).expect("a name");
        Some(SeenKey { name, allowlist: list(entries) })
    };
    let change = |seen| EditKey { seen, ..EditKey::new(id(9), rename("mine")) };
    let name = key.name.as_str();
    for (seen, expected) in
        [(seen("before", &["192.0.2.1"]), KeyError::RenamedMeanwhile), (seen(name, &[]), KeyError::ChangedMeanwhile)]
    {
        let mut uow = locking(Some(key.clone()));
        let done = apply(&OPERATOR(), &mut uow, &change(seen));
        assert_eq!(done.map(|_| ()).map_err(|error| error.to_string()), Err(expected.to_string()));
    }
    let mut uow = storing(key.clone(), |key| key.name.as_str() == "mine");
    assert!(apply(&OPERATOR(), &mut uow, &change(seen(name, &["192.0.2.1"]))).is_ok());
}

#[test]
fn what_is_said_of_other_fields_has_to_be_so_before_anything_is_changed() {
    let guard = Guard::new(|key: &ApiKey| match key.state {
        KeyState::Active { expires_at: None } => Ok(()),
        _ => Err(FieldErrors::one("expiresAt", Fault::new("read_only", "Has another value."))),
    });
    let change = EditKey { guard, ..EditKey::new(id(9), rename("mine")) };
    let mut uow = storing(stored(), |key| key.name.as_str() == "mine");
    assert!(apply(&OPERATOR(), &mut uow, &change).is_ok());
    let mut uow = locking(Some(expiring(now().plus(DAY))));
    let refused = apply(&OPERATOR(), &mut uow, &change).map(|_| ());
    assert!(matches!(refused, Err(KeyError::Invalid(errors)) if errors.to_string().contains("expiresAt")));
}

/// A unit of work in which a successor with the id 10 is stored.
fn succeeding(mut uow: ScriptedUnitOfWork, record: impl Fn(&KeyRecord) -> bool + Send + 'static) -> ScriptedUnitOfWork {
    uow.keys.expect_insert().with(eq(tenant_id(1)), always()).times(1).returning(move |tenant, given| {
        assert!(record(&given), "{given:?}");
        Ok(ApiKey {
            id: id(10),
            public_id: given.public_id,
            tenant,
            name: given.new.name,
            display_prefix: given.display_prefix,
            scopes: given.new.scopes,
            allowlist: given.new.allowlist,
            rate_limit: given.new.rate_limit,
            created_by: given.created_by,
            created_at: given.created_at,
            state: KeyState::Active { expires_at: given.new.expires_at },
            replaces: given.replaces,
            replaced_by: None,
        })
    });
    uow
}

fn rotate(
    principal: &Principal,
    uow: &mut ScriptedUnitOfWork,
    overlap: Duration,
) -> Result<Applied<RotatedKey>, KeyError> {
    let overlap = Overlap::new(overlap).expect("at most 7 days");
    apply(principal, uow, &RotateKey { id: id(9), overlap })
}

#[test]
fn an_edit_stores_what_changed_and_notes_each_change() {
    let before = ApiKey { allowlist: list(&["192.0.2.0/24"]), ..stored() };
    let mut uow = storing(before.clone(), |key| {
        key.name.as_str() == "renamed" && key.allowlist == list(&["192.0.2.7"]) && key.state == stored().state
    });
    let changes = KeyChanges { allowlist: Some(list(&["192.0.2.7"])), ..rename("renamed") };
    let edited = edit(&OPERATOR(), &mut uow, changes).expect("edited");
    let [SecurityAction::KeyRenamed { key, from }, SecurityAction::KeyAllowlistChanged { from: lists, to, .. }] =
        edited.noted.as_slice()
    else {
        panic!("{:?}", edited.noted)
    };
    assert_eq!((key.name.as_str(), from.as_str()), ("renamed", "sample"));
    assert_eq!((lists, to), (&vec!["192.0.2.0/24".to_owned()], &vec!["192.0.2.7".to_owned()]));
}

#[test]
fn an_edit_that_changes_nothing_stores_and_notes_nothing() {
    for changes in [KeyChanges::default(), rename("sample"), narrow(&[])] {
        let edited = edit(&OPERATOR(), &mut locking(Some(stored())), changes).expect("done");
        assert_eq!((edited.output, edited.noted), (stored(), vec![]));
    }
}

#[test]
fn a_key_that_cannot_be_used_is_not_edited_or_rotated() {
    let at = Timestamp::from_unix_millis(1);
    let revoked = ApiKey { state: KeyState::Revoked { at }, ..stored() };
    for (key, expected) in [
        (Some(revoked), KeyError::AlreadyRevoked { at }),
        (Some(expiring(now())), KeyError::Expired { at: now() }),
        (None, KeyError::NotFound),
    ] {
        let refused = edit(&OPERATOR(), &mut locking(key.clone()), rename("x")).map(|_| ());
        assert_eq!(refused, Err(expected.clone()));
        let refused = rotate(&OPERATOR(), &mut locking(key), DAY).map(|_| ());
        assert_eq!(refused, Err(expected));
    }
}

#[test]
fn a_successor_has_the_same_rights_and_the_old_key_an_end() {
    let before = ApiKey {
        allowlist: list(&["192.0.2.0/24"]),
        rate_limit: RateLimit::NONE,
        display_prefix: "bwp_test_0000".to_owned(),
        ..stored()
    };
    let end = now().plus(DAY);
    let uow = storing(before.clone(), move |key| {
        key.state == KeyState::Active { expires_at: Some(end) } && key.replaced_by == Some(id(10))
    });
    let mut uow = succeeding(uow, move |record| {
        let NewKey { name, scopes, allowlist, rate_limit, expires_at } = &record.new;
        *name == before.name
            && *scopes == before.scopes
            && *allowlist == before.allowlist
            && (*rate_limit, *expires_at) == (RateLimit::NONE, None)
            && record.display_prefix.starts_with("bwp_test_")
            && record.replaces == Some(id(9))
    });
    let rotated = rotate(&OPERATOR(), &mut uow, DAY).expect("rotated");
    let RotatedKey { successor, replaced } = rotated.output;
    assert_eq!((successor.key.mode(), successor.key.replaces), (KeyMode::Test, Some(id(9))));
    assert_eq!((replaced.status(now()), replaced.status(end)), (KeyStatus::Active, KeyStatus::Expired));
    let [SecurityAction::KeyRotated { key, successor: to, ends_at }, SecurityAction::KeyCreated { key: made, .. }] =
        rotated.noted.as_slice()
    else {
        panic!("{:?}", rotated.noted)
    };
    assert_eq!((key.id, to.id, made.id, ends_at.as_str()), (9, 10, 10, end.to_string().as_str()));
}

#[test]
fn the_old_key_never_works_longer_than_it_would_have() {
    for (expiry, overlap, end) in [
        (Some(now().plus(DAY)), DAY * 2, now().plus(DAY)),
        (Some(now().plus(DAY * 3)), DAY * 2, now().plus(DAY * 2)),
        (None, DAY * 7, now().plus(DAY * 7)),
    ] {
        let before = ApiKey { state: KeyState::Active { expires_at: expiry }, ..stored() };
        let uow = storing(before, move |key| key.state == KeyState::Active { expires_at: Some(end) });
        let mut uow = succeeding(uow, move |record| record.new.expires_at == expiry);
        rotate(&OPERATOR(), &mut uow, overlap).expect("rotated");
    }
}

#[test]
fn without_an_overlap_the_old_key_is_revoked() {
    let uow = storing(expiring(Timestamp::MAX), |key| key.state == KeyState::Revoked { at: now() });
    let mut uow = succeeding(uow, |record| record.new.expires_at == Some(Timestamp::MAX));
    let rotated = rotate(&OPERATOR(), &mut uow, Duration::ZERO).expect("rotated");
    assert_eq!(rotated.output.replaced.status(now()), KeyStatus::Revoked);
}

#[test]
fn a_key_has_one_successor_whatever_became_of_it() {
    for state in [
        KeyState::Active { expires_at: None },
        KeyState::Active { expires_at: Some(Timestamp::MIN) },
        KeyState::Revoked { at: Timestamp::MIN },
    ] {
        let replaced = ApiKey { replaced_by: Some(id(10)), state, ..stored() };
        let refused = rotate(&OPERATOR(), &mut locking(Some(replaced)), DAY).map(|_| ());
        assert_eq!(refused, Err(KeyError::Replaced { by: id(10) }));
    }
}

#[test]
fn an_overlap_is_0_to_7_days() {
    assert_eq!(Overlap::of_seconds(0), Ok(Overlap::NONE));
    assert_eq!(Overlap::of_seconds(604_800), Ok(Overlap::MAX));
    assert_eq!(Overlap::of_seconds(604_801).map_err(|fault| fault.code), Err("too_large"));
    assert_eq!(Overlap::of_seconds(-1).map_err(|fault| fault.code), Err("too_small"));
}

#[test]
fn revoking_is_stored_under_the_keys_lock_and_noted() {
    for expires_at in [None, Some(Timestamp::MIN), Some(Timestamp::MAX)] {
        let before = ApiKey { state: KeyState::Active { expires_at }, ..stored() };
        let mut uow = storing(before, |key| key.state == KeyState::Revoked { at: now() });
        let revoked = apply(&OPERATOR(), &mut uow, &RevokeKey::always(id(9))).expect("revoked");
        assert_eq!(revoked.output.state, KeyState::Revoked { at: now() });
        assert!(matches!(revoked.noted.as_slice(), [SecurityAction::KeyRevoked { key }] if key.id == 9));
    }
}

#[test]
fn a_key_is_revoked_once_and_keeps_the_time_of_it() {
    let at = Timestamp::from_unix_millis(1);
    // No expectation of `update`.
    let mut uow = locking(Some(ApiKey { state: KeyState::Revoked { at }, ..stored() }));
    let refused = apply(&OPERATOR(), &mut uow, &RevokeKey::always(id(9))).map(|_| ());
    assert_eq!(refused, Err(KeyError::AlreadyRevoked { at }));
    let refused = apply(&OPERATOR(), &mut locking(None), &RevokeKey::always(id(9))).map(|_| ());
    assert_eq!(refused, Err(KeyError::NotFound));
}

#[test]
fn who_revokes_a_key_that_was_just_rotated_is_told() {
    let revoke = |condition, replaced_by| {
        let mut uow = locking(Some(ApiKey { replaced_by, ..stored() }));
        uow.keys.expect_update().times(0..=1).returning(|_, _| Ok(()));
        let done = apply(&OPERATOR(), &mut uow, &RevokeKey { id: id(9), condition }).map(|_| ());
        assert!(done.is_ok() || done == Err(KeyError::Replaced { by: id(10) }), "{done:?}");
        done.is_ok()
    };
    assert!(revoke(RevokeIf::SuccessorIs(None), None));
    assert!(!revoke(RevokeIf::SuccessorIs(None), Some(id(10))));
    // Whoever saw the successor means the old key.
    assert!(revoke(RevokeIf::SuccessorIs(Some(id(10))), Some(id(10))));
    assert!(revoke(RevokeIf::Always, Some(id(10))));
}

#[test]
fn who_may_not_manage_keys_is_refused_before_anything_is_read() {
    let mut refused: Vec<Principal> = Role::ALL
        .into_iter()
        .filter(|role| *role != Role::CompanyAdmin)
        .map(|role| Principal::User(Arc::new(signed_in(role))))
        .collect();
    refused.push(Principal::Key(Arc::new(credential(&[ScopeId::ApiKeysRead, ScopeId::ContactsWrite]))));
    for principal in refused {
        let mut nothing = ScriptedUnitOfWork::default();
        let all = [
            apply(&principal, &mut nothing, &new(|_| ())).map(|_| ()),
            edit(&principal, &mut nothing, rename("x")).map(|_| ()),
            rotate(&principal, &mut nothing, DAY).map(|_| ()),
            apply(&principal, &mut nothing, &RevokeKey::always(id(9))).map(|_| ()),
        ];
        for done in all {
            assert!(
                matches!(&done, Err(KeyError::Forbidden(no)) if no.permission == Permission::ManageKeys),
                "{principal:?}: {done:?}"
            );
        }
    }
}

/// The making of a key that the manager may make, changed.
fn new(change: impl FnOnce(&mut NewKey)) -> CreateKey {
    let mut key = NewKey {
        name: KeyName::parse("new".to_owned()).expect("a name"),
        scopes: ScopeSet::of(&[ScopeId::ContactsRead]),
        allowlist: Allowlist::any(),
        rate_limit: RateLimit::OF_KEY,
        expires_at: None,
    };
    change(&mut key);
    CreateKey::new(KeyMode::Live, key)
}

#[test]
fn who_made_a_key_is_the_one_who_asked() {
    let admin = signed_in(Role::CompanyAdmin);
    let user = admin.user.id;
    for (principal, expected) in [
        (OPERATOR(), CreatedBy::Operator),
        (Principal::User(Arc::new(admin)), CreatedBy::User(user)),
        (manager(|_| ()), CreatedBy::Key(id(7))),
    ] {
        let mut uow = succeeding(ScriptedUnitOfWork::default(), move |record| record.created_by == expected);
        let made = apply(&principal, &mut uow, &new(|_| ())).expect("made");
        assert!(matches!(made.noted.as_slice(), [SecurityAction::KeyCreated { key, .. }] if key.id == 10));
    }
}

/// Which excesses a key is told of.
fn excesses(done: Result<(), KeyError>) -> Vec<Excess> {
    match done {
        Err(KeyError::Exceeds(excesses)) => excesses.iter().cloned().collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_makes_none_that_holds_more_and_is_told_each_excess() {
    let end = now().plus(DAY);
    let narrow = manager(|key| {
        key.allowlist = list(&["192.0.2.0/24"]);
        key.rate_limit = RateLimit::OF_KEY;
        key.state = KeyState::Active { expires_at: Some(end) };
    });
    let much = new(|key| {
        key.scopes = ScopeSet::of(&[ScopeId::ContactsRead, ScopeId::ContactsDelete, ScopeId::ApiKeysManage]);
        key.rate_limit = RateLimit::NONE;
    });
    let refused = apply(&narrow, &mut ScriptedUnitOfWork::default(), &much).map(|_| ());
    let only = ScopeSet::of;
    assert_eq!(
        excesses(refused),
        [
            Excess::Scopes(only(&[ScopeId::ContactsDelete])),
            Excess::Everywhere,
            Excess::RateLimit(RateLimit::OF_KEY),
            Excess::Expiry(end),
            Excess::GivenByAdmins(only(&[ScopeId::ApiKeysManage])),
        ]
    );
    let within = new(|key| {
        key.allowlist = list(&["192.0.2.128/25", "192.0.2.1"]);
        key.expires_at = Some(end);
    });
    let mut uow = succeeding(ScriptedUnitOfWork::default(), |_| true);
    assert!(apply(&narrow, &mut uow, &within).is_ok());
}

#[test]
fn an_admin_gives_what_no_key_hands_on() {
    let managing = new(|key| key.scopes = ScopeSet::of(&[ScopeId::ApiKeysManage, ScopeId::BidsSend]));
    for principal in [OPERATOR(), Principal::User(Arc::new(signed_in(Role::CompanyAdmin)))] {
        let mut uow = succeeding(ScriptedUnitOfWork::default(), |_| true);
        assert!(apply(&principal, &mut uow, &managing).is_ok());
    }
}

#[test]
fn a_key_edits_and_rotates_only_what_lies_within_itself() {
    let more = ApiKey { scopes: ScopeSet::of(&[ScopeId::BidsSend]), ..stored() };
    let expected = vec![Excess::Scopes(ScopeSet::of(&[ScopeId::BidsSend]))];
    assert_eq!(excesses(edit(&manager(|_| ()), &mut locking(Some(more.clone())), rename("x")).map(|_| ())), expected);
    assert_eq!(excesses(rotate(&manager(|_| ()), &mut locking(Some(more.clone())), DAY).map(|_| ())), expected);
    // Taking away is no handing on.
    assert!(apply(&manager(|_| ()), &mut storing(more, |_| true), &RevokeKey::always(id(9))).is_ok());
}

#[test]
fn a_key_widens_no_list_beyond_its_own() {
    let home = manager(|key| key.allowlist = list(&["192.0.2.0/24"]));
    let other = ApiKey { allowlist: list(&["192.0.2.7"]), ..stored() };
    for (entries, expected) in [
        (
            &["192.0.2.7", "192.0.3.0/24", "2001:db8::1"][..],
            Excess::Networks(vec!["192.0.3.0/24".into(), "2001:db8::1".into()]),
        ),
        (&[], Excess::Everywhere),
    ] {
        let refused = edit(&home, &mut locking(Some(other.clone())), narrow(entries)).map(|_| ());
        assert_eq!(excesses(refused), [expected]);
    }
    let wider = list(&["192.0.2.0/25"]);
    let mut uow = storing(other, move |key| key.allowlist == wider);
    assert!(edit(&home, &mut uow, narrow(&["192.0.2.0/25"])).is_ok());
}

#[test]
fn a_key_rotates_itself_and_its_successor_may_what_it_may() {
    let itself = manager(|key| key.id = id(9));
    let Principal::Key(credential) = &itself else { panic!("a key") };
    let scopes = credential.key.scopes;
    let mut uow = succeeding(storing(credential.key.clone(), |_| true), move |record| record.new.scopes == scopes);
    assert!(rotate(&itself, &mut uow, DAY).is_ok());
}
