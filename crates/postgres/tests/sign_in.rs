//! The contract of `SignInRepository`, and signing in with real passwords: few guesses for whoever does not know, however many
//! guess at once, and none of it keeps the owner out.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bwp_domain::{
    accounts::{
        Password, PasswordChange, PasswordChangeError, PasswordHash, TypedPassword, change_password,
        ports::{Asker, PasswordHasher, PasswordHasherError},
        set_password,
    },
    clock::Timestamp,
    ids::AccountId,
    sessions::MOST_SESSIONS,
    sign_in::{
        Counted, DEVICE_LIFETIME, DeviceToken, Failures, FailuresKey, MOST_DEVICES, Origin, Refused, SignInAttempt,
        SignInError, SignedInNow, sign_in,
    },
    store::{Store, UnitOfWork},
    text::Email,
    users::{Role, User},
};
use bwp_postgres::testing::{Fixture, within};
use diesel_async::SimpleAsyncConnection;
use tokio::task::JoinSet;

/// Compares texts: what real hashing costs is not what these tests are about. Counts how often it was asked.
#[derive(Default)]
struct PlainHasher(AtomicUsize);

#[async_trait]
impl PasswordHasher for PlainHasher {
    async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordHasherError> {
        Ok(plain(password.expose()))
    }

    async fn verify(
        &self,
        typed: TypedPassword,
        hash: Option<PasswordHash>,
        _: Asker,
    ) -> Result<bool, PasswordHasherError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let email = Email::typed("nobody").expect("a text");
        // Others get to do something meanwhile.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let typed = typed.choose(&email).map(|password| plain(password.expose()));
        Ok(hash.is_some_and(|hash| typed == Ok(hash)))
    }
}

fn plain(password: &str) -> PasswordHash {
    PasswordHash::from_stored(format!("plain {password}"))
}

const RIGHT: &str = "correct horse battery";
const WRONG: &str = "another horse battery";

/// Somebody at this address, in this browser.
fn from(address: u8, device: Option<&DeviceToken>) -> Origin {
    let address = Some(IpAddr::from(Ipv4Addr::new(192, 0, 2, address)));
    Origin { address, user_agent: None, device: device.cloned() }
}

struct Scene {
    fixture: Fixture,
    hasher: PlainHasher,
    refused: Refused,
    ann: User,
}

impl Scene {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let tenant = fixture.tenant().await.id;
        let ann = fixture.user(tenant, "ann@example.com", Role::Member).await;
        fixture.run(&format!("UPDATE accounts SET password_hash = 'plain {RIGHT}'")).await;
        Self { fixture, hasher: PlainHasher::default(), refused: Refused::default(), ann }
    }

    async fn attempt(&self, email: &str, password: &str, origin: Origin) -> Result<SignedInNow, SignInError> {
        self.attempt_at(&self.refused, email, password, origin).await
    }

    /// At a server that knows of these.
    async fn attempt_at(
        &self,
        refused: &Refused,
        email: &str,
        password: &str,
        origin: Origin,
    ) -> Result<SignedInNow, SignInError> {
        let (email, password) = (email.to_owned(), TypedPassword::new(password.to_owned()));
        let attempt = SignInAttempt { email, password, origin };
        sign_in(&self.fixture.store, &self.fixture.environment, &self.hasher, refused, attempt).await
    }

    /// Guesses wrong until that is refused; says how often it was not.
    async fn guess(&self, email: &str, origin: impl Fn(usize) -> Origin) -> usize {
        for n in 0..100 {
            match self.attempt(email, WRONG, origin(n)).await {
                Err(SignInError::Wrong) => {}
                Err(SignInError::TooMany(_)) => return n,
                other => panic!("{other:?}"),
            }
        }
        panic!("a hundred guesses were let through");
    }

    fn later(&self, by: Duration) {
        self.fixture.clock.set(self.fixture.environment.clock.now().plus(by));
    }
}

fn address(n: usize) -> u8 {
    u8::try_from(n % 250).expect("small")
}

#[tokio::test]
async fn who_knows_the_password_is_signed_in_and_leaves_no_failure() {
    let scene = Scene::new().await;
    let done = scene.attempt(" ANN@example.com", RIGHT, from(1, None)).await.expect("signed in");
    let open = scene.fixture.session(&done.session).await.expect("an open session");
    assert_eq!(open.signed_in.expect("somebody").user, scene.ann);
    // What is counted is that she was signed in to.
    assert_eq!(scene.fixture.number("SELECT sum(cardinality(failed_at)) FROM sign_in_failures").await, 1);
    let noted = "SELECT count(*) FROM security_log WHERE action->>'kind' = 'signed_in' AND address = '192.0.2.1'";
    assert_eq!(scene.fixture.number(noted).await, 1);
    // Neither token is kept.
    for (table, token) in [("sessions", done.session.expose()), ("known_browsers", done.device.expose())] {
        let kept = format!("SELECT count(*) FROM {table} WHERE {table}::text LIKE '%{token}%'");
        assert_eq!(scene.fixture.number(&kept).await, 0);
    }
}

#[tokio::test]
async fn guesses_are_few_for_an_account_for_an_address_and_for_nobodys_account_alike() {
    let scene = Scene::new().await;
    // One account, from everywhere.
    for email in ["ann@example.com", "nobody@example.com"] {
        assert_eq!(scene.guess(email, |n| from(address(n), None)).await, Counted::OF_EMAIL, "{email}");
        assert_eq!(scene.guess(&email.to_uppercase(), |n| from(address(n), None)).await, 0, "{email}");
    }
    let refused = scene.attempt("ann@example.com", RIGHT, from(200, None)).await;
    assert!(matches!(refused, Err(SignInError::TooMany(_))), "the right one too: {refused:?}");
    // Many accounts, from one address.
    let mut guessed = 0;
    while let Err(SignInError::Wrong) = scene.attempt(&format!("{guessed}@example.com"), WRONG, from(251, None)).await {
        guessed += 1;
    }
    assert_eq!(guessed, Counted::OF_ADDRESS);
    // Both are over some day, and nobody had to wait longer than they were told.
    let Err(SignInError::TooMany(refused)) = refused else { unreachable!() };
    assert_eq!(refused.retry_after, Failures::WINDOW);
    scene.later(Failures::WINDOW);
    assert!(scene.attempt("ann@example.com", RIGHT, from(251, None)).await.is_ok());
}

#[tokio::test]
async fn others_guesses_do_not_keep_the_owner_out_of_their_own_browser_even_from_the_same_address() {
    let scene = Scene::new().await;
    let device = scene.attempt("ann@example.com", RIGHT, from(1, None)).await.expect("signed in").device;
    scene.guess("ann@example.com", |_| from(1, None)).await;
    while let Err(SignInError::Wrong) = scene.attempt("nobody@example.com", WRONG, from(1, None)).await {}
    let stranger = scene.attempt("ann@example.com", RIGHT, from(1, None)).await;
    assert!(matches!(stranger, Err(SignInError::TooMany(_))), "{stranger:?}");
    let renewed = scene.attempt("ann@example.com", RIGHT, from(1, Some(&device))).await.expect("signed in").device;
    // The browser has another name since: one that was copied from it is good for nothing.
    let copied = scene.attempt("ann@example.com", RIGHT, from(1, Some(&device))).await;
    assert!(matches!(copied, Err(SignInError::TooMany(_))), "{copied:?}");
    // Its own failures are counted.
    let own = |_| from(1, Some(&renewed));
    assert_eq!(scene.guess("ann@example.com", own).await, Counted::OF_DEVICE);
    // It is nobody else's.
    let other = scene.attempt("nobody@example.com", WRONG, own(0)).await;
    assert!(matches!(other, Err(SignInError::TooMany(_))), "{other:?}");
    // After half a year it is nobody's any more.
    scene.later(DEVICE_LIFETIME + Duration::from_millis(1));
    scene.guess("ann@example.com", |n| from(address(n), None)).await;
    let forgotten = scene.attempt("ann@example.com", RIGHT, own(0)).await;
    assert!(matches!(forgotten, Err(SignInError::TooMany(_))), "{forgotten:?}");
}

#[tokio::test]
async fn another_ones_signing_in_brings_no_more_guesses() {
    let scene = Scene::new().await;
    scene.fixture.user(scene.ann.tenant, "eve@example.com", Role::Member).await;
    scene.fixture.run(&format!("UPDATE accounts SET password_hash = 'plain {RIGHT}'")).await;
    let mut device = scene.attempt("ann@example.com", RIGHT, from(1, None)).await.expect("signed in").device;
    assert_eq!(scene.guess("ann@example.com", |_| from(1, Some(&device))).await, Counted::OF_DEVICE);
    for _ in 0..3 {
        device = scene.attempt("eve@example.com", RIGHT, from(1, Some(&device))).await.expect("signed in").device;
        assert_eq!(scene.guess("ann@example.com", |_| from(1, Some(&device))).await, 0);
    }
    // Ann's failures are not Eve's.
    assert_eq!(scene.guess("eve@example.com", |_| from(1, Some(&device))).await, Counted::OF_DEVICE);
}

#[tokio::test]
async fn of_each_account_a_few_browsers_are_known_those_signed_in_with_last() {
    let scene = Scene::new().await;
    let mut devices = Vec::new();
    for n in 0..MOST_DEVICES + 3 {
        scene.later(Duration::from_millis(1));
        devices.push(scene.attempt("ann@example.com", RIGHT, from(address(n), None)).await.expect("signed in").device);
    }
    let known = "SELECT count(*) FROM known_browsers";
    assert_eq!(scene.fixture.number(known).await, i64::try_from(MOST_DEVICES).expect("few"));
    scene.guess("ann@example.com", |n| from(address(n), None)).await;
    for (device, known) in [(&devices[2], false), (&devices[3], true), (&devices[MOST_DEVICES + 2], true)] {
        let done = scene.attempt("ann@example.com", RIGHT, from(250, Some(device))).await;
        assert_eq!(done.is_ok(), known, "{done:?}");
    }
}

#[tokio::test]
async fn a_browser_of_two_people_is_known_to_both() {
    let scene = Scene::new().await;
    scene.fixture.user(scene.ann.tenant, "bob@example.com", Role::Member).await;
    scene.fixture.run(&format!("UPDATE accounts SET password_hash = 'plain {RIGHT}'")).await;
    let device = scene.attempt("ann@example.com", RIGHT, from(1, None)).await.expect("signed in").device;
    let device = scene.attempt("bob@example.com", RIGHT, from(1, Some(&device))).await.expect("signed in").device;
    for email in ["ann@example.com", "bob@example.com"] {
        scene.guess(email, |n| from(address(n), None)).await;
    }
    let device = scene.attempt("ann@example.com", RIGHT, from(1, Some(&device))).await.expect("signed in").device;
    scene.attempt("bob@example.com", RIGHT, from(1, Some(&device))).await.expect("signed in");
}

/// A thousand at once, over several servers, get no more tries than one after another.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_get_no_more_tries() {
    let scene = Arc::new(Scene::new().await);
    let mut guesses = JoinSet::new();
    // Each server has its own connections.
    let gate = Arc::new(tokio::sync::Semaphore::new(48));
    for n in 0..1000 {
        let (scene, gate) = (Arc::clone(&scene), Arc::clone(&gate));
        guesses.spawn(async move {
            let _permit = gate.acquire().await.expect("open");
            // Each at a server that knows of nobody yet.
            scene.attempt_at(&Refused::default(), "ann@example.com", WRONG, from(address(n), None)).await
        });
    }
    let (mut wrong, mut refused) = (0, 0);
    while let Some(guess) = guesses.join_next().await {
        match guess.expect("no panic") {
            Err(SignInError::Wrong) => wrong += 1,
            Err(SignInError::TooMany(_)) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((wrong, refused), (Counted::OF_EMAIL, 1000 - Counted::OF_EMAIL));
    assert_eq!(scene.hasher.0.load(Ordering::SeqCst), Counted::OF_EMAIL, "no more were looked at");
}

/// Right ones at once are not in each other's way, up to the limit, and none of them stays counted.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_right_ones_are_all_forgiven() {
    let scene = Arc::new(Scene::new().await);
    for round in 1..=3 {
        let mut attempts = JoinSet::new();
        for n in 0..Counted::OF_EMAIL {
            let scene = Arc::clone(&scene);
            attempts.spawn(async move { scene.attempt("ann@example.com", RIGHT, from(address(n), None)).await });
        }
        while let Some(attempt) = within("an attempt", attempts.join_next()).await {
            attempt.expect("no panic").expect("signed in");
        }
        let signed_in = i64::try_from(round * Counted::OF_EMAIL).expect("few");
        let counted = scene.fixture.number("SELECT sum(cardinality(failed_at)) FROM sign_in_failures").await;
        assert_eq!(counted, signed_in, "no failure is");
    }
}

#[tokio::test]
async fn signing_in_without_end_comes_to_an_end() {
    let scene = Scene::new().await;
    let mut device = None;
    for _ in 0..Counted::OF_SIGN_IN {
        device =
            Some(scene.attempt("ann@example.com", RIGHT, from(1, device.as_ref())).await.expect("signed in").device);
    }
    let refused = scene.attempt("ann@example.com", RIGHT, from(1, device.as_ref())).await;
    assert!(matches!(refused, Err(SignInError::TooMany(_))), "{refused:?}");
    let sessions = i64::try_from(MOST_SESSIONS).expect("few");
    assert_eq!(scene.fixture.number("SELECT count(*) FROM sessions").await, sessions);
    scene.later(Failures::WINDOW);
    assert!(scene.attempt("ann@example.com", RIGHT, from(1, device.as_ref())).await.is_ok());
}

/// A refused attempt takes no connection, and so waits for nothing; now and then one asks what the database says by then.
#[tokio::test]
async fn who_was_refused_costs_the_database_nothing_and_learns_of_it_when_it_forgets() {
    let scene = Scene::new().await;
    scene.guess("ann@example.com", |n| from(address(n), None)).await;
    let mut lock = scene.fixture.database.connection().await;
    lock.batch_execute("BEGIN; LOCK TABLE accounts, sign_in_failures, known_browsers").await.expect("a lock");
    for n in 0..100 {
        let refused = within("at once", scene.attempt("ann@example.com", RIGHT, from(address(n), None))).await;
        assert!(matches!(refused, Err(SignInError::TooMany(_))), "{refused:?}");
    }
    lock.batch_execute("COMMIT").await.expect("unlocked");
    // From the command line, in another process.
    let email = Email::parse("ann@example.com".to_owned()).expect("an address");
    let (store, environment) = (&scene.fixture.store, &scene.fixture.environment);
    set_password(store, environment, &email, &plain(RIGHT)).await.expect("no failure").expect("hers");
    assert!(scene.attempt("ann@example.com", RIGHT, from(1, None)).await.is_err(), "not yet");
    scene.later(Refused::ASKED_AGAIN_AFTER);
    assert!(scene.attempt("ann@example.com", RIGHT, from(1, None)).await.is_ok());
}

#[tokio::test]
async fn guesses_at_the_present_password_are_few_and_each_change_ends_the_other_sessions() {
    let scene = Scene::new().await;
    let (other, _) = scene.fixture.sign_in(&scene.ann).await;
    let (token, open) = scene.fixture.sign_in(&scene.ann).await;
    let change = async |open, present: &str, new: &str| {
        let (present, new) = (TypedPassword::new(present.to_owned()), TypedPassword::new(new.to_owned()));
        let change = PasswordChange { present, new, origin: Origin::default() };
        let (store, environment) = (&scene.fixture.store, &scene.fixture.environment);
        change_password(store, environment, &scene.hasher, &scene.refused, open, change).await
    };
    let renewed = change(&open, RIGHT, WRONG).await.expect("changed");
    for ended in [other, token] {
        assert_eq!(scene.fixture.session(&ended).await, None);
    }
    let open = scene.fixture.session(&renewed).await.expect("goes on");
    assert_eq!(open.signed_in.as_ref().expect("somebody").user, scene.ann);
    assert!(scene.attempt("ann@example.com", WRONG, from(1, None)).await.is_ok());
    for _ in 0..Counted::OF_PASSWORD_CHANGE {
        let refused = change(&open, RIGHT, WRONG).await;
        assert!(matches!(refused, Err(PasswordChangeError::Invalid(_))), "{refused:?}");
    }
    let refused = change(&open, WRONG, RIGHT).await;
    assert!(matches!(refused, Err(PasswordChangeError::TooMany(_))), "{refused:?}");
    // Nobody is kept from signing in by that.
    assert!(scene.attempt("ann@example.com", WRONG, from(1, None)).await.is_ok());
}

/// Is busy after so many passwords.
struct BusyAfter(AtomicUsize);

impl BusyAfter {
    fn one_more(&self) -> Result<(), PasswordHasherError> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| PasswordHasherError::Busy)
    }
}

#[async_trait]
impl PasswordHasher for BusyAfter {
    async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordHasherError> {
        self.one_more().map(|()| plain(password.expose()))
    }

    async fn verify(&self, _: TypedPassword, _: Option<PasswordHash>, _: Asker) -> Result<bool, PasswordHasherError> {
        self.one_more().map(|()| true)
    }
}

#[tokio::test]
async fn a_password_that_nobody_looked_at_is_no_failure() {
    let scene = Scene::new().await;
    let (_, open) = scene.fixture.sign_in(&scene.ann).await;
    for passwords in [0, 1] {
        let (present, new) = (TypedPassword::new(RIGHT.to_owned()), TypedPassword::new(WRONG.to_owned()));
        let change = PasswordChange { present, new, origin: Origin::default() };
        let hasher = BusyAfter(AtomicUsize::new(passwords));
        let (store, environment) = (&scene.fixture.store, &scene.fixture.environment);
        let refused = change_password(store, environment, &hasher, &scene.refused, &open, change).await;
        assert!(matches!(refused, Err(PasswordChangeError::Hasher(PasswordHasherError::Busy))), "{refused:?}");
        let counted = "SELECT sum(cardinality(failed_at)) FROM sign_in_failures";
        assert_eq!(scene.fixture.number(counted).await, 0, "after {passwords}");
    }
}

fn key(n: u8) -> FailuresKey {
    FailuresKey::from_bytes([n; 32])
}

async fn lock(uow: &mut dyn UnitOfWork, keys: &[FailuresKey]) -> Vec<Failures> {
    uow.sign_ins().lock_failures(keys).await.expect("locked")
}

#[tokio::test]
async fn failures_are_kept_under_their_keys_and_told_in_the_order_asked_for() {
    let fixture = Fixture::new().await;
    let now = fixture.environment.clock.now();
    let failures = Failures::new(vec![now, now.minus(Duration::from_millis(1)), now]);
    let mut uow = fixture.begin().await;
    assert_eq!(lock(&mut *uow, &[key(2), key(1)]).await, [Failures::default(), Failures::default()]);
    uow.sign_ins().store_failures(&key(2), &failures).await.expect("stored");
    uow.commit().await.expect("a commit");
    let mut uow = fixture.begin().await;
    let expected = [Failures::default(), failures, Failures::default()];
    assert_eq!(lock(&mut *uow, &[key(3), key(2), key(1)]).await, expected);
}

#[tokio::test]
async fn who_asks_for_a_key_that_is_held_waits_and_sees_what_was_stored_and_no_order_is_a_deadlock() {
    let fixture = Fixture::new().await;
    let now = fixture.environment.clock.now();
    let failures = Failures::new(vec![now]);
    // The first time, and once the rows are there.
    for _ in 0..2 {
        let mut first = fixture.begin().await;
        lock(&mut *first, &[key(1)]).await;
        let waiting: Vec<_> = [[key(2), key(1)], [key(1), key(2)]]
            .into_iter()
            .map(|keys| {
                let store = fixture.store.clone();
                tokio::spawn(async move {
                    let mut uow = store.begin().await.expect("a unit of work");
                    let seen = lock(&mut *uow, &keys).await;
                    uow.commit().await.expect("a commit");
                    seen[keys.iter().position(|one| *one == key(1)).expect("asked for")].clone()
                })
            })
            .collect();
        fixture.until_waiting(2).await;
        first.sign_ins().store_failures(&key(1), &failures).await.expect("stored");
        first.commit().await.expect("a commit");
        for waiter in waiting {
            assert_eq!(within("a waiter", waiter).await.expect("no panic"), failures);
        }
    }
}

#[tokio::test]
async fn a_browser_has_one_name_and_belongs_to_those_who_signed_in_with_it_lately() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let ann = fixture.user(tenant, "ann@example.com", Role::Member).await.account.id;
    let bob = fixture.user(tenant, "bob@example.com", Role::Member).await.account.id;
    let token = || DeviceToken::generate(&*fixture.environment.entropy).hash();
    let (old, new, newest) = (token(), token(), token());
    let at = |n: i64| Timestamp::from_unix_millis(1_767_225_600_000 + n);
    let mut uow = fixture.begin().await;
    let uow = &mut *uow;
    let owners = async |uow: &mut dyn UnitOfWork, device, since| -> Vec<AccountId> {
        let owners = uow.sign_ins().owners(&device, since).await.expect("a look");
        let mut owners: Vec<_> = owners.into_iter().map(|(account, _)| account).collect();
        owners.sort_unstable();
        owners
    };
    uow.sign_ins().remember(ann, None, &old, at(1)).await.expect("remembered");
    uow.sign_ins().remember(bob, Some(old), &new, at(2)).await.expect("remembered");
    assert_eq!(owners(uow, old, at(0)).await, []);
    assert_eq!(owners(uow, new, at(0)).await, [ann, bob]);
    assert_eq!(owners(uow, new, at(2)).await, [bob]);
    uow.sign_ins().remember(bob, Some(new), &newest, at(3)).await.expect("remembered");
    assert_eq!((owners(uow, newest, at(1)).await, owners(uow, newest, at(3)).await), (vec![ann, bob], vec![bob]));
    uow.sign_ins().forget(ann, Some(newest)).await.expect("nothing to forget");
    assert_eq!(owners(uow, newest, at(0)).await, [ann, bob]);
    uow.sign_ins().forget(ann, Some(old)).await.expect("forgotten");
    assert_eq!(owners(uow, newest, at(0)).await, [bob]);
}
