//! Signing in: what is counted, what is compared, and what comes of it.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{net::IpAddr, time::Duration};

use bwp_domain::{
    accounts::{
        Password, PasswordHash, TypedPassword,
        ports::{Asker, MockPasswordHasher, PasswordHasherError, StoredAccount},
    },
    clock::Timestamp,
    ids::{AccountId, DeviceId},
    security::SecurityAction,
    sessions::{Membership, Session},
    sign_in::{
        Counted, DeviceToken, Failures, FailuresKey, Origin, Refused, SignInAttempt, SignInError, SignedInNow, TooMany,
        sign_in,
    },
    store::StoreError,
    testing::{Ending, ScriptedStore, ScriptedUnitOfWork, SequentialEntropy, account, environment, membership},
    text::Email,
    users::Role,
};
use futures_executor::block_on;
use proptest::{collection::vec, prelude::*};

const ADDRESS: &str = "192.0.2.1";

fn email(text: &str) -> Email {
    Email::typed(text).expect("a text")
}

fn stored(password: &str) -> StoredAccount {
    StoredAccount { account: account(5, "Ann@example.com"), password: PasswordHash::from_stored(password.to_owned()) }
}

fn attempt(device: Option<DeviceToken>) -> SignInAttempt {
    SignInAttempt {
        email: " ann@example.com ".to_owned(),
        password: TypedPassword::new("correct horse battery".to_owned()),
        origin: Origin { address: ADDRESS.parse().ok(), user_agent: None, device },
    }
}

fn address() -> Counted<'static> {
    Counted::Address(ADDRESS.parse().ok())
}

fn keys(counted: &[Counted<'_>]) -> Vec<FailuresKey> {
    counted.iter().map(Counted::key).collect()
}

/// One that looks for the account, and counts the attempt under these keys, which have `before` already.
fn look_up(
    found: Option<StoredAccount>,
    owners: Option<Vec<(AccountId, DeviceId)>>,
    expected: Vec<FailuresKey>,
    before: Failures,
) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.accounts.expect_find_by_email().times(1).return_once(move |_| Ok(found));
    if let Some(owners) = owners {
        uow.sign_ins.expect_owners().times(1).return_once(move |_, _| Ok(owners));
    }
    let count = expected.len();
    uow.sign_ins.expect_lock_failures().times(1).return_once(move |keys| {
        assert_eq!(keys, expected);
        Ok(vec![before; keys.len()])
    });
    uow.sign_ins.expect_store_failures().times(0..=count).returning(|_, failures| {
        assert!(failures.times().contains(&environment().clock.now()));
        Ok(())
    });
    uow
}

/// One in which the account is still as it was, that makes a session.
fn let_in(now: Option<StoredAccount>, memberships: Vec<Membership>) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.accounts.expect_lock().times(1).return_once(move |_| Ok(now));
    let of_account = Counted::SignIn(stored("$").account.id).key();
    uow.sign_ins.expect_lock_failures().returning(move |keys| {
        let before = if keys == [of_account] { vec![] } else { vec![environment().clock.now()] };
        Ok(vec![Failures::new(before); keys.len()])
    });
    uow.sign_ins.expect_store_failures().returning(move |key, failures| {
        // What was counted as a failure was none, and what succeeded is counted apart.
        assert_eq!(failures.times().len(), usize::from(*key == of_account));
        Ok(())
    });
    uow.sign_ins.expect_remember().returning(|_, _, _, _| Ok(()));
    uow.sessions.expect_memberships().return_once(move |_| Ok(memberships));
    uow
}

fn expect_session(uow: &mut ScriptedUnitOfWork, acts: bool) {
    uow.sessions.expect_note().times(usize::from(acts)).returning(|_, _, _| Ok(true));
    uow.sessions.expect_insert().times(1).return_once(move |record| {
        assert_eq!(record.acts_as.is_some(), acts);
        Ok(Session {
            id: bwp_domain::ids::SessionId::new(1).expect("positive"),
            acts_as: record.acts_as,
            created_at: record.created_at,
            seen_at: record.created_at,
        })
    });
}

fn hasher(answer: Result<bool, PasswordHasherError>, known: bool) -> MockPasswordHasher {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_verify().times(1).return_once(move |_, hash, _| {
        assert_eq!(hash.is_some(), known);
        answer
    });
    hasher
}

fn run(
    script: Vec<ScriptedUnitOfWork>,
    hasher: &MockPasswordHasher,
    attempt: SignInAttempt,
) -> (Result<SignedInNow, SignInError>, Vec<Ending>) {
    run_beside(&Refused::default(), script, hasher, attempt)
}

fn run_beside(
    refused: &Refused,
    script: Vec<ScriptedUnitOfWork>,
    hasher: &MockPasswordHasher,
    attempt: SignInAttempt,
) -> (Result<SignedInNow, SignInError>, Vec<Ending>) {
    let store = ScriptedStore::new(script);
    (block_on(sign_in(&store, &environment(), hasher, refused, attempt)), store.endings())
}

fn unknown_browser(email: &Email) -> Vec<FailuresKey> {
    keys(&[address(), Counted::Email(email)])
}

/// PostgreSQL takes `İ` for `i` in some collations. Counted under the plain address, guesses at the odd one would tell of it.
#[test]
fn an_address_is_anothers_if_only_the_store_takes_its_letters_for_the_same() {
    let odd = email("Ann@exampİe.com");
    let found = StoredAccount { account: account(5, "ann@exampie.com"), ..stored("$") };
    let script = look_up(Some(found), None, unknown_browser(&odd), Failures::default());
    let attempt = SignInAttempt { email: odd.to_string(), ..attempt(None) };
    let (done, endings) = run(vec![script], &hasher(Ok(false), false), attempt);
    assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
    assert_eq!(endings, [Ending::Committed]);
}

#[test]
fn the_right_password_makes_a_session_that_acts_as_the_one_user_and_says_so() {
    let first = look_up(Some(stored("$")), None, unknown_browser(&email("ANN@EXAMPLE.COM")), Failures::default());
    let mut second = let_in(Some(stored("$")), vec![membership(1, Role::Member)]);
    expect_session(&mut second, true);
    second.security_log.expect_append().times(1).return_once(|tenant, entries| {
        assert_eq!(tenant.get(), 1);
        assert_eq!(entries[0].address, ADDRESS.parse::<IpAddr>().ok());
        assert!(matches!(entries[0].action, SecurityAction::SignedIn { .. }), "{entries:?}");
        Ok(())
    });
    let (done, endings) = run(vec![first, second], &hasher(Ok(true), true), attempt(None));
    let done = done.expect("signed in");
    assert_eq!((done.account.id.get(), done.memberships.len()), (5, 1));
    assert_ne!(done.session.expose(), done.device.expose());
    assert_eq!(endings, [Ending::Committed, Ending::Committed]);
}

#[test]
fn with_none_or_many_to_choose_from_the_session_acts_as_nobody() {
    for memberships in [vec![], vec![membership(1, Role::Member), membership(2, Role::CompanyAdmin)]] {
        let first = look_up(Some(stored("$")), None, unknown_browser(&email("ann@example.com")), Failures::default());
        let mut second = let_in(Some(stored("$")), memberships.clone());
        expect_session(&mut second, false);
        let (done, _) = run(vec![first, second], &hasher(Ok(true), true), attempt(None));
        assert_eq!(done.expect("signed in").memberships, memberships);
    }
}

#[test]
fn an_unknown_account_and_a_wrong_password_are_one_answer_and_the_same_work() {
    for (found, known) in [(Some(stored("$")), true), (None, false)] {
        let uow = look_up(found, None, unknown_browser(&email("ann@example.com")), Failures::default());
        let (done, endings) = run(vec![uow], &hasher(Ok(false), known), attempt(None));
        assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
        assert_eq!(endings, [Ending::Committed], "the attempt stays counted");
    }
    // Not even a hasher that is mistaken lets nobody in.
    let uow = look_up(None, None, unknown_browser(&email("ann@example.com")), Failures::default());
    let (done, _) = run(vec![uow], &hasher(Ok(true), false), attempt(None));
    assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
}

#[test]
fn a_password_that_was_changed_meanwhile_is_wrong() {
    for now in [Some(stored("$new")), None] {
        let first = look_up(Some(stored("$")), None, unknown_browser(&email("ann@example.com")), Failures::default());
        let mut second = ScriptedUnitOfWork::default();
        second.accounts.expect_lock().times(1).return_once(move |_| Ok(now));
        let (done, endings) = run(vec![first, second], &hasher(Ok(true), true), attempt(None));
        assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
        assert_eq!(endings, [Ending::Committed, Ending::RolledBack]);
    }
}

#[test]
fn too_many_failures_are_refused_before_the_password_is_looked_at() {
    let now = environment().clock.now();
    let many = Failures::new((0..10).map(|n| now.minus(Duration::from_secs(n))).collect());
    let uow = look_up(Some(stored("$")), None, unknown_browser(&email("ann@example.com")), many);
    // A hasher that is asked fails the test.
    let (done, endings) = run(vec![uow], &MockPasswordHasher::new(), attempt(None));
    let Err(SignInError::TooMany(TooMany { retry_after })) = done else { panic!("{done:?}") };
    assert_eq!(retry_after + Duration::from_secs(9), Failures::WINDOW);
    assert_eq!(endings, [Ending::RolledBack], "a refused attempt is not counted");
}

fn too_many(count: i64) -> Failures {
    let now = environment().clock.now();
    Failures::new((0..count).map(|n| now.minus(Duration::from_millis(n.unsigned_abs()))).collect())
}

fn is_refused(done: &Result<SignedInNow, SignInError>) -> bool {
    matches!(done, Err(SignInError::TooMany(_)))
}

#[test]
fn who_was_refused_is_refused_again_without_asking_the_store() {
    let refused = Refused::default();
    let uow = look_up(Some(stored("$")), None, unknown_browser(&email("ann@example.com")), too_many(10));
    let run = |script, attempt| run_beside(&refused, script, &MockPasswordHasher::new(), attempt);
    assert!(is_refused(&run(vec![uow], attempt(None)).0));
    // A store that is asked fails the test.
    for email in ["ann@example.com", "ANN@Example.com "] {
        let (done, endings) = run(vec![], SignInAttempt { email: email.to_owned(), ..attempt(None) });
        assert!(is_refused(&done) && endings.is_empty(), "{done:?}");
    }
    // From elsewhere as well: that address has too many failures.
    let elsewhere = Origin { address: "192.0.2.2".parse().ok(), ..Origin::default() };
    let (done, endings) = run(vec![], SignInAttempt { origin: elsewhere, ..attempt(None) });
    assert!(is_refused(&done) && endings.is_empty(), "{done:?}");
    // Nobody else is: the store is asked, and has no more units of work.
    let elsewhere = Origin { address: "192.0.2.2".parse().ok(), ..Origin::default() };
    let bob = SignInAttempt { email: "bob@example.com".to_owned(), origin: elsewhere, ..attempt(None) };
    let (done, _) = run(vec![], bob);
    assert!(matches!(done, Err(SignInError::Store(_))), "{done:?}");
}

#[test]
fn in_a_browser_with_a_token_the_store_is_asked_once_whether_it_is_known() {
    let refused = Refused::default();
    let entropy = SequentialEntropy::default();
    let (device, another) = (DeviceToken::generate(&entropy), DeviceToken::generate(&entropy));
    let run = |script, attempt| run_beside(&refused, script, &MockPasswordHasher::new(), attempt);
    let others = unknown_browser(&email("ann@example.com"));
    let uow = look_up(Some(stored("$")), None, others.clone(), too_many(20));
    assert!(is_refused(&run(vec![uow], attempt(None)).0));
    for token in [device, another] {
        // It may be its owner's, so it is looked at; no row is locked for it.
        let mut looking = ScriptedUnitOfWork::default();
        looking.accounts.expect_find_by_email().times(1).return_once(|_| Ok(Some(stored("$"))));
        looking.sign_ins.expect_owners().times(1).return_once(|_, _| Ok(vec![]));
        let (done, endings) = run(vec![looking], attempt(Some(token.clone())));
        assert!(is_refused(&done), "{done:?}");
        assert_eq!(endings, [Ending::RolledBack]);
        let (done, endings) = run(vec![], attempt(Some(token)));
        assert!(is_refused(&done) && endings.is_empty(), "{done:?}");
    }
    // The owner's own has failures of its own.
    let owners = DeviceToken::generate(&entropy);
    let known = DeviceId::new(15).expect("positive");
    let own = vec![(AccountId::new(5).expect("positive"), known)];
    let uow = look_up(Some(stored("$")), Some(own), keys(&[Counted::Device(known)]), Failures::default());
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_verify().times(1).return_once(|_, _, asker| {
        assert_eq!(asker, Asker::Known);
        Ok(false)
    });
    let (done, _) = run_beside(&refused, vec![uow], &hasher, attempt(Some(owners)));
    assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
}

#[test]
fn what_was_forgiven_makes_room_at_once() {
    let refused = Refused::default();
    let others = unknown_browser(&email("ann@example.com"));
    let first = look_up(Some(stored("$")), None, others.clone(), Failures::default());
    let mut second = let_in(Some(stored("$")), vec![]);
    expect_session(&mut second, false);
    // While this one is looked at, others at the same address are refused: its failure is the twentieth.
    for key in others {
        refused.remember(key, TooMany { retry_after: Failures::WINDOW }, environment().clock.now());
        refused.forget(&[key]);
    }
    let mut hasher = MockPasswordHasher::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    hasher.expect_verify().times(1).return_once(move |_, _, asker| {
        sender.send(asker).expect("somebody listens");
        Ok(true)
    });
    let (done, _) = run_beside(&refused, vec![first, second], &hasher, attempt(None));
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(receiver.recv(), Ok(Asker::Stranger));
    let uow = look_up(Some(stored("$")), None, unknown_browser(&email("ann@example.com")), Failures::default());
    let (done, _) = run_beside(&refused, vec![uow], &self::hasher(Ok(false), true), attempt(None));
    assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
}

#[test]
fn an_account_is_signed_in_to_so_often_and_no_more() {
    let first = look_up(Some(stored("$")), None, unknown_browser(&email("ann@example.com")), Failures::default());
    let mut second = ScriptedUnitOfWork::default();
    second.accounts.expect_lock().times(1).return_once(|_| Ok(Some(stored("$"))));
    second.sign_ins.expect_store_failures().times(2).returning(|_, _| Ok(()));
    second.sign_ins.expect_lock_failures().times(2).returning(|keys| {
        let count = if keys.len() == 1 { Counted::OF_SIGN_IN } else { 1 };
        Ok(vec![too_many(i64::try_from(count).expect("small")); keys.len()])
    });
    let (done, endings) = run(vec![first, second], &hasher(Ok(true), true), attempt(None));
    assert!(is_refused(&done), "{done:?}");
    assert_eq!(endings, [Ending::Committed, Ending::RolledBack], "it stays counted as a failure");
}

#[test]
fn in_a_browser_of_its_owner_an_account_has_failures_of_its_own() {
    let device = DeviceToken::generate(&SequentialEntropy::default());
    let known = |id| DeviceId::new(id).expect("positive");
    let of = |id| (AccountId::new(id).expect("positive"), known(id + 10));
    let own = keys(&[Counted::Device(known(15))]);
    let others = unknown_browser(&email("ann@example.com"));
    for (owners, expected) in [(vec![of(4), of(5)], own), (vec![of(4)], others.clone()), (vec![], others)] {
        let uow = look_up(Some(stored("$")), Some(owners), expected, Failures::default());
        let (done, _) = run(vec![uow], &hasher(Ok(false), true), attempt(Some(device.clone())));
        assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
    }
}

#[test]
fn a_hasher_or_a_store_that_fails_lets_nobody_in() {
    let uow = look_up(Some(stored("$")), None, unknown_browser(&email("ann@example.com")), Failures::default());
    // Nobody looked at the password: it is no failure.
    let mut forgiving = ScriptedUnitOfWork::default();
    forgiving.sign_ins.expect_lock_failures().times(1).return_once(|keys| {
        let mut failed = Failures::default();
        failed.admit(1, environment().clock.now()).expect("the first");
        Ok(vec![failed; keys.len()])
    });
    forgiving.sign_ins.expect_store_failures().times(2).returning(|_, failures| {
        assert_eq!(*failures, Failures::default());
        Ok(())
    });
    let (done, _) = run(vec![uow, forgiving], &hasher(Err(PasswordHasherError::Busy), true), attempt(None));
    assert!(matches!(done, Err(SignInError::Hasher(PasswordHasherError::Busy))), "{done:?}");
    let mut uow = ScriptedUnitOfWork::default();
    uow.accounts.expect_find_by_email().return_once(|_| Err(StoreError::Unavailable("gone".to_owned())));
    let (done, endings) = run(vec![uow], &MockPasswordHasher::new(), attempt(None));
    assert!(matches!(done, Err(SignInError::Store(StoreError::Unavailable(_)))), "{done:?}");
    assert_eq!(endings, [Ending::RolledBack]);
    // What cannot be stored is nobody's address, and asks the store nothing.
    let nul = SignInAttempt { email: "ann\0@example.com".to_owned(), ..attempt(None) };
    let (done, _) = run(vec![], &MockPasswordHasher::new(), nul);
    assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
}

#[test]
fn what_is_too_long_is_nobodys_and_asks_neither_the_store_nor_the_hasher() {
    let long_email = SignInAttempt { email: "a".repeat(Email::MAX_TYPED_BYTES + 1), ..attempt(None) };
    let password = TypedPassword::new("a".repeat(Password::MAX_BYTES + 1));
    for long in [long_email, SignInAttempt { password, ..attempt(None) }] {
        let (done, _) = run(vec![], &MockPasswordHasher::new(), long);
        assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
    }
    // The longest password there is is looked at.
    let uow = look_up(Some(stored("$")), None, unknown_browser(&email("ann@example.com")), Failures::default());
    let longest = TypedPassword::new("a".repeat(Password::MAX_BYTES));
    let longest = SignInAttempt { password: longest, ..attempt(None) };
    let (done, _) = run(vec![uow], &hasher(Ok(false), true), longest);
    assert!(matches!(done, Err(SignInError::Wrong)), "{done:?}");
}

#[test]
fn failures_are_counted_of_a_network_of_version_6_and_of_an_address_in_any_case() {
    let of = |text: &str| Counted::Address(Some(text.parse().expect("an address"))).key();
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::2"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    assert_ne!(of("192.0.2.1"), Counted::Address(None).key());
    assert_eq!(Counted::Email(&email("Zoé@Example.com")).key(), Counted::Email(&email("ZOÉ@example.COM")).key());
    assert_ne!(Counted::Email(&email("a@example.com")).key(), Counted::Email(&email("b@example.com")).key());
    let account = AccountId::new(1).expect("positive");
    assert_ne!(
        Counted::PasswordChange(account).key(),
        Counted::PasswordChange(AccountId::new(2).expect("positive")).key()
    );
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_600_000 + millis)
}

const WINDOW: i64 = 15 * 60_000;

proptest! {
    /// Whatever the times, no stretch as long as the window has more admitted attempts than the limit, an attempt is refused
    /// only if there were that many, and who waits as long as they are told is admitted.
    #[test]
    fn windows(limit in 1_usize..6, pauses in vec(0_i64..WINDOW / 2, 1..60)) {
        let mut failures = Failures::default();
        let mut admitted: Vec<i64> = Vec::new();
        let mut now = 0;
        for pause in pauses {
            now += pause;
            let before = failures.clone();
            let recent = admitted.iter().filter(|then| now - **then < WINDOW).count();
            match failures.admit(limit, at(now)) {
                Ok(()) => {
                    prop_assert!(recent < limit);
                    admitted.push(now);
                }
                Err(TooMany { retry_after }) => {
                    prop_assert_eq!(recent, limit);
                    let wait = i64::try_from(retry_after.as_millis()).expect("short");
                    prop_assert!((1000..=WINDOW).contains(&wait) && wait % 1000 == 0);
                    prop_assert!(before.clone().admit(limit, at(now + wait)).is_ok());
                    prop_assert!(before.clone().admit(limit, at(now + (wait - 1000).max(0))).is_err() || wait == 1000);
                }
            }
        }
    }

    /// What is forgiven was never counted.
    #[test]
    fn forgiving(times in vec(0_i64..WINDOW, 0..10), now in 0_i64..WINDOW) {
        let before = Failures::new(times.iter().copied().map(at).collect());
        let mut after = before.clone();
        prop_assert!(after.admit(100, at(now)).is_ok());
        prop_assert_eq!(after.times().len(), before.times().len() + 1);
        after.forgive(at(now));
        prop_assert_eq!(&after, &before);
    }

    /// Servers' clocks differ: nobody is told to wait longer than a failure counts.
    #[test]
    fn clocks_that_differ(ahead in 0_i64..WINDOW * 10) {
        let mut failures = Failures::new(vec![at(ahead)]);
        let refused = failures.admit(1, at(0)).expect_err("one is too many");
        prop_assert!(refused.retry_after <= Failures::WINDOW);
    }
}
