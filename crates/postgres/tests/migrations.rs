//! The way to the schema and back, and what the schema's conventions promise.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::store::Health;
use bwp_postgres::{
    MigrateError, MigrationReport, PgStore, PoolSettings, drop_everything, migrate,
    testing::{Fixture, TestDatabase, revert_all, within},
};
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use tokio::task::JoinSet;

/// The steps, by the folders' names.
fn steps() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let entries = std::fs::read_dir(folder).expect("the migrations are beside the crates");
    let folders = entries.map(|entry| entry.expect("readable")).filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn version(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}

fn versions(names: &[String]) -> Vec<String> {
    names.iter().map(|name| version(name)).collect()
}

async fn up(database: &TestDatabase) -> MigrationReport {
    migrate(&database.url()).await.expect("the migrations run")
}

#[tokio::test]
async fn up_takes_every_step_in_order_and_again_none() {
    let database = TestDatabase::empty().await;
    assert_eq!(versions(&up(&database).await.applied), versions(&steps()));
    assert_eq!(up(&database).await, MigrationReport::default());
}

#[tokio::test]
async fn the_way_back_leaves_nothing_and_can_be_gone_again() {
    let database = TestDatabase::empty().await;
    up(&database).await;
    revert_all(&database.url()).await.expect("the way back");
    assert_eq!(left(&database).await, []);
    assert_eq!(versions(&up(&database).await.applied), versions(&steps()));
}

/// What a backup is restored over.
#[tokio::test]
async fn all_that_the_steps_made_can_be_dropped() {
    let database = TestDatabase::empty().await;
    up(&database).await;
    let mut connection = database.connection().await;
    connection.batch_execute("CREATE TABLE somebody_elses (id int)").await.expect("made");
    // Whatever of it is there.
    for _ in 0..2 {
        connection.batch_execute(&drop_everything()).await.expect("dropped");
        assert_eq!(left(&database).await, [Finding { finding: "somebody_elses".to_owned() }]);
    }
}

#[tokio::test]
async fn of_ten_servers_at_once_one_takes_the_steps_and_the_others_wait() {
    let database = TestDatabase::empty().await;
    let mut servers = JoinSet::new();
    for _ in 0..10 {
        let url = database.url();
        servers.spawn(async move { migrate(&url).await.expect("the migrations run") });
    }
    let mut applied = Vec::new();
    while let Some(report) = within("the servers", servers.join_next()).await {
        applied.push(report.expect("no panic").applied.len());
    }
    applied.sort_unstable();
    assert_eq!(applied, [[0; 9].as_slice(), &[steps().len()]].concat());
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_as_such() {
    let database = TestDatabase::empty().await;
    let refused = migrate(&database.url().replace("/test_", "/absent_")).await;
    assert!(matches!(refused, Err(MigrateError::Connect(_))), "{refused:?}");
}

/// What is there besides the list of the steps, and what comes with extensions.
async fn left(database: &TestDatabase) -> Vec<Finding> {
    query(
        database,
        "SELECT relname::text AS finding FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relname NOT LIKE '\\_\\_diesel%'
         UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')",
    )
    .await
}

#[derive(Debug, PartialEq, Eq, diesel::QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    finding: String,
}

async fn query(database: &TestDatabase, query: &str) -> Vec<Finding> {
    diesel::sql_query(query).load(&mut database.connection().await).await.expect("the catalogue is readable")
}

/// Fails with what the query finds in the catalogue of a migrated database.
async fn must_find_nothing(what: &str) {
    let fixture = Fixture::new().await;
    assert_eq!(query(&fixture.database, what).await, []);
}

#[tokio::test]
async fn every_table_has_a_primary_key() {
    must_find_nothing(
        "SELECT relname::text AS finding FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')",
    )
    .await;
}

/// A tenant's table has a column `tenant_id` that is always filled. `tenants` is led by its own id. Accounts and apps belong
/// to no tenant, and a session to one only as long as it acts there.
#[tokio::test]
async fn every_key_of_a_tenants_table_is_led_by_the_tenant() {
    must_find_nothing(
        "SELECT format('%s of %s', conname, conrelid::regclass) AS finding FROM pg_constraint
         JOIN pg_attribute AS tenant ON tenant.attrelid = conrelid AND tenant.attname = 'tenant_id' AND tenant.attnotnull
         WHERE contype IN ('p', 'f') AND conkey[1] <> tenant.attnum
            AND confrelid NOT IN ('accounts'::regclass, 'oauth_clients'::regclass)",
    )
    .await;
}

/// A unique index without the tenant would tell one tenant of another's rows. Random ids and hashes tell nothing.
#[tokio::test]
async fn every_unique_index_of_a_tenants_table_is_led_by_the_tenant_or_on_something_random() {
    must_find_nothing(
        "SELECT indexrelid::regclass::text AS finding FROM pg_index
         JOIN pg_attribute AS tenant ON tenant.attrelid = indrelid AND tenant.attname = 'tenant_id'
         LEFT JOIN pg_attribute AS first ON first.attrelid = indrelid AND first.attnum = indkey[0]
         WHERE indisunique AND indkey[0] <> tenant.attnum AND coalesce(first.attname, '') NOT IN ('public_id', 'key_hash', 'token_hash', 'code_hash')
            AND tenant.attnotnull",
    )
    .await;
}

#[tokio::test]
async fn every_foreign_key_names_the_tenant_on_both_sides() {
    must_find_nothing(
        "SELECT format('%s of %s', conname, conrelid::regclass) AS finding FROM pg_constraint
         WHERE contype = 'f' AND confrelid NOT IN ('tenants'::regclass, 'accounts'::regclass, 'oauth_clients'::regclass)
            AND (SELECT attname FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1]) <> 'tenant_id'",
    )
    .await;
}

#[tokio::test]
async fn times_are_kept_at_the_milliseconds_that_they_are_shown_with() {
    must_find_nothing(
        "SELECT format('%I.%I %s', relname, attname, format_type(atttypid, atttypmod)) AS finding
         FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
            AND relname NOT LIKE '\\_\\_diesel%'
            AND (atttypid = 'timestamp'::regtype OR atttypid = 'timestamptz'::regtype AND atttypmod <> 3)",
    )
    .await;
}

/// Who owns the database may do all of this: both extensions are trusted, and what only a superuser may set is not
/// needed. Checked on the private cluster, which lets every role in.
#[tokio::test]
async fn an_ordinary_role_that_owns_its_database_is_enough() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let Some(place) = url.strip_prefix("postgresql://bwp@") else { return };
    let make = format!(
        "DO $$ BEGIN CREATE ROLE ordinary LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         ALTER DATABASE {} OWNER TO ordinary",
        database.name()
    );
    database.connection().await.batch_execute(&make).await.expect("a role");
    let url = format!("postgresql://ordinary@{place}");
    assert_eq!(migrate(&url).await.expect("the migrations run").applied.len(), steps().len());
    let store = PgStore::new(&url, PoolSettings::default()).expect("a pool");
    store.check().await.expect("the store works");
}
