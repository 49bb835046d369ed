//! From rows to domain values: what does not fit is named.

use std::fmt::{Debug, Display};

use bwp_domain::{
    clock::Timestamp,
    rate_limits::RateLimit,
    store::{Inconsistency, StoreError},
};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    sql_types::Timestamptz,
};

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

/// A time as it comes from the database: a list has two in each row, and needs no calendar for them.
#[derive(Clone, Copy, Debug, FromSqlRow)]
pub(crate) struct Moment(Timestamp);

/// The start of the year 2000, from which PostgreSQL counts, in milliseconds since 1970.
const EPOCH: i64 = 946_684_800_000;

impl FromSql<Timestamptz, Pg> for Moment {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = i64::from_be_bytes(value.as_bytes().try_into()?);
        Ok(Self(Timestamp::from_unix_millis(micros.div_euclid(1000).saturating_add(EPOCH))))
    }
}

impl From<Moment> for Timestamp {
    fn from(moment: Moment) -> Self {
        moment.0
    }
}
