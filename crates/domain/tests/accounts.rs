//! Changing a password, and what somebody does with their own sessions.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    accounts::{
        PasswordChange, PasswordChangeError, PasswordHash, TypedPassword, change_password,
        ports::{Asker, MockPasswordHasher, StoredAccount},
        set_password,
    },
    ids::{SessionId, TenantId},
    security::{Actor, SecurityAction, SecurityEntry},
    sessions::{OpenSession, Session, SessionError, choose, end_session, sign_out, sign_out_everywhere},
    sign_in::{Counted, DeviceToken, Failures, Origin, Refused},
    testing::{Ending, ScriptedStore, ScriptedUnitOfWork, environment, membership, open_session, tenant_id},
    text::Email,
    users::Role,
};
use futures_executor::block_on;

fn open() -> OpenSession {
    open_session(Role::Member)
}

fn stored(password: &str) -> StoredAccount {
    StoredAccount { account: open().account, password: PasswordHash::from_stored(password.to_owned()) }
}

fn change(new: &str) -> PasswordChange {
    PasswordChange {
        present: TypedPassword::new("correct horse battery".to_owned()),
        new: TypedPassword::new(new.to_owned()),
        origin: Origin::default(),
    }
}

/// One in which this is the session, if it is there.
fn held(session: Option<Session>) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.sessions.expect_lock().times(1).return_once(move |account, id| {
        assert_eq!((account, id), (open().account.id, open().session.id));
        Ok(session)
    });
    uow
}

fn session() -> Session {
    open().session
}

/// One that is over by now.
fn over() -> Session {
    let before = environment().clock.now().minus(Session::IDLE);
    Session { seen_at: before, ..open().session }
}

/// Expects one entry in the log of each of these tenants.
fn expect_notes(uow: &mut ScriptedUnitOfWork, tenants: &'static [i64], right: fn(&SecurityEntry) -> bool) {
    uow.sessions
        .expect_memberships()
        .return_once(|_| Ok(tenants.iter().map(|id| membership(*id, Role::Member)).collect()));
    let mut left: Vec<TenantId> = tenants.iter().map(|id| tenant_id(*id)).collect();
    uow.security_log.expect_append().times(tenants.len()).returning(move |tenant, entries| {
        assert_eq!((left.remove(0), entries.len()), (tenant, 1));
        assert!(right(&entries[0]), "{entries:?}");
        Ok(())
    });
}

/// One that counts the attempt.
fn admitting(before: usize) -> ScriptedUnitOfWork {
    let mut uow = held(Some(session()));
    uow.accounts.expect_lock().return_once(|_| Ok(Some(stored("$old"))));
    uow.sign_ins.expect_lock_failures().times(1).return_once(move |keys| {
        assert_eq!(keys, [Counted::PasswordChange(open().account.id).key()]);
        Ok(vec![Failures::new(vec![environment().clock.now(); before])])
    });
    uow.sign_ins.expect_store_failures().times(0..=1).returning(|_, _| Ok(()));
    uow
}

/// A browser that is known, which is to be the only one from then on.
fn here(uow: &mut ScriptedUnitOfWork) -> Origin {
    let device = DeviceToken::generate(&*environment().entropy);
    let hash = device.hash();
    uow.sign_ins.expect_forget().times(1).return_once(move |account, kept| {
        assert_eq!((account, kept), (open().account.id, Some(hash)));
        Ok(())
    });
    Origin { device: Some(device), ..Origin::default() }
}

fn hasher(right: bool) -> MockPasswordHasher {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_verify().times(1).return_once(move |_, hash, asker| {
        assert_eq!(asker, Asker::Known);
        assert_eq!(hash.expect("an account's").as_str(), "$old");
        Ok(right)
    });
    hasher.expect_hash().times(usize::from(right)).returning(|_| Ok(PasswordHash::from_stored("$new".to_owned())));
    hasher
}

#[test]
fn a_password_is_changed_every_other_session_ends_and_this_one_is_renewed() {
    let mut second = held(Some(session()));
    second.accounts.expect_lock().return_once(|_| Ok(Some(stored("$old"))));
    second.accounts.expect_set_password().times(1).return_once(|_, new| {
        assert_eq!(new.as_str(), "$new");
        Ok(())
    });
    second.sign_ins.expect_lock_failures().returning(|_| Ok(vec![Failures::new(vec![environment().clock.now()])]));
    second.sign_ins.expect_store_failures().times(1).returning(|_, failures| {
        assert_eq!(failures.times(), []);
        Ok(())
    });
    second.sessions.expect_end_all().times(1).return_once(|_, except| {
        assert_eq!(except, Some(open().session.id));
        Ok(())
    });
    second.sessions.expect_renew().times(1).return_once(|id, _, acts_as| {
        assert_eq!((id, acts_as), (open().session.id, open().session.acts_as));
        Ok(())
    });
    expect_notes(&mut second, &[1, 2], |entry| {
        matches!((&entry.action, &entry.actor), (SecurityAction::PasswordChanged { .. }, Actor::User { .. }))
    });
    let origin = here(&mut second);
    let store = ScriptedStore::new([admitting(0), second]);
    let changed = block_on(change_password(
        &store,
        &environment(),
        &hasher(true),
        &Refused::default(),
        &open(),
        PasswordChange { origin, ..change("another horse battery") },
    ));
    assert!(changed.is_ok(), "{changed:?}");
    assert_eq!(store.endings(), [Ending::Committed, Ending::Committed]);
}

#[test]
fn the_present_password_is_needed_and_the_new_one_has_rules() {
    let store = ScriptedStore::new([admitting(0)]);
    let changed = block_on(change_password(
        &store,
        &environment(),
        &hasher(false),
        &Refused::default(),
        &open(),
        change("another horse battery"),
    ));
    let Err(PasswordChangeError::Invalid(errors)) = changed else { panic!("{changed:?}") };
    assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["presentPassword"]);
    assert_eq!(store.endings(), [Ending::Committed], "the attempt stays counted");

    for new in ["short", "passwordpassword", "ann@example.com"] {
        let store = ScriptedStore::new([]);
        let changed = block_on(change_password(
            &store,
            &environment(),
            &MockPasswordHasher::new(),
            &Refused::default(),
            &open(),
            change(new),
        ));
        let Err(PasswordChangeError::Invalid(errors)) = changed else { panic!("{changed:?}") };
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["newPassword"], "{new}");
    }
}

#[test]
fn a_present_password_that_is_too_long_is_wrong_and_is_not_hashed() {
    let long = TypedPassword::new("a".repeat(1025));
    let change = PasswordChange { present: long, ..change("another horse battery") };
    let store = ScriptedStore::new([]);
    let done = block_on(change_password(
        &store,
        &environment(),
        &MockPasswordHasher::new(),
        &Refused::default(),
        &open(),
        change,
    ));
    let Err(PasswordChangeError::Invalid(errors)) = done else { panic!("{done:?}") };
    assert!(errors.iter().all(|error| error.field == "presentPassword"), "{errors}");
}

#[test]
fn guesses_at_the_present_password_are_few() {
    let store = ScriptedStore::new([admitting(Counted::OF_PASSWORD_CHANGE)]);
    let hasher = MockPasswordHasher::new();
    let changed = block_on(change_password(
        &store,
        &environment(),
        &hasher,
        &Refused::default(),
        &open(),
        change("another horse battery"),
    ));
    assert!(matches!(changed, Err(PasswordChangeError::TooMany(_))), "{changed:?}");
}

#[test]
fn a_password_that_was_changed_meanwhile_is_not_changed_again() {
    let mut second = held(Some(session()));
    second.accounts.expect_lock().return_once(|_| Ok(Some(stored("$changed"))));
    let store = ScriptedStore::new([admitting(0), second]);
    let changed = block_on(change_password(
        &store,
        &environment(),
        &hasher(true),
        &Refused::default(),
        &open(),
        change("another horse battery"),
    ));
    assert!(matches!(changed, Err(PasswordChangeError::Invalid(_))), "{changed:?}");
    assert_eq!(store.endings(), [Ending::Committed, Ending::RolledBack]);
}

#[test]
fn the_operator_gives_another_password_to_who_forgot_theirs() {
    let email = Email::parse("ann@example.com".to_owned()).expect("an address");
    let new = PasswordHash::from_stored("$new".to_owned());
    let mut uow = ScriptedUnitOfWork::default();
    uow.accounts.expect_lock_by_email().return_once(|_| Ok(Some(open().account)));
    uow.accounts.expect_set_password().times(1).return_once(|_, _| Ok(()));
    uow.sessions.expect_end_all().times(1).return_once(|_, except| {
        assert_eq!(except, None);
        Ok(())
    });
    uow.sign_ins.expect_forget().times(1).return_once(|_, kept| {
        assert_eq!(kept, None);
        Ok(())
    });
    // Nor do the guesses of others keep them out.
    uow.sign_ins.expect_lock_failures().times(1).return_once(|_| Ok(vec![Failures::default()]));
    uow.sign_ins.expect_store_failures().times(1).return_once(|_, failures| {
        assert_eq!(*failures, Failures::default());
        Ok(())
    });
    expect_notes(&mut uow, &[1], |entry| {
        matches!((&entry.action, &entry.actor), (SecurityAction::PasswordChanged { .. }, Actor::Operator))
    });
    let mut nobody = ScriptedUnitOfWork::default();
    nobody.accounts.expect_lock_by_email().return_once(|_| Ok(None));
    let store = ScriptedStore::new([uow, nobody]);
    let set = block_on(set_password(&store, &environment(), &email, &new)).expect("no failure");
    assert_eq!(set, Some(open().account));
    assert_eq!(block_on(set_password(&store, &environment(), &email, &new)).expect("no failure"), None);
}

#[test]
fn a_tenant_is_chosen_under_a_new_token_and_its_log_says_so() {
    let mut uow = held(Some(session()));
    uow.sessions
        .expect_memberships()
        .return_once(|_| Ok(vec![membership(1, Role::Member), membership(2, Role::Viewer)]));
    uow.sessions.expect_renew().times(1).return_once(|_, _, acts_as| {
        assert_eq!(acts_as.expect("somebody").0, tenant_id(2));
        Ok(())
    });
    uow.sessions.expect_note().times(1).return_once(|session, tenant, _| {
        assert_eq!((session, tenant), (open().session.id, tenant_id(2)));
        Ok(true)
    });
    uow.security_log.expect_append().times(1).return_once(|tenant, entries| {
        assert_eq!(tenant, tenant_id(2));
        assert!(matches!(entries[0].action, SecurityAction::SignedIn { .. }));
        Ok(())
    });
    let store = ScriptedStore::new([uow]);
    block_on(choose(&store, &environment(), &open(), None, tenant_id(2))).expect("chosen");
    assert_eq!(store.endings(), [Ending::Committed]);
}

#[test]
fn a_tenant_that_was_chosen_within_the_hour_is_not_noted_again() {
    let mut uow = held(Some(session()));
    uow.sessions.expect_memberships().return_once(|_| Ok(vec![membership(2, Role::Viewer)]));
    uow.sessions.expect_renew().times(1).return_once(|_, _, _| Ok(()));
    uow.sessions.expect_note().times(1).return_once(|_, _, _| Ok(false));
    // A log that is appended to fails the test.
    block_on(choose(&ScriptedStore::new([uow]), &environment(), &open(), None, tenant_id(2))).expect("chosen");
}

#[test]
fn who_guessed_too_often_at_the_present_password_is_refused_without_asking_the_store() {
    let refused = Refused::default();
    let store = ScriptedStore::new([admitting(Counted::OF_PASSWORD_CHANGE)]);
    for _ in 0..3 {
        let hasher = MockPasswordHasher::new();
        let new = change("another horse battery");
        let changed = block_on(change_password(&store, &environment(), &hasher, &refused, &open(), new));
        assert!(matches!(changed, Err(PasswordChangeError::TooMany(_))), "{changed:?}");
    }
    assert_eq!(store.endings(), [Ending::RolledBack], "it was asked once");
}

#[test]
fn nobody_acts_where_they_are_no_active_user() {
    let mut uow = held(Some(session()));
    uow.sessions.expect_memberships().return_once(|_| Ok(vec![membership(1, Role::Member)]));
    let store = ScriptedStore::new([uow]);
    let chosen = block_on(choose(&store, &environment(), &open(), None, tenant_id(3)));
    assert!(matches!(chosen, Err(SessionError::NotAMember)), "{chosen:?}");
    assert_eq!(store.endings(), [Ending::RolledBack]);
}

#[test]
fn signing_out_everywhere_ends_all_and_every_tenant_learns_of_it() {
    let mut uow = held(Some(session()));
    uow.sessions.expect_end_all().times(1).return_once(|_, except| {
        assert_eq!(except, None);
        Ok(())
    });
    expect_notes(&mut uow, &[1, 2], |entry| matches!(entry.action, SecurityAction::SignedOutEverywhere { .. }));
    let origin = here(&mut uow);
    let store = ScriptedStore::new([uow]);
    block_on(sign_out_everywhere(&store, &environment(), &open(), None, origin.device.as_ref().map(DeviceToken::hash)))
        .expect("done");
    assert_eq!(store.endings(), [Ending::Committed]);
}

#[test]
fn one_session_ends_and_one_of_somebody_else_is_not_there() {
    let other = SessionId::new(10).expect("positive");
    for there in [true, false] {
        let mut uow = held(Some(session()));
        uow.sessions.expect_end().times(1).return_once(move |account, id| {
            assert_eq!((account, id), (open().account.id, other));
            Ok(there)
        });
        let store = ScriptedStore::new([uow]);
        let ended = block_on(end_session(&store, &environment(), &open(), other));
        assert_eq!(ended.is_ok(), there);
        assert!(there || matches!(ended, Err(SessionError::NotFound)), "{ended:?}");
    }
    // Who signs out twice is signed out.
    let mut uow = held(None);
    uow.sessions.expect_end().return_once(|_, _| Ok(false));
    block_on(sign_out(&ScriptedStore::new([uow]), &open())).expect("no fault");
}

#[test]
fn by_a_session_that_has_ended_or_is_over_nothing_is_done() {
    for gone in [None, Some(over())] {
        let store = ScriptedStore::new((0..4).map(|_| held(gone.clone())));
        let chosen = block_on(choose(&store, &environment(), &open(), None, tenant_id(1)));
        assert!(matches!(chosen, Err(SessionError::SignedOut)), "{chosen:?}");
        let ended = block_on(end_session(&store, &environment(), &open(), open().session.id));
        assert!(matches!(ended, Err(SessionError::SignedOut)), "{ended:?}");
        let ended = block_on(sign_out_everywhere(&store, &environment(), &open(), None, None));
        assert!(matches!(ended, Err(SessionError::SignedOut)), "{ended:?}");
        let hasher = MockPasswordHasher::new();
        let changed = block_on(change_password(
            &store,
            &environment(),
            &hasher,
            &Refused::default(),
            &open(),
            change("another horse battery"),
        ));
        assert!(matches!(changed, Err(PasswordChangeError::SignedOut)), "{changed:?}");
        assert_eq!(store.endings(), [Ending::RolledBack; 4]);
    }
}
