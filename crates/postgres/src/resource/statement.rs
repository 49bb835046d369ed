//! A statement that was written as text.

use std::borrow::Cow;

use bwp_domain::{
    ids::TenantId,
    resource::{Kind, Value},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    QueryResult,
    pg::{Pg, PgQueryBuilder},
    query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Bool, Date, Jsonb, Nullable, Numeric, Text, Timestamptz, Untyped},
};

/// A statement and what is bound to its parameters, in their order.
pub(crate) struct Statement<'a> {
    text: Cow<'a, str>,
    binds: Vec<Bind>,
    planned_anew: bool,
}

/// What is bound to one parameter.
pub(super) enum Bind {
    Integer(Option<i64>),
    Integers(Vec<i64>),
    Text(Option<String>),
    Bool(Option<bool>),
    Decimal(Option<rust_decimal::Decimal>),
    Moment(Option<DateTime<Utc>>),
    Day(Option<NaiveDate>),
    Texts(Vec<String>),
    Json(Option<serde_json::Value>),
}

impl Bind {
    /// What a field of this kind holds.
    pub(super) fn of(kind: Kind, value: &Value<'_>) -> Self {
        match kind {
            Kind::Text { .. } | Kind::Email | Kind::Words(_) => Self::Text(match value {
                Value::Text(text) => Some(text.as_ref().to_owned()),
                _ => None,
            }),
            Kind::Integer { .. } | Kind::Id => Self::Integer(value.as_integer()),
            Kind::Bool => Self::Bool(if let Value::Bool(bool) = value { Some(*bool) } else { None }),
            Kind::Decimal { .. } => Self::Decimal(value.as_decimal()),
            Kind::Json => Self::Json(match value {
                Value::Json(json) => serde_json::from_str(json).ok(),
                _ => None,
            }),
            Kind::Day => Self::Day(if let Value::Day(day) = value { Some(day.date()) } else { None }),
            Kind::Texts { .. } => Self::Texts(if let Value::Texts(texts) = value { texts.clone() } else { Vec::new() }),
            Kind::Moment => Self::Moment(if let Value::Moment(moment) = value { Some((*moment).into()) } else { None }),
        }
    }

    pub(super) fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Integer(number) => out.push_bind_param::<Nullable<BigInt>, _>(number),
            Self::Integers(numbers) => out.push_bind_param::<Array<BigInt>, _>(numbers),
            Self::Text(text) => out.push_bind_param::<Nullable<Text>, _>(text),
            Self::Bool(bool) => out.push_bind_param::<Nullable<Bool>, _>(bool),
            Self::Decimal(decimal) => out.push_bind_param::<Nullable<Numeric>, _>(decimal),
            Self::Day(day) => out.push_bind_param::<Nullable<Date>, _>(day),
            Self::Json(json) => out.push_bind_param::<Nullable<Jsonb>, _>(json),
            Self::Texts(texts) => out.push_bind_param::<Array<Text>, _>(texts),
            Self::Moment(moment) => out.push_bind_param::<Nullable<Timestamptz>, _>(moment),
        }
    }
}

impl From<TenantId> for Bind {
    fn from(tenant: TenantId) -> Self {
        Self::Integer(Some(tenant.get()))
    }
}

impl From<i64> for Bind {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<bwp_domain::clock::Timestamp> for Bind {
    fn from(moment: bwp_domain::clock::Timestamp) -> Self {
        Self::Moment(Some(moment.into()))
    }
}

impl<'a> Statement<'a> {
    /// A statement that is prepared once: its plan is good for all values.
    pub(super) fn prepared(text: impl Into<Cow<'a, str>>, binds: Vec<Bind>) -> Self {
        Self { text: text.into(), binds, planned_anew: false }
    }

    /// A statement that the server plans anew each time, for the values at hand: see [`PlannedAnew`](crate::sql::PlannedAnew).
    pub(super) fn planned_anew(text: impl Into<Cow<'a, str>>, binds: Vec<Bind>) -> Self {
        Self { text: text.into(), binds, planned_anew: true }
    }
}

#[cfg(feature = "testing")]
impl Statement<'_> {
    /// Its text, and whether it is planned anew each time. For tests of its plan.
    pub(crate) fn explained(self) -> (String, bool) {
        (self.text.into_owned(), self.planned_anew)
    }
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

impl<C> diesel::query_dsl::RunQueryDsl<C> for Statement<'_> {}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.planned_anew {
            out.unsafe_to_cache_prepared();
        }
        self.binds.iter().try_for_each(|bind| bind.push(&mut out))
    }

    fn to_sql(&self, out: &mut PgQueryBuilder, _backend: &Pg) -> QueryResult<()> {
        out.push_sql(&self.text);
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(!self.planned_anew)
    }
}
