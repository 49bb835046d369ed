//! Keeping the search index tidy.

use bwp_domain::store::StoreError;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use crate::{
    error::{DuringExt, is_passing},
    locks::Lock,
    store::PgStore,
};

/// One server's work is enough.
const TIDY: &str = "SELECT gin_clean_pending_list('contacts_search') WHERE pg_try_advisory_xact_lock($1)";

impl PgStore {
    /// Sorts what is new into the search index. Otherwise it waits in a list that every search reads through, and whose
    /// change fills that up has to wait until all of it is sorted in. To be called all the time.
    pub async fn tidy_search(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let tidied =
            diesel::sql_query(TIDY).bind::<BigInt, _>(Lock::SearchIndex.number()).execute(&mut connection).await;
        match tidied {
            // While contacts change all the time the list is never empty. What was done when time was up stays done.
            Err(error) if is_passing(&error) => Ok(()),
            tidied => tidied.during("tidying the search index").map(|_| ()),
        }
    }
}
