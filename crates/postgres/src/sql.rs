//! Pieces of SQL that diesel's query builder does not have.
//!
//! They are part of prepared statements that stay in the connection's cache, unlike diesel's `sql()`, but for the one
//! that says otherwise.

use std::{io::Write, time::Duration};

use chrono::{DateTime, Utc};
use diesel::{
    AppearsOnTable, Expression, QueryResult,
    expression::{AsExpression, ValidGrouping, is_aggregate},
    pg::{Pg, data_types::PgInterval},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{BigInt, Bool, Jsonb, SqlType, Timestamptz},
};

diesel::define_sql_function! {
    /// The earlier of two times.
    fn least(one: Timestamptz, other: Timestamptz) -> Timestamptz;
}

/// A duration to count back by. More than a thousand years are as good as a thousand: that leads to a year that can be written.
pub(crate) fn interval(duration: Duration) -> PgInterval {
    const LONGEST: Duration = Duration::from_hours(24 * 365_000);
    PgInterval::from_microseconds(i64::try_from(duration.min(LONGEST).as_micros()).unwrap_or(i64::MAX))
}

/// `(created_at, id) < ($1, $2)`: the rows behind a position, newest first.
///
/// A comparison of rows is one range of an index; `created_at < $1 OR created_at = $1 AND id < $2` is not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowBefore<C, I> {
    pub(crate) columns: (C, I),
    pub(crate) position: (DateTime<Utc>, i64),
}

impl<C, I> Expression for RowBefore<C, I> {
    type SqlType = Bool;
}

impl<C: AppearsOnTable<T>, I: AppearsOnTable<T>, T> AppearsOnTable<T> for RowBefore<C, I> {}

impl<C, I> ValidGrouping<()> for RowBefore<C, I> {
    type IsAggregate = is_aggregate::No;
}

impl<C: QueryId, I: QueryId> QueryId for RowBefore<C, I> {
    type QueryId = RowBefore<C::QueryId, I::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID && I::HAS_STATIC_QUERY_ID;
}

impl<C: QueryFragment<Pg>, I: QueryFragment<Pg>> QueryFragment<Pg> for RowBefore<C, I> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.columns.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.columns.1.walk_ast(out.reborrow())?;
        out.push_sql(") < (");
        out.push_bind_param::<Timestamptz, _>(&self.position.0)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.position.1)?;
        out.push_sql(")");
        Ok(())
    }
}

/// A condition whose statement the server plans anew each time, for the value at hand.
///
/// A prepared statement is soon planned once for all values, and what suits a rare text or a short time may be a thousand
/// times slower than need be for a common or a long one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedAnew<E>(pub(crate) E);

impl<E> Expression for PlannedAnew<E> {
    type SqlType = Bool;
}

impl<E: AppearsOnTable<T>, T> AppearsOnTable<T> for PlannedAnew<E> {}

impl<E> ValidGrouping<()> for PlannedAnew<E> {
    type IsAggregate = is_aggregate::No;
}

impl<E> QueryId for PlannedAnew<E> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<E: QueryFragment<Pg>> QueryFragment<Pg> for PlannedAnew<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        self.0.walk_ast(out)
    }
}

/// A statement that was written as text, as diesel's `sql_query` binds it, and that is prepared once all the same: its plan is good
/// for all values.
#[derive(Debug, Clone)]
pub(crate) struct Prepared<Q>(pub(crate) Q);

impl<Q> Query for Prepared<Q> {
    type SqlType = diesel::sql_types::Untyped;
}

impl<Q, C> diesel::query_dsl::RunQueryDsl<C> for Prepared<Q> {}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// A query with its limit written into it.
///
/// For a bound limit the planner assumes a tenth of the table and so never settles on one plan for all values. The
/// numbers come in few steps, so that few statements are prepared.
#[derive(Debug, Clone)]
pub(crate) struct WithLimit<Q> {
    query: Q,
    step: usize,
}

/// The default page, one of twice as many, and the largest, each with the row that tells whether there is another page.
const STEPS: [usize; 3] = [26, 51, 101];

impl<Q> WithLimit<Q> {
    /// At least `rows` rows of `query`, if there are that many. A page has no more rows than the largest step.
    pub(crate) fn at_least(rows: usize, query: Q) -> Self {
        Self { query, step: STEPS.iter().position(|step| rows <= *step).unwrap_or(STEPS.len() - 1) }
    }
}

impl<Q: Query> Query for WithLimit<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> QueryId for WithLimit<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for WithLimit<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_sql(&STEPS[self.step].to_string());
        Ok(())
    }
}

/// A value of JSON as text: it is written once, where a copy of the value would be another tree.
#[derive(Debug, Clone, AsExpression)]
#[diesel(sql_type = Jsonb)]
pub(crate) struct WrittenJson(String);

impl WrittenJson {
    pub(crate) fn of(value: &serde_json::Value) -> Self {
        Self(value.to_string())
    }
}

impl ToSql<Jsonb, Pg> for WrittenJson {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        // The version of the format.
        out.write_all(&[1])?;
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

/// The type of transaction numbers.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 28, array_oid = 1011))]
pub struct Xid;

/// Which version of its row was read: the number of the transaction that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression)]
#[diesel(sql_type = Xid)]
pub(crate) struct RowVersion(u32);

impl RowVersion {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u32::from_be_bytes).map(Self)
    }
}

impl ToSql<Xid, Pg> for RowVersion {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

/// The text of a statement, and whether it is planned anew each time. For tests of its plan.
#[cfg(feature = "testing")]
pub(crate) fn text(query: &impl QueryFragment<Pg>) -> QueryResult<(String, bool)> {
    use diesel::{pg::PgQueryBuilder, query_builder::QueryBuilder};

    let mut text = PgQueryBuilder::default();
    query.to_sql(&mut text, &Pg)?;
    Ok((text.finish(), !query.is_safe_to_cache_prepared(&Pg)?))
}

/// `text` as a pattern of LIKE that finds it anywhere.
pub(crate) fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_its_text_literally() {
        assert_eq!(contains_pattern(r"50%_a\b"), r"%50\%\_a\\b%");
    }
}
