//! The contracts of `KeyReader` and `KeyRepository`: lists, and what is kept of a change.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::time::Duration;

use bwp_domain::{
    clock::Timestamp,
    execute::{Command, Context, ExecuteError, Executed, execute},
    idempotency::RenderedResponse,
    ids::{KeyId, KeyPublicId, TenantId},
    keys::{
        Allowlist, ApiKey, CreateKey, CreatedBy, EditKey, KeyChanges, KeyError, KeyFilter, KeyHash, KeyMode, KeyName,
        KeyRef, KeyState, KeyStatus, NewKey, Overlap, RevokeIf, RevokeKey, RotateKey,
        ports::{KeyReader, KeyRecord},
    },
    paging::{Limit, PageRequest, Position},
    principal::{Caller, Principal},
    rate_limits::RateLimit,
    scopes::{ScopeId, ScopeSet},
    store::{Store, StoreError, UnitOfWork},
    testing::environment,
    text::SearchText,
};
use bwp_postgres::testing::{Fixture, within};

const FIRST: PageRequest = PageRequest { limit: Limit::LARGEST, after: None };

fn now() -> Timestamp {
    environment().clock.now()
}

fn name(text: &str) -> KeyName {
    KeyName::parse(text.to_owned()).expect("a name")
}

/// A record of the key of this number, made by the operator.
fn record(number: u8, called: &str) -> KeyRecord {
    KeyRecord {
        public_id: KeyPublicId::from_uuid(uuid::Uuid::from_u128(number.into())),
        hash: KeyHash::from_bytes([number; 32]),
        display_prefix: format!("bwp_live_{number:04}"),
        new: NewKey {
            name: name(called),
            scopes: ScopeSet::of(&[ScopeId::ContactsRead]),
            allowlist: Allowlist::any(),
            rate_limit: RateLimit::OF_KEY,
            expires_at: None,
        },
        replaces: None,
        created_by: CreatedBy::Operator,
        created_at: now(),
    }
}

async fn insert(fixture: &Fixture, tenant: TenantId, record: KeyRecord) -> ApiKey {
    let mut uow = fixture.begin().await;
    let key = uow.keys().insert(tenant, record).await.expect("stored");
    uow.commit().await.expect("a commit");
    key
}

async fn apply<C>(fixture: &Fixture, tenant: TenantId, command: C) -> C::Output
where
    C: Command<dyn UnitOfWork>,
    C::Error: std::fmt::Debug,
{
    let mut uow = fixture.begin().await;
    let principal = Principal::Operator(tenant);
    let context = Context::new(&principal, &fixture.environment);
    let done = command.apply(&context, &mut *uow).await.expect("done");
    uow.commit().await.expect("a commit");
    done.output
}

async fn ids(fixture: &Fixture, tenant: TenantId, filter: &KeyFilter) -> Vec<KeyId> {
    let page = KeyReader::page(&fixture.store, tenant, filter, FIRST).await.expect("a page");
    page.items.iter().map(|listing| listing.key.id).collect()
}

async fn kept(fixture: &Fixture, key: &ApiKey) -> ApiKey {
    let found = KeyReader::get(&fixture.store, key.tenant, KeyRef::Id(key.id)).await.expect("a look-up");
    found.expect("the key is there").key
}

#[tokio::test]
async fn a_walk_shows_each_key_once_newest_first() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut expected = Vec::new();
    // Many of one moment: ids tell them apart.
    for number in 0..12_u8 {
        let created_at = now().plus(Duration::from_millis(u64::from(number / 4)));
        let key = insert(&fixture, tenant, KeyRecord { created_at, ..record(number, "k") }).await;
        expected.push((key.created_at, key.id.get()));
    }
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest { limit: Limit::new(5).expect("a limit"), after };
        let page = KeyReader::page(&fixture.store, tenant, &KeyFilter::default(), request).await.expect("a page");
        walked.extend(page.items.iter().map(|listing| (listing.key.created_at, listing.key.id.get())));
        // What is made meanwhile comes before the walk and not into it.
        let created_at = now().plus(Duration::from_secs(9));
        let number = u8::try_from(100 + walked.len()).expect("small");
        insert(&fixture, tenant, KeyRecord { created_at, ..record(number, "new") }).await;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(walked, expected);
}

#[tokio::test]
async fn a_page_starts_behind_a_position_that_no_row_has() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let key = insert(&fixture, tenant, record(1, "k")).await;
    let page = async |created_at, id| {
        let request = PageRequest { after: Some(Position { created_at, id }), ..FIRST };
        KeyReader::page(&fixture.store, tenant, &KeyFilter::default(), request).await.expect("a page").items.len()
    };
    assert_eq!((page(now(), key.id.get()).await, page(now(), i64::MAX).await), (0, 1));
}

#[tokio::test]
async fn keys_are_found_by_a_part_of_their_name_or_prefix_taken_literally() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let sync = insert(&fixture, tenant, record(1, "Nightly SYNC")).await.id;
    let percent = insert(&fixture, tenant, record(2, "100% of it")).await.id;
    for (text, expected) in [
        ("sync", vec![sync]),
        ("LIVE_0002", vec![percent]),
        ("%", vec![percent]),
        ("_live_", vec![percent, sync]),
        ("liveX", vec![]),
    ] {
        let filter = KeyFilter { search: SearchText::parse(text).expect("no NUL"), status: None };
        assert_eq!(ids(&fixture, tenant, &filter).await, expected, "{text}");
    }
}

#[tokio::test]
async fn each_key_has_one_status_at_any_moment() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let later = now().plus(Duration::from_secs(1));
    let mut keys = Vec::new();
    for (number, expires_at) in [(1, None), (2, Some(now())), (3, Some(later)), (4, Some(Timestamp::MAX)), (5, None)] {
        let mut new = record(number, "k");
        new.new.expires_at = expires_at;
        keys.push(insert(&fixture, tenant, new).await);
    }
    for revoked in &keys[3..] {
        apply(&fixture, tenant, RevokeKey::always(revoked.id)).await;
    }
    for at in [now(), later, Timestamp::MIN, Timestamp::MAX] {
        for status in KeyStatus::ALL {
            let mut expected = Vec::new();
            for key in &keys {
                if kept(&fixture, key).await.status(at) == status {
                    expected.insert(0, key.id);
                }
            }
            let filter = KeyFilter { search: None, status: Some((status, at)) };
            assert_eq!(ids(&fixture, tenant, &filter).await, expected, "{status:?} at {at}");
        }
    }
}

#[tokio::test]
async fn a_key_is_found_by_either_id_and_by_its_own_tenant_alone() {
    let fixture = Fixture::new().await;
    let (tenant, stranger) = (fixture.tenant().await.id, fixture.tenant().await.id);
    let key = insert(&fixture, tenant, record(1, "k")).await;
    for name in [KeyRef::Id(key.id), KeyRef::Public(key.public_id)] {
        let found = KeyReader::get(&fixture.store, tenant, name).await.expect("a look-up").expect("the key");
        assert_eq!((found.key, found.last_used_at), (key.clone(), None));
        assert_eq!(KeyReader::get(&fixture.store, stranger, name).await.expect("a look-up"), None);
    }
    assert_eq!(ids(&fixture, stranger, &KeyFilter::default()).await, []);
    let nobody = KeyRef::Public(KeyPublicId::from_uuid(uuid::Uuid::nil()));
    assert_eq!(KeyReader::get(&fixture.store, tenant, nobody).await.expect("a look-up"), None);
}

#[tokio::test]
async fn an_edit_keeps_name_and_allowlist_and_nothing_else_changes() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut new = record(1, "k");
    new.new.expires_at = Some(Timestamp::MAX);
    let key = insert(&fixture, tenant, new).await;
    let allowlist = Allowlist::parse(&["192.0.2.0/24", "2001:db8::1"]).expect("good entries");
    let changes = KeyChanges { name: Some(name("renamed")), allowlist: Some(allowlist.clone()) };
    let edited = apply(&fixture, tenant, EditKey::new(key.id, changes)).await;
    assert_eq!(edited, ApiKey { name: name("renamed"), allowlist, ..key.clone() });
    assert_eq!(kept(&fixture, &key).await, edited);
}

#[tokio::test]
async fn a_rotation_is_kept_in_both_keys() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let key = insert(&fixture, tenant, record(1, "k")).await;
    let overlap = Overlap::of_seconds(60).expect("an overlap");
    let rotated = apply(&fixture, tenant, RotateKey { id: key.id, overlap }).await;
    let (old, new) = (kept(&fixture, &key).await, kept(&fixture, &rotated.successor.key).await);
    assert_eq!((&old, &new), (&rotated.replaced, &rotated.successor.key));
    assert_eq!((old.replaced_by, new.replaces), (Some(new.id), Some(old.id)));
    assert_eq!(old.state, KeyState::Active { expires_at: Some(now().plus(overlap.get())) });
    let found = fixture.store.find_by_hash(&rotated.successor.secret.hash()).await.expect("a look-up");
    assert_eq!(found.expect("the successor works").key, new);
}

#[tokio::test]
async fn no_two_keys_replace_the_same_one() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let key = insert(&fixture, tenant, record(1, "k")).await;
    insert(&fixture, tenant, KeyRecord { replaces: Some(key.id), ..record(2, "k") }).await;
    let mut uow = fixture.begin().await;
    let second = KeyRecord { replaces: Some(key.id), ..record(3, "k") };
    let done = uow.keys().insert(tenant, second).await;
    assert!(matches!(done, Err(StoreError::Conflict(_))), "{done:?}");
}

#[tokio::test]
async fn who_made_a_key_is_kept() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let maker = insert(&fixture, tenant, record(1, "k")).await;
    let made = KeyRecord { created_by: CreatedBy::Key(maker.id), ..record(2, "k") };
    let made = insert(&fixture, tenant, made).await;
    assert_eq!(kept(&fixture, &made).await.created_by, CreatedBy::Key(maker.id));
    assert_eq!(kept(&fixture, &maker).await.created_by, CreatedBy::Operator);
    fixture.run("INSERT INTO users (tenant_id, role, created_at) SELECT id, 'viewer', now() FROM tenants").await;
    let user = fixture.number("SELECT id FROM users").await;
    let by = CreatedBy::User(bwp_domain::ids::UserId::new(user).expect("an id"));
    let made = insert(&fixture, tenant, KeyRecord { created_by: by, ..record(3, "k") }).await;
    assert_eq!(kept(&fixture, &made).await.created_by, by);
}

#[tokio::test]
async fn an_edit_waits_for_whoever_holds_the_key_and_who_comes_after_it_sees_it() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let key = insert(&fixture, tenant, record(1, "k")).await;
    let mut holder = fixture.begin().await;
    holder.credentials().hold(tenant, key.id).await.expect("held").expect("the key");
    let (store, environment, id) = (fixture.store.clone(), fixture.environment.clone(), key.id);
    let allowlist = Allowlist::parse(&["192.0.2.7"]).expect("good entries");
    let narrowed = allowlist.clone();
    let editing = tokio::spawn(async move {
        let changes = KeyChanges { name: None, allowlist: Some(narrowed) };
        let mut uow = store.begin().await.expect("a unit of work");
        let principal = Principal::Operator(tenant);
        let context = Context::new(&principal, &environment);
        EditKey::new(id, changes).apply(&context, &mut *uow).await.expect("edited");
        uow.commit().await.expect("a commit");
    });
    fixture.until_waiting(1).await;
    let store = fixture.store.clone();
    let late = tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        let held = uow.credentials().hold(tenant, id).await.expect("held").expect("the key");
        uow.rollback().await.expect("a roll-back");
        held.key.allowlist.clone()
    });
    fixture.until_waiting(2).await;
    assert!(!editing.is_finished());
    holder.commit().await.expect("a commit");
    within("the edit", editing).await.expect("no panic");
    assert_eq!(within("who came after", late).await.expect("no panic"), allowlist);
}

#[tokio::test]
async fn every_change_of_a_key_renews_its_revision() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let created = apply(&fixture, tenant, CreateKey::new(KeyMode::Live, record(1, "k").new)).await;
    let revision = async || {
        let found = fixture.store.find_by_hash(&created.secret.hash()).await.expect("a look-up");
        found.expect("the key is there").revision.key
    };
    let id = created.key.id;
    let mut seen = vec![revision().await];
    for changes in [
        KeyChanges { name: Some(name("renamed")), allowlist: None },
        KeyChanges { name: None, allowlist: Some(Allowlist::parse(&["192.0.2.7"]).expect("good entries")) },
    ] {
        apply(&fixture, tenant, EditKey::new(id, changes)).await;
        seen.push(revision().await);
    }
    apply(&fixture, tenant, RotateKey { id, overlap: Overlap::MAX }).await;
    seen.push(revision().await);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_rotation_and_a_revocation_of_what_was_seen_one_wins() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let (mut rotations, mut revocations) = (0, 0);
    for number in 0..20 {
        let id = insert(&fixture, tenant, record(number, "k")).await.id;
        let revoke = RevokeKey { id, condition: RevokeIf::SuccessorIs(None) };
        let rotate = RotateKey { id, overlap: Overlap::MAX };
        // Each of the two is first as often as the other.
        let (rotated, revoked) = if number % 2 == 0 {
            tokio::join!(attempt(&fixture, tenant, rotate), attempt(&fixture, tenant, revoke))
        } else {
            let (revoked, rotated) = tokio::join!(attempt(&fixture, tenant, revoke), attempt(&fixture, tenant, rotate));
            (rotated, revoked)
        };
        match (rotated, revoked) {
            (Ok(rotated), Err(KeyError::Replaced { by })) if by == rotated.successor.key.id => rotations += 1,
            (Err(KeyError::AlreadyRevoked { .. }), Ok(_)) => revocations += 1,
            both => panic!("{both:?}"),
        }
    }
    assert!(rotations > 0 && revocations > 0, "{rotations} rotations, {revocations} revocations");
}

/// Runs a command as the operator.
async fn attempt<C, O>(fixture: &Fixture, tenant: TenantId, command: C) -> Result<O, KeyError>
where
    C: Command<dyn UnitOfWork, Output = O, Error = KeyError>,
    O: Send,
{
    let caller = Caller::operator(tenant);
    let nothing = |_: &O| RenderedResponse::default();
    match execute(&fixture.store, &fixture.environment, &caller, None, &command, nothing).await {
        Ok(Executed::Applied { output, .. }) => Ok(output),
        Err(ExecuteError::Rejected(error)) => Err(error),
        _ => panic!("neither done nor refused"),
    }
}
