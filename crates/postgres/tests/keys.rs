//! The contracts of `KeyReader`, `KeyRepository` and `CredentialRepository`.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

mod common;

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bwp_domain::{
    clock::Timestamp,
    contacts::Contact,
    ids::{KeyId, KeyPublicId, TenantId},
    keys::{
        Allowlist, ApiKey, CreatedBy, KeyHash, KeyName, KeyState, NewKey,
        ports::{KeyReader, KeyRecord},
    },
    principal::KeyCredential,
    rate_limits::RateLimit,
    scopes::{ScopeId, ScopeSet},
    store::{Store, StoreError, UnitOfWork},
    tenants::TenantStatus,
    testing::TypedRows,
};
use bwp_postgres::{
    PgStore,
    testing::{Fixture, within},
};
use proptest::{prelude::*, sample::subsequence};
use tokio::task::{JoinHandle, JoinSet};

use common::check;

const REVOKED_AT: Timestamp = Timestamp::from_unix_millis(1_800_000_000_123);
const ACTIVE: KeyState = KeyState::Active { expires_at: None };
const REVOKED: KeyState = KeyState::Revoked { at: REVOKED_AT };

async fn hold(uow: &mut dyn UnitOfWork, tenant: TenantId, key: KeyId) -> Option<Arc<KeyCredential>> {
    uow.credentials().hold(tenant, key).await.expect("holding a credential")
}

async fn held_state(uow: &mut dyn UnitOfWork, key: &ApiKey) -> KeyState {
    hold(uow, key.tenant, key.id).await.expect("a credential").key.state
}

/// Locks the key and stores that it is revoked. The unit of work is still open.
async fn revoke(uow: &mut dyn UnitOfWork, key: &ApiKey) -> Result<(), StoreError> {
    let mut locked = uow.keys().lock(key.tenant, key.id).await?.expect("the key is there");
    locked.revoke(REVOKED_AT).expect("the key is active");
    uow.keys().update(key.tenant, &locked).await
}

/// Revokes the key, in a task of its own.
fn start_revoking(store: &PgStore, key: &ApiKey) -> JoinHandle<()> {
    let (store, key) = (store.clone(), key.clone());
    tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        revoke(&mut *uow, &key).await.expect("revoking");
        uow.commit().await.expect("a commit");
    })
}

/// Holds the key, in a task of its own, and tells its state.
fn start_holding(store: &PgStore, key: &ApiKey) -> JoinHandle<KeyState> {
    let (store, key) = (store.clone(), key.clone());
    tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        let state = held_state(&mut *uow, &key).await;
        uow.rollback().await.expect("a roll-back");
        state
    })
}

async fn a_key() -> (Fixture, ApiKey) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await;
    let key = fixture.key(tenant.id).await.key;
    (fixture, key)
}

#[tokio::test]
async fn a_revocation_waits_for_whoever_holds_the_key_however_that_ends() {
    let (fixture, _) = a_key().await;
    let tenant = fixture.tenant().await.id;
    for ending in ["commit", "rollback", "drop"] {
        let key = fixture.key(tenant).await.key;
        let mut holder = fixture.begin().await;
        assert_eq!(held_state(&mut *holder, &key).await, KeyState::Active { expires_at: None });
        let revocation = start_revoking(&fixture.store, &key);
        fixture.until_waiting(1).await;
        assert!(!revocation.is_finished());
        match ending {
            "commit" => holder.commit().await.expect("a commit"),
            "rollback" => holder.rollback().await.expect("a roll-back"),
            _ => drop(holder),
        }
        within(ending, revocation).await.expect("revoked");
    }
}

#[tokio::test]
async fn whoever_waited_for_a_revocation_sees_the_key_revoked() {
    let (fixture, key) = a_key().await;
    let mut revoking = fixture.begin().await;
    revoke(&mut *revoking, &key).await.expect("revoking");
    let holders: Vec<_> = (0..3).map(|_| start_holding(&fixture.store, &key)).collect();
    fixture.until_waiting(3).await;
    revoking.commit().await.expect("a commit");
    for holder in holders {
        assert_eq!(within("a holder", holder).await.expect("held"), REVOKED);
    }
}

#[tokio::test]
async fn whoever_waited_for_a_revocation_that_was_undone_sees_the_key_active() {
    let (fixture, key) = a_key().await;
    let mut revoking = fixture.begin().await;
    revoke(&mut *revoking, &key).await.expect("revoking");
    let holder = start_holding(&fixture.store, &key);
    fixture.until_waiting(1).await;
    revoking.rollback().await.expect("a roll-back");
    assert_eq!(within("the holder", holder).await.expect("held"), KeyState::Active { expires_at: None });
}

#[tokio::test]
async fn two_revocations_take_turns_and_the_second_sees_the_first() {
    let (fixture, key) = a_key().await;
    let mut first = fixture.begin().await;
    revoke(&mut *first, &key).await.expect("revoking");
    let (store, again) = (fixture.store.clone(), key.clone());
    let second = tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        let locked = uow.keys().lock(again.tenant, again.id).await.expect("locking").expect("the key is there");
        uow.rollback().await.expect("a roll-back");
        locked.state
    });
    fixture.until_waiting(1).await;
    first.commit().await.expect("a commit");
    assert_eq!(within("the second", second).await.expect("locked"), REVOKED);
}

/// Those who hold a key with others and then want it alone would wait for each other.
#[tokio::test]
async fn who_takes_a_key_waits_for_its_holders_and_may_hold_lock_and_change_it_while_others_wait() {
    let (fixture, key) = a_key().await;
    let mut holder = fixture.begin().await;
    assert_eq!(held_state(&mut *holder, &key).await, ACTIVE);
    let take_and_revoke = || {
        let (store, key) = (fixture.store.clone(), key.clone());
        tokio::spawn(async move {
            let mut uow = store.begin().await.expect("a unit of work");
            uow.credentials().take(key.tenant, key.id).await.expect("taking a key");
            let found = held_state(&mut *uow, &key).await;
            if found == ACTIVE {
                revoke(&mut *uow, &key).await.expect("revoking");
            }
            uow.commit().await.expect("a commit");
            found
        })
    };
    let (first, second) = (take_and_revoke(), take_and_revoke());
    fixture.until_waiting(2).await;
    holder.rollback().await.expect("a roll-back");
    let mut found = [within("one", first).await.expect("taken"), within("the other", second).await.expect("taken")];
    found.sort_by_key(|state| *state == REVOKED);
    assert_eq!(found, [ACTIVE, REVOKED]);
}

#[tokio::test]
async fn many_hold_a_key_at_once_and_other_keys_are_not_touched() {
    let (fixture, key) = a_key().await;
    let other = fixture.key(key.tenant).await.key;
    let mut holders = Vec::new();
    for _ in 0..10 {
        let mut uow = fixture.begin().await;
        within("another holder", held_state(&mut *uow, &key)).await;
        holders.push(uow);
    }
    within("revoking another key", start_revoking(&fixture.store, &other)).await.expect("revoked");
    assert_eq!(holders.len(), 10);
}

/// Writers who hold a key again and again, some of them at any moment.
struct Hammer {
    writers: JoinSet<()>,
    acknowledged: Arc<AtomicBool>,
    held: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Hammer {
    fn start(fixture: &Fixture, key: &ApiKey) -> Self {
        let mut hammer =
            Self { writers: JoinSet::new(), acknowledged: Arc::default(), held: Arc::default(), stop: Arc::default() };
        for _ in 0..8 {
            let (store, key) = (fixture.store.clone(), key.clone());
            let acknowledged = Arc::clone(&hammer.acknowledged);
            let (held, stop) = (Arc::clone(&hammer.held), Arc::clone(&hammer.stop));
            hammer.writers.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let must_be_revoked = acknowledged.load(Ordering::SeqCst);
                    let mut uow = store.begin().await.expect("a unit of work");
                    let state = held_state(&mut *uow, &key).await;
                    assert!(!must_be_revoked || state == REVOKED, "held as {state:?} after the revocation");
                    // Some work under the lock, so that holders overlap.
                    uow.lock_row::<Contact>(key.tenant, 1).await.expect("no contact");
                    uow.commit().await.expect("a commit");
                    held.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        hammer
    }

    /// Returns when the writers have held the key `times` times more.
    async fn until_held(&self, times: usize) {
        let target = self.held.load(Ordering::SeqCst) + times;
        within("the writers", async {
            while self.held.load(Ordering::SeqCst) < target {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn stop(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(writer) = self.writers.join_next().await {
            writer.expect("no late success");
        }
    }
}

#[tokio::test]
async fn a_stream_of_holders_does_not_starve_a_revocation_and_none_holds_the_key_after_it() {
    let (fixture, key) = a_key().await;
    for _ in 0..10 {
        let key = fixture.key(key.tenant).await.key;
        let hammer = Hammer::start(&fixture, &key);
        hammer.until_held(16).await;
        // While it waits, at least one of eight writers holds the key at any moment.
        within("the revocation", start_revoking(&fixture.store, &key)).await.expect("revoked");
        hammer.acknowledged.store(true, Ordering::SeqCst);
        hammer.until_held(16).await;
        hammer.stop().await;
    }
}

#[tokio::test]
async fn a_held_credential_shows_the_tenants_status_as_committed_now() {
    let (fixture, key) = a_key().await;
    let mut uow = fixture.begin().await;
    let before = hold(&mut *uow, key.tenant, key.id).await.expect("a credential");
    assert_eq!(before.tenant.status, TenantStatus::Active);
    // Without the wait for who holds a credential of the tenant.
    fixture.run("UPDATE tenants SET status = 'suspended'").await;
    let now = hold(&mut *uow, key.tenant, key.id).await.expect("a credential");
    assert_eq!(now.tenant.status, TenantStatus::Suspended);
}

#[tokio::test]
async fn a_look_up_sees_what_is_committed_and_nothing_else() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await;
    let made = fixture.key(tenant.id).await;
    let find = async || {
        let found = fixture.store.find_by_hash(&made.secret.hash()).await.expect("a look-up");
        found.expect("the key is there")
    };
    let found = find().await;
    assert_eq!((&found.key, &found.tenant), (&made.key, &tenant));
    let mut uow = fixture.begin().await;
    revoke(&mut *uow, &made.key).await.expect("revoking");
    assert_eq!(find().await.key.state, KeyState::Active { expires_at: None }, "not committed yet");
    uow.commit().await.expect("a commit");
    assert_eq!(find().await.key.state, REVOKED);
}

#[tokio::test]
async fn an_unknown_hash_or_public_id_finds_nothing() {
    let (fixture, key) = a_key().await;
    assert_eq!(fixture.store.find_by_hash(&KeyHash::from_bytes([0; 32])).await.expect("a look-up"), None);
    let unknown = KeyPublicId::from_uuid(uuid::Uuid::nil());
    assert_eq!(fixture.store.locate(unknown).await.expect("a look-up"), None);
    assert_eq!(fixture.store.locate(key.public_id).await.expect("a look-up"), Some((key.tenant, key.id)));
}

#[tokio::test]
async fn another_tenants_key_is_not_there() {
    let (fixture, key) = a_key().await;
    let stranger = fixture.tenant().await.id;
    let mut uow = fixture.begin().await;
    assert_eq!(hold(&mut *uow, stranger, key.id).await, None);
    assert_eq!(uow.keys().lock(stranger, key.id).await.expect("locking"), None);
    uow.keys().update(stranger, &ApiKey { state: REVOKED, ..key.clone() }).await.expect("no failure");
    uow.commit().await.expect("a commit");
    let mut uow = fixture.begin().await;
    assert_eq!(uow.keys().lock(key.tenant, key.id).await.expect("locking"), Some(key));
}

#[tokio::test]
async fn a_revoked_key_keeps_the_time_at_which_it_would_have_expired() {
    let (fixture, key) = a_key().await;
    let mut uow = fixture.begin().await;
    let expiring = ApiKey { state: KeyState::Active { expires_at: Some(Timestamp::MAX) }, ..key.clone() };
    uow.keys().lock(key.tenant, key.id).await.expect("locking");
    uow.keys().update(key.tenant, &expiring).await.expect("stored");
    assert_eq!(held_state(&mut *uow, &key).await, expiring.state);
    revoke(&mut *uow, &key).await.expect("revoking");
    uow.commit().await.expect("a commit");
    let kept = "SELECT count(*) FROM api_keys WHERE expires_at IS NOT NULL AND revoked_at IS NOT NULL";
    assert_eq!(fixture.number(kept).await, 1);
}

/// Any list of blocks, v4 and v6.
fn allowlists() -> impl Strategy<Value = Allowlist> {
    let v4 = (any::<u32>(), 0_u8..=32).prop_map(|(start, prefix)| format!("{}/{prefix}", Ipv4Addr::from(start)));
    let v6 = (any::<u128>(), 0_u8..=128).prop_map(|(start, prefix)| format!("{}/{prefix}", Ipv6Addr::from(start)));
    prop::collection::vec(prop_oneof![v4, v6], 0..4).prop_map(|list| Allowlist::parse(&list).expect("blocks"))
}

fn new_keys() -> impl Strategy<Value = NewKey> {
    // Whatever was a good name when it was given.
    let names = "[^\\x00]{1,100}".prop_map(|name| KeyName::stored(name).expect("a name"));
    let scopes = subsequence(ScopeId::ALL, 0..=ScopeId::ALL.len());
    let times = prop::option::of(any::<i64>().prop_map(Timestamp::from_unix_millis));
    let limits = (0..=RateLimit::MAX.get()).prop_filter_map("too large", RateLimit::new);
    (names, scopes, allowlists(), limits, times).prop_map(|(name, scopes, allowlist, rate_limit, expires_at)| NewKey {
        name,
        scopes: ScopeSet::of(&scopes),
        allowlist,
        rate_limit,
        expires_at,
    })
}

#[test]
fn every_column_survives() {
    check(64, &(new_keys(), any::<u128>()), &async |fixture, (new, number)| {
        let tenant = fixture.tenant().await.id;
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(&number.to_be_bytes());
        let hash = KeyHash::from_bytes(hash);
        let record = KeyRecord {
            public_id: KeyPublicId::from_uuid(uuid::Uuid::from_u128(number)),
            hash,
            display_prefix: "bwp_live_0000".to_owned(),
            new: new.clone(),
            replaces: None,
            created_by: CreatedBy::Operator,
            created_at: Timestamp::MIN,
        };
        let mut uow = fixture.begin().await;
        let made = uow.keys().insert(tenant, record).await.expect("stored");
        uow.commit().await.expect("a commit");
        let read = fixture.store.find_by_hash(&hash).await.expect("a look-up").expect("the key is there").key.clone();
        prop_assert_eq!(&made, &read);
        let state = KeyState::Active { expires_at: new.expires_at };
        prop_assert_eq!((read.name, read.scopes, read.allowlist), (new.name, new.scopes, new.allowlist));
        prop_assert_eq!((read.state, read.created_at, read.created_by), (state, Timestamp::MIN, CreatedBy::Operator));
        Ok(())
    });
}
