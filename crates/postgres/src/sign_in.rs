//! Failed attempts to sign in, and known browsers.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{AccountId, DeviceId},
    sign_in::{DeviceHash, Failures, FailuresKey, MOST_DEVICES, ports::SignInRepository},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bytea, Timestamptz},
    upsert::excluded,
};
use diesel_async::RunQueryDsl;

use crate::{
    error::DuringExt,
    rows::Row,
    schema::{known_browsers, sign_in_failures},
    unit_of_work::PgUnitOfWork,
};

/// The rows in one order: two browsers that change places at once wait for each other.
const RENAME: &str = "UPDATE known_browsers SET token_hash = $2 FROM (
        SELECT account_id FROM known_browsers WHERE token_hash = $1 ORDER BY account_id FOR UPDATE
    ) AS known
    WHERE known_browsers.account_id = known.account_id AND known_browsers.token_hash = $1";

/// All of an account but this one and so many others. One that somebody renames just now is left for the next time: they may
/// wait for this one.
const FORGET_OLDEST: &str = "DELETE FROM known_browsers WHERE account_id = $1 AND token_hash IN (
        SELECT token_hash FROM known_browsers WHERE account_id = $1 AND token_hash <> $2
        ORDER BY signed_in_at DESC, id DESC OFFSET $3 FOR UPDATE SKIP LOCKED
    )";

#[async_trait]
impl SignInRepository for PgUnitOfWork {
    async fn lock_failures(&mut self, keys: &[FailuresKey]) -> Result<Vec<Failures>, StoreError> {
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let new = |key: &FailuresKey| {
            let at = (
                sign_in_failures::failed_at.eq(Vec::<DateTime<Utc>>::new()),
                sign_in_failures::last_at.eq(DateTime::UNIX_EPOCH),
            );
            (sign_in_failures::key.eq(key.as_bytes().to_vec()), at.0, at.1)
        };
        // A row that is there is changed to what it is: that locks it, and tells what it is by then.
        let rows: Vec<(Vec<u8>, Vec<Option<DateTime<Utc>>>)> = diesel::insert_into(sign_in_failures::table)
            .values(sorted.iter().map(new).collect::<Vec<_>>())
            .on_conflict(sign_in_failures::key)
            .do_update()
            .set(sign_in_failures::key.eq(excluded(sign_in_failures::key)))
            .returning((sign_in_failures::key, sign_in_failures::failed_at))
            .load(self.connection()?)
            .await
            .during("locking failed attempts")?;
        let place = Row { table: "sign_in_failures", id: &"found by its key" };
        let failures = |key: &FailuresKey| {
            let row = rows.iter().find(|(of, _)| of.as_slice() == key.as_bytes());
            let (_, times) = place.some("key", row)?;
            let times = times.iter().map(|at| place.some("failed_at", at.map(Timestamp::from)));
            Ok(Failures::new(times.collect::<Result<_, _>>()?))
        };
        keys.iter().map(failures).collect()
    }

    async fn store_failures(&mut self, key: &FailuresKey, failures: &Failures) -> Result<(), StoreError> {
        let times: Vec<DateTime<Utc>> = failures.times().iter().copied().map(DateTime::from).collect();
        let last = times.last().copied().unwrap_or(DateTime::UNIX_EPOCH);
        diesel::update(sign_in_failures::table.find(key.as_bytes().as_slice()))
            .set((sign_in_failures::failed_at.eq(times), sign_in_failures::last_at.eq(last)))
            .execute(self.connection()?)
            .await
            .during("storing failed attempts")
            .map(|_| ())
    }

    async fn owners(
        &mut self,
        device: &DeviceHash,
        since: Timestamp,
    ) -> Result<Vec<(AccountId, DeviceId)>, StoreError> {
        let ids: Vec<(i64, i64)> = known_browsers::table
            .filter(known_browsers::token_hash.eq(device.as_bytes().as_slice()))
            .filter(known_browsers::signed_in_at.ge(DateTime::<Utc>::from(since)))
            .select((known_browsers::account_id, known_browsers::id))
            .load(self.connection()?)
            .await
            .during("looking whether a browser is known")?;
        let owner = |(account, id)| {
            let place = Row { table: "known_browsers", id: &id };
            Ok((place.some("account_id", AccountId::new(account))?, place.some("id", DeviceId::new(id))?))
        };
        ids.into_iter().map(owner).collect()
    }

    async fn remember(
        &mut self,
        account: AccountId,
        old: Option<DeviceHash>,
        new: &DeviceHash,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        if let Some(old) = old {
            diesel::sql_query(RENAME)
                .bind::<Bytea, _>(old.as_bytes().as_slice())
                .bind::<Bytea, _>(new.as_bytes().as_slice())
                .execute(connection)
                .await
                .during("renaming a browser")?;
        }
        let now = DateTime::<Utc>::from(now);
        diesel::insert_into(known_browsers::table)
            .values((
                known_browsers::account_id.eq(account.get()),
                known_browsers::token_hash.eq(new.as_bytes().as_slice()),
                known_browsers::signed_in_at.eq(now),
            ))
            .on_conflict((known_browsers::account_id, known_browsers::token_hash))
            .do_update()
            .set(known_browsers::signed_in_at.eq(now.into_sql::<Timestamptz>()))
            .execute(connection)
            .await
            .during("remembering a browser")?;
        diesel::sql_query(FORGET_OLDEST)
            .bind::<BigInt, _>(account.get())
            .bind::<Bytea, _>(new.as_bytes().as_slice())
            .bind::<BigInt, _>(i64::try_from(MOST_DEVICES - 1).unwrap_or(i64::MAX))
            .execute(connection)
            .await
            .during("forgetting the oldest browsers")
            .map(|_| ())
    }

    async fn forget(&mut self, account: AccountId, kept: Option<DeviceHash>) -> Result<(), StoreError> {
        // No hash is empty.
        let kept = kept.as_ref().map_or(&[][..], |kept| kept.as_bytes().as_slice());
        let of_account = known_browsers::account_id.eq(account.get());
        diesel::delete(known_browsers::table.filter(of_account).filter(known_browsers::token_hash.ne(kept)))
            .execute(self.connection()?)
            .await
            .during("forgetting browsers")
            .map(|_| ())
    }
}
