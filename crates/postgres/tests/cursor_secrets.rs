//! The secret that signs cursors, when none is configured.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{paging::CursorSecret, store::StoreError};
use bwp_postgres::testing::{Fixture, within};
use tokio::task::JoinSet;

fn secret(byte: u8) -> CursorSecret {
    CursorSecret::new(vec![byte; 32]).expect("long enough")
}

#[tokio::test]
async fn the_first_server_gives_the_secret_and_later_ones_get_it() {
    let fixture = Fixture::new().await;
    for byte in [1, 2] {
        let stored = fixture.store.cursor_secrets(&secret(byte)).await.expect("the secrets");
        assert_eq!((stored.current, stored.previous), (secret(1), None));
    }
}

#[tokio::test]
async fn servers_that_start_at_once_get_the_same_secret() {
    let fixture = Fixture::new().await;
    let mut servers = JoinSet::new();
    for byte in 0..8 {
        let store = fixture.database.store();
        servers.spawn(async move { store.cursor_secrets(&secret(byte)).await.expect("the secrets").current });
    }
    let mut given = Vec::new();
    while let Some(secret) = within("the servers", servers.join_next()).await {
        given.push(secret.expect("no panic"));
    }
    given.dedup();
    assert_eq!(given.len(), 1, "{given:?}");
}

#[tokio::test]
async fn after_a_rotation_the_secret_before_it_is_kept_and_the_one_before_that_is_not() {
    let fixture = Fixture::new().await;
    fixture.store.cursor_secrets(&secret(1)).await.expect("the secrets");
    fixture.store.rotate_cursor_secret(&secret(2)).await.expect("rotated");
    let stored = fixture.store.cursor_secrets(&secret(9)).await.expect("the secrets");
    assert_eq!((stored.current, stored.previous), (secret(2), Some(secret(1))));
    let stored = fixture.store.rotate_cursor_secret(&secret(3)).await.expect("rotated");
    assert_eq!((stored.current, stored.previous), (secret(3), Some(secret(2))));
}

#[tokio::test]
async fn rotating_where_there_is_none_gives_the_first() {
    let fixture = Fixture::new().await;
    let stored = fixture.store.rotate_cursor_secret(&secret(1)).await.expect("rotated");
    assert_eq!((stored.current, stored.previous), (secret(1), None));
}

#[tokio::test]
async fn a_secret_that_is_too_short_is_named_as_inconsistent() {
    let fixture = Fixture::new().await;
    fixture
        .run(
            "ALTER TABLE cursor_secrets DROP CONSTRAINT cursor_secrets_current_check;
             INSERT INTO cursor_secrets (current) VALUES ('short')",
        )
        .await;
    let refused = fixture.store.cursor_secrets(&secret(1)).await;
    let Err(StoreError::Inconsistent(place)) = refused else { panic!("{refused:?}") };
    assert_eq!((place.table, place.column), ("cursor_secrets", "current"));
}
