//! The security log: what stands in it stays, and what a newer server noted is shown.

use bwp_postgres::testing::TestDatabase;
use diesel_async::SimpleAsyncConnection;

use crate::support::World;

const PAGE: &str = "/settings/developer/security-log";

async fn attempt(database: &TestDatabase, statement: &str) -> Result<(), String> {
    database.connection().await.batch_execute(statement).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_servers_own_role_changes_nothing_and_removes_only_what_is_old() {
    let world = World::start().await;
    let mut ada = world.signed_in("ada@example.com", "company_admin").await;
    let count = "SELECT count(*) FROM security_log";
    let before = world.number(count).await;
    assert!(before > 0);
    for statement in [
        "UPDATE security_log SET actor_name = 'nobody'",
        "UPDATE security_log SET created_at = created_at - interval '2 years'",
        "DELETE FROM security_log",
        "TRUNCATE security_log",
        "TRUNCATE security_log, sessions",
    ] {
        let refused = attempt(&world.database, statement).await.expect_err(statement);
        assert!(refused.contains("the security log is added to"), "{statement}: {refused}");
    }
    assert_eq!(world.number(count).await, before);
    // What is older than anybody has to keep it goes.
    for age in ["364 days", "366 days"] {
        let old = format!(
            "INSERT INTO security_log (tenant_id, created_at, actor_kind, action)
             SELECT id, now() - interval '{age}', 'operator', '{{\"kind\":\"old\"}}' FROM tenants"
        );
        attempt(&world.database, &old).await.expect("added");
        let purge = "DELETE FROM security_log WHERE created_at < now() - interval '365 days'";
        attempt(&world.database, purge).await.expect("old enough");
        assert_eq!(world.number(count).await, before + 1, "{age}");
    }
    assert!(ada.get(PAGE).await.text.contains("signed in"));
}

/// During an upgrade servers of two versions run side by side.
#[tokio::test]
async fn what_a_newer_server_noted_is_shown_as_far_as_it_is_known() {
    let world = World::start().await;
    let mut ada = world.signed_in("ada@example.com", "company_admin").await;
    let newer =
        "ALTER TABLE security_log DROP CONSTRAINT security_log_actor_kind_check, DROP CONSTRAINT security_log_check;
        INSERT INTO security_log (tenant_id, created_at, actor_kind, actor_id, actor_name, action)
        SELECT id, now(), kind, actor, 'Nightly export', action::jsonb FROM tenants, (VALUES
            ('job', 7, '{\"kind\":\"key_teleported\",\"to\":{\"planet\":\"Mars\"}}'),
            ('agent', NULL, '{\"kind\":\"key_revoked\"}'),
            ('user', NULL, '{\"kind\":\"user_joined\",\"user\":7}'),
            ('operator', NULL, '[]')
        ) AS noted (kind, actor, action)";
    attempt(&world.database, newer).await.expect("noted");
    let page = ada.get(PAGE).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.text.matches("no words for").count(), 4, "{}", page.text);
    assert!(
        page.words().contains("Nightly export") && page.words().contains("ada@example.com signed in"),
        "{}",
        page.text
    );
}
