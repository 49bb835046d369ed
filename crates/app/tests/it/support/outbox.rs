//! The events in the outbox.

use bwp_postgres::testing::TestDatabase;
use diesel::sql_types::{Jsonb, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;
use serde_json::Value;

/// An event in the outbox.
#[derive(Debug, diesel::QueryableByName)]
pub(crate) struct Event {
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = SmallInt)]
    pub(crate) version: i16,
    #[diesel(sql_type = Jsonb)]
    pub(crate) data: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(crate) previous_attributes: Option<Value>,
}

/// The events of every tenant, oldest first.
pub(crate) async fn events(database: &TestDatabase) -> Vec<Event> {
    diesel::sql_query(
        "SELECT kind, version, body::jsonb -> 'data' AS data, body::jsonb -> 'previous_attributes' AS previous_attributes
         FROM outbox ORDER BY id",
    )
        .load(&mut database.connection().await)
        .await
        .expect("the outbox is readable")
}
