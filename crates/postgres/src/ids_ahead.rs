//! Ids that are fetched ahead, so that a row's id is known before the row is stored.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError},
};

use bwp_domain::store::StoreError;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use tokio::{sync::Mutex, time::timeout};

use crate::lanes::Lanes;

/// Ids of one table that no row has. Those left over when the process ends stay unused.
pub(crate) struct IdsAhead {
    table: &'static str,
    ids: Mutex<VecDeque<i64>>,
}

/// Ids of many tables.
#[derive(Default)]
pub(crate) struct IdsOfTables(std::sync::Mutex<HashMap<&'static str, Arc<IdsAhead>>>);

impl IdsOfTables {
    /// Those of this table.
    pub(crate) fn of(&self, table: &'static str) -> Arc<IdsAhead> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tables.entry(table).or_insert_with(|| Arc::new(IdsAhead::of(table))))
    }
}

/// How many are fetched at once.
const AHEAD: i64 = 256;

#[derive(diesel::QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl IdsAhead {
    fn of(table: &'static str) -> Self {
        Self { table, ids: Mutex::default() }
    }

    /// An id that nobody else is given.
    pub(crate) async fn take(&self, lanes: &Lanes) -> Result<i64, StoreError> {
        // Those who wait behind one that waits in vain do not wait again.
        let in_time = timeout(lanes.patience(), self.next(lanes)).await;
        in_time.unwrap_or_else(|_| Err(StoreError::Unavailable("fetching ids ahead: no answer in time".to_owned())))
    }

    async fn next(&self, lanes: &Lanes) -> Result<i64, StoreError> {
        let mut ids = self.ids.lock().await;
        if let Some(id) = ids.pop_front() {
            return Ok(id);
        }
        let fetched: Vec<Id> = lanes
            .read("fetching ids ahead", |link| async move {
                diesel::sql_query("SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id FROM generate_series(1, $2)")
                    .bind::<Text, _>(self.table)
                    .bind::<BigInt, _>(AHEAD)
                    .load(&mut link.shared())
                    .await
            })
            .await?;
        ids.extend(fetched.into_iter().map(|row| row.id));
        ids.pop_front().ok_or_else(|| StoreError::Internal(format!("no ids for {}", self.table)))
    }
}
