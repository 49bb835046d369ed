//! The partitions of the log: made ahead, and dropped when their time is over.

use std::time::Duration;

use bwp_domain::{clock::Timestamp, store::StoreError};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Interval, Text, Timestamptz};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use crate::{
    error::{DuringExt, is_lock_timeout},
    sql::interval,
    store::PgStore,
};

/// What was done to the partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPartitions {
    /// Those that were dropped, by name.
    pub dropped: Vec<String>,
}

/// The month before, this one and the next two. A month that is over and would be dropped again is not made. Making goes by
/// the process's clock, as the entries do that need the months.
const MAKE: &str = "SELECT api_audit_logs_make_partition(month) FROM (
        SELECT $1 + n * interval '1 month' AS month FROM generate_series(-1, 2) AS n
    ) AS months
    WHERE date_trunc('month', month) >= date_trunc('month', least($1, now()) - $2)";

/// Ours alone: somebody may have attached an archive of theirs, which has another name or is in another schema. Names compare as
/// months do. The month from which on they are kept counts back from the earlier of two clocks, the process's and the
/// database's: one server whose clock is ahead would else drop the months of all.
const EXPIRED: &str = "SELECT part.relname::text AS name, part.oid::regclass::text AS quoted
    FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid JOIN pg_class AS log ON log.oid = inhparent
    WHERE log.oid = 'api_audit_logs'::regclass AND part.relnamespace = log.relnamespace
        AND part.relname ~ '^api_audit_logs_[0-9]{4}_[0-9]{2}$'
        AND part.relname::text COLLATE \"C\"
            < 'api_audit_logs_' || to_char((least($1, now()) - $2) AT TIME ZONE 'UTC', 'YYYY_MM')
    ORDER BY part.relname";

#[derive(diesel::QueryableByName)]
struct Partition {
    #[diesel(sql_type = Text)]
    name: String,
    /// As it is written in a statement.
    #[diesel(sql_type = Text)]
    quoted: String,
}

impl PgStore {
    /// Makes the partitions of the months around `now`, and drops those whose months ended before the month that was
    /// `retention` before `now`, or before the database's time if that is earlier. Any number of servers may do so at once. A
    /// partition that is in use is left for the next time.
    pub async fn keep_audit_partitions(
        &self,
        now: Timestamp,
        retention: Duration,
    ) -> Result<AuditPartitions, StoreError> {
        let (now, retention) = (DateTime::<Utc>::from(now), interval(retention));
        let mut connection = self.connection().await?;
        diesel::sql_query(MAKE)
            .bind::<Timestamptz, _>(now)
            .bind::<Interval, _>(retention)
            .execute(&mut connection)
            .await
            .during("making the partitions of the audit log")?;
        let expired: Vec<Partition> = diesel::sql_query(EXPIRED)
            .bind::<Timestamptz, _>(now)
            .bind::<Interval, _>(retention)
            .load(&mut connection)
            .await
            .during("looking for old partitions of the audit log")?;
        let mut dropped = Vec::new();
        for Partition { name, quoted } in expired {
            // Dropping locks the whole log for a moment. While it waits for that, nobody else gets to read or write: it
            // does not wait for long. One message of two statements is one transaction.
            let drop = format!("SET LOCAL lock_timeout = 200; DROP TABLE IF EXISTS {quoted}");
            match connection.batch_execute(&drop).await {
                Ok(()) => dropped.push(name),
                Err(error) if is_lock_timeout(&error) => tracing::debug!(name, "in use: dropped later"),
                Err(error) => return Err(error).during("dropping an old partition of the audit log"),
            }
        }
        Ok(AuditPartitions { dropped })
    }
}
