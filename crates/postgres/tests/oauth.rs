//! The MUSTs of the ports of apps.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    clock::Timestamp,
    ids::{ClientPublicId, GrantId, TenantId},
    oauth::{
        AccessToken, AppCredential, Client, ClientMetadata, ClientSecret, Connection, GrantEnd, REFRESH_LIFETIME,
        RefreshToken, Registration, Resource, Rotation, Shown,
        ports::{AccessRecord, ClientRecord, GrantRecord, OauthReader},
    },
    paging::{Limit, PageRequest},
    scopes::{ScopeId, ScopeSet},
    users::{Role, User},
};
use bwp_postgres::testing::{Fixture, within};

const AT: Timestamp = Timestamp::from_unix_millis(1_800_000_000_123);

/// An app that was let in: its grant, with a refresh token that has a successor, and an access token of the successor.
struct Given {
    fixture: Fixture,
    user: User,
    grant: GrantId,
    access: AccessToken,
}

async fn client(fixture: &Fixture, method: &str) -> Client {
    let sent = Registration {
        name: Some("Yard sync".to_owned()),
        redirect_uris: Some(vec!["https://yard.example/cb".to_owned()]),
        auth_method: Some(method.to_owned()),
        ..Registration::default()
    };
    let metadata = ClientMetadata::parse(sent).expect("good");
    let entropy = &*fixture.environment.entropy;
    let secret = (!metadata.is_public()).then(|| ClientSecret::generate(entropy).hash());
    let record = ClientRecord { public_id: ClientPublicId::generate(AT, entropy), metadata, secret, created_at: AT };
    let mut uow = fixture.begin().await;
    let client = uow.oauth().insert_client(record).await.expect("stored");
    uow.commit().await.expect("a commit");
    client
}

impl Given {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let tenant = fixture.tenant().await.id;
        let user = fixture.user(tenant, "user@example.com", Role::Member).await;
        let client = client(&fixture, "none").await;
        let entropy = &*fixture.environment.entropy;
        let (first, second) = (RefreshToken::generate(entropy), RefreshToken::generate(entropy));
        let access = AccessToken::generate(entropy);
        let scopes = ScopeSet::of(&[ScopeId::ContactsRead]);
        let mut uow = fixture.begin().await;
        let oauth = uow.oauth();
        let record =
            GrantRecord { client: client.id, user: user.id, scopes, resource: Resource::Server, created_at: AT };
        let grant = oauth.insert_grant(tenant, record).await.expect("stored");
        let first = oauth.insert_refresh(tenant, grant, first.hash(), AT).await.expect("stored");
        let second = oauth.insert_refresh(tenant, grant, second.hash(), AT).await.expect("stored");
        let mut rotation = Rotation::begin(first);
        assert_eq!(rotation.rotate(first, second), Some(Shown::Good));
        oauth.set_rotation(tenant, grant, rotation).await.expect("stored");
        let record =
            AccessRecord { hash: access.hash(), given_with: Some(second), scopes, created_at: AT, expires_at: AT };
        oauth.insert_access(tenant, grant, record).await.expect("stored");
        uow.commit().await.expect("a commit");
        Self { fixture, user, grant, access }
    }

    fn tenant(&self) -> TenantId {
        self.user.tenant
    }

    async fn find(&self) -> Option<Arc<AppCredential>> {
        self.fixture.store.find_access(&self.access.hash()).await.expect("a look")
    }
}

#[tokio::test]
async fn the_same_public_client_is_kept_once_and_confidential_ones_are_not_the_same() {
    let fixture = Fixture::new().await;
    let public = client(&fixture, "none").await;
    assert_eq!(client(&fixture, "none").await, public);
    let secret = client(&fixture, "client_secret_post").await;
    assert_ne!(client(&fixture, "client_secret_post").await.id, secret.id);
    assert_eq!(fixture.store.find_client(secret.public_id).await.expect("a look"), Some(secret));
}

#[tokio::test]
async fn a_token_is_found_with_its_user_and_that_it_arrived_is_stored() {
    let given = Given::new().await;
    let arrived = "SELECT count(*) FROM oauth_grants WHERE arrived";
    assert_eq!(given.fixture.number(arrived).await, 0);
    let found = given.find().await.expect("a credential");
    assert_eq!((found.grant, &found.user, found.app.as_str()), (given.grant, &given.user, "Yard sync"));
    assert_eq!(given.fixture.number(arrived).await, 1);
    given.fixture.run("UPDATE users SET role = 'viewer'").await;
    assert_eq!(given.find().await.expect("a credential").user.role, Role::Viewer);
}

#[tokio::test]
async fn ending_a_grant_waits_for_who_holds_it_and_holds_from_then_on() {
    let given = Given::new().await;
    let found = given.find().await.expect("a credential");
    let (tenant, account, grant) = (given.tenant(), given.user.account.id, given.grant);
    let mut holder = given.fixture.begin().await;
    let held = holder.credentials().hold_app(tenant, account, grant, found.token).await.expect("an answer");
    assert_eq!(held.as_ref(), Some(&found));
    // Another request of the app does not wait.
    let mut other = given.fixture.begin().await;
    let together = other.credentials().hold_app(tenant, account, grant, found.token);
    assert!(within("holding together", together).await.expect("an answer").is_some());
    other.rollback().await.expect("a roll-back");
    let store = given.fixture.store.clone();
    let ending = tokio::spawn(async move {
        let mut uow = bwp_domain::store::Store::begin(&store).await.expect("a unit of work");
        let locked = uow.oauth().lock_grant(tenant, grant).await.expect("an answer").expect("a grant");
        uow.oauth().end_grant(tenant, locked.id, AT, GrantEnd::Revoked).await.expect("ended");
        uow.commit().await.expect("a commit");
    });
    given.fixture.until_waiting(1).await;
    assert!(!ending.is_finished());
    holder.commit().await.expect("a commit");
    within("the end", ending).await.expect("no panic");
    assert_eq!(given.find().await, None);
    let mut late = given.fixture.begin().await;
    let held = late.credentials().hold_app(tenant, account, grant, found.token).await.expect("an answer");
    assert_eq!(held, None);
    late.rollback().await.expect("a roll-back");
}

#[tokio::test]
async fn another_tenants_grant_is_not_there() {
    let given = Given::new().await;
    let found = given.find().await.expect("a credential");
    let stranger = given.fixture.tenant().await.id;
    let mut uow = given.fixture.begin().await;
    assert_eq!(uow.oauth().lock_grant(stranger, given.grant).await.expect("an answer"), None);
    let held = uow.credentials().hold_app(stranger, given.user.account.id, given.grant, found.token).await;
    assert_eq!(held.expect("an answer"), None);
    uow.oauth().end_access(stranger, found.token).await.expect("nothing");
    uow.oauth().end_grant(stranger, given.grant, AT, GrantEnd::Revoked).await.expect("nothing");
    uow.commit().await.expect("a commit");
    assert!(given.find().await.is_some());
    let store = &given.fixture.store;
    let before = AT.minus(Duration::from_secs(1));
    assert!(store.find_connection(given.tenant(), given.grant, before).await.expect("an answer").is_some());
    assert_eq!(store.find_connection(stranger, given.grant, before).await.expect("an answer"), None);
    let page = PageRequest { limit: Limit::DEFAULT, after: None };
    assert_eq!(store.list_connections(stranger, None, before, page).await.expect("an answer").items, []);
}

#[tokio::test]
async fn what_can_be_used_and_what_was_stolen_of_late_is_listed() {
    let given = Given::new().await;
    let other = given.fixture.user(given.tenant(), "other@example.com", Role::Member).await;
    let store = &given.fixture.store;
    let listed = async |user, now| {
        let page = PageRequest { limit: Limit::DEFAULT, after: None };
        store.list_connections(given.tenant(), user, now, page).await.expect("a list").items
    };
    // The newest refresh token is good until `AT`.
    let before = AT.minus(Duration::from_secs(1));
    let found = listed(Some(given.user.id), before).await;
    assert_eq!(found.iter().map(|one| (one.id, &one.user)).collect::<Vec<_>>(), [(given.grant, &given.user)]);
    assert_eq!((found[0].created_at, found[0].renewed_at), (AT, AT.minus(REFRESH_LIFETIME)));
    assert_eq!(listed(None, before).await, found);
    assert_eq!(listed(Some(other.id), before).await, []);
    assert_eq!(listed(None, AT).await, []);
    // A grant ends once: how it did stays.
    for why in [GrantEnd::Theft, GrantEnd::Revoked] {
        let mut uow = given.fixture.begin().await;
        uow.oauth().lock_grant(given.tenant(), given.grant).await.expect("an answer").expect("a grant");
        uow.oauth().end_grant(given.tenant(), given.grant, AT, why).await.expect("ended");
        uow.commit().await.expect("a commit");
    }
    let last = AT.plus(Connection::THEFT_SHOWN);
    assert_eq!(listed(None, last.minus(Duration::from_secs(1))).await[0].stolen_at, Some(AT));
    assert_eq!(listed(None, last).await, []);
}
