//! Keeping the search indexes tidy.

use bwp_domain::store::StoreError;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl;

use crate::{
    error::{DuringExt, is_passing},
    locks::Lock,
    store::PgStore,
};

/// Each family that is searched has one, which is named after its table.
const INDEXES: &str = "SELECT relname::text AS name FROM pg_class
    WHERE relkind = 'i' AND relname LIKE '%\\_search' AND pg_table_is_visible(oid) ORDER BY relname";

/// One server's work is enough.
const TIDY: &str = "SELECT gin_clean_pending_list($2::text::regclass) WHERE pg_try_advisory_xact_lock($1)";

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
}

impl PgStore {
    /// Sorts what is new into the search indexes. Otherwise it waits in lists that every search reads through, and whose
    /// change fills one up has to wait until all of it is sorted in. To be called all the time.
    pub async fn tidy_search(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let indexes: Vec<Index> =
            diesel::sql_query(INDEXES).load(&mut connection).await.during("looking for search indexes")?;
        for Index { name } in indexes {
            let tidy = diesel::sql_query(TIDY).bind::<BigInt, _>(Lock::SearchIndex.number()).bind::<Text, _>(name);
            match tidy.execute(&mut connection).await {
                // While rows change all the time the list is never empty. What was done when time was up stays done.
                Err(error) if is_passing(&error) => {}
                tidied => {
                    tidied.during("tidying a search index")?;
                }
            }
        }
        Ok(())
    }
}
