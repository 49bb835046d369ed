//! From rows to domain values: what does not fit is named.

use std::fmt::{Debug, Display};

use bwp_domain::{
    clock::Timestamp,
    rate_limits::RateLimit,
    store::{Inconsistency, StoreError},
};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AsQuery, QueryFragment, QueryId},
    row::{Field, Row as _},
};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection};
use futures_util::TryStreamExt;

/// A limit as it is stored.
pub(crate) fn rate_limit(stored: i32) -> Option<RateLimit> {
    u32::try_from(stored).ok().and_then(RateLimit::new)
}

/// A place in the database, for naming what does not fit.
pub(crate) struct Row<'a> {
    pub(crate) table: &'static str,
    pub(crate) id: &'a dyn Display,
}

impl Row<'_> {
    /// The value of `column`, or what does not fit. The value itself is not named: it may be personal.
    pub(crate) fn fit<T, E: Debug>(&self, column: &'static str, value: Result<T, E>) -> Result<T, StoreError> {
        value.map_err(|_| self.misfit(column))
    }

    /// Like [`fit`](Self::fit), for conversions that say no more than `None`.
    pub(crate) fn some<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.misfit(column))
    }

    /// Reads a column that may be null.
    pub(crate) fn optional<T, U, E: Debug>(
        &self,
        column: &'static str,
        value: Option<T>,
        parse: impl FnOnce(T) -> Result<U, E>,
    ) -> Result<Option<U>, StoreError> {
        value.map(|value| self.fit(column, parse(value))).transpose()
    }

    fn misfit(&self, column: &'static str) -> StoreError {
        StoreError::Inconsistent(Inconsistency { table: self.table, column, row: self.id.to_string() })
    }
}

/// A row as it came.
pub(crate) type PgRow = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;
pub(crate) type PgField<'r> = <PgRow as diesel::row::Row<'r, Pg>>::Field<'r>;

/// The rows of `query`, as they come.
pub(crate) async fn load<C, Q>(mut connection: C, query: Q) -> QueryResult<Vec<PgRow>>
where
    C: for<'c, 'q> AsyncConnectionCore<Backend = Pg, Row<'c, 'q> = PgRow>,
    Q: AsQuery,
    Q::Query: QueryFragment<Pg> + QueryId,
{
    connection.load(query).await?.try_collect().await
}

/// The fields of a row, in the order of the selection, which begins with the row's id. Texts are borrowed.
pub(crate) struct Fields<'r, const N: usize> {
    table: &'static str,
    columns: &'static [&'static str],
    values: [Option<PgField<'r>>; N],
}

impl<'r, const N: usize> Fields<'r, N> {
    pub(crate) fn of(table: &'static str, columns: &'static [&'static str], row: &'r PgRow) -> Self {
        Self { table, columns, values: std::array::from_fn(|at| row.get(at)) }
    }

    /// The field at `at`, which is never null, if `read` reads it.
    pub(crate) fn some_at<'f, T>(
        &'f self,
        at: usize,
        read: impl FnOnce(&'f [u8]) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.bytes(at).and_then(read).ok_or_else(|| self.misfit(at))
    }

    fn bytes(&self, at: usize) -> Option<&[u8]> {
        Some(self.values.get(at)?.as_ref()?.value()?.as_bytes())
    }

    #[cold]
    fn misfit(&self, at: usize) -> StoreError {
        let id = self.bytes(0).and_then(integer).unwrap_or_default();
        Row { table: self.table, id: &id }.misfit(self.columns.get(at).copied().unwrap_or_default())
    }
}

/// A BIGINT.
pub(crate) fn integer(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_be_bytes)
}

/// A TEXT.
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The start of the year 2000, from which PostgreSQL counts, in milliseconds since 1970.
const EPOCH: i64 = 946_684_800_000;

/// A TIMESTAMPTZ. A list has two in each row, and needs no calendar for them.
pub(crate) fn moment(bytes: &[u8]) -> Option<Timestamp> {
    let micros = integer(bytes)?;
    Some(Timestamp::from_unix_millis(micros.div_euclid(1000).saturating_add(EPOCH)))
}
