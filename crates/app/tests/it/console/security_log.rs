//! The security log: what stands in it stays.

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
