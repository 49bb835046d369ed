//! From columns to values.

use std::num::NonZeroU32;

use bwp_domain::{
    clock::{Day, Timestamp},
    ids::TenantId,
    resource::{
        Field, Kind, Record, Shape, Value, Written,
        ports::{self, RowSet},
    },
    store::{Inconsistency, StoreError},
};
use diesel::{
    deserialize::FromSql,
    pg::{Pg, PgValue},
    row::{Field as _, Row as _},
    sql_types::{Array, Date, Numeric, Text},
};

use super::text::COMMON;
use crate::{
    rows::{PgField, PgRow, integer, moment, text},
    sql::RowVersion,
};

/// Rows as they came.
pub(super) struct PgRows {
    pub(super) shape: &'static Shape,
    pub(super) rows: Vec<PgRow>,
}

impl RowSet for PgRows {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn show(
        &self,
        index: usize,
        viewer: &mut dyn FnMut(&dyn ports::Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows.get(index).map_or(Ok(()), |row| viewer(&Read::of(self.shape, row)))
    }
}

/// A row: the common columns, then those of the resource, then what else was selected.
pub(super) struct Read<'r> {
    shape: &'static Shape,
    /// A value is borrowed from its field, which is no part of the row.
    fields: Vec<PgField<'r>>,
}

impl<'r> Read<'r> {
    pub(super) fn of(shape: &'static Shape, row: &'r PgRow) -> Self {
        Self { shape, fields: (0..row.field_count()).filter_map(|at| row.get(at)).collect() }
    }

    pub(super) fn record(&self) -> Result<Record, StoreError> {
        ports::record(self.shape, self)
    }

    /// The row's tenant, of a statement that selects it behind the columns.
    pub(super) fn tenant(&self) -> Result<TenantId, StoreError> {
        self.some(self.beyond(), |bytes| integer(bytes).and_then(TenantId::new))
    }

    /// The row's version, of a statement that selects it behind the columns.
    pub(super) fn version(&self) -> Result<RowVersion, StoreError> {
        self.some(self.beyond(), RowVersion::read)
    }

    const fn beyond(&self) -> usize {
        COMMON.len() + self.shape.fields.len()
    }

    fn get(&self, at: usize) -> Option<PgValue<'_>> {
        self.fields.get(at)?.value()
    }

    /// The column at this place, which is never null, if `read` reads it.
    fn some<'v, T>(&'v self, at: usize, read: impl FnOnce(&'v [u8]) -> Option<T>) -> Result<T, StoreError> {
        self.get(at).and_then(|value| read(value.as_bytes())).ok_or_else(|| self.misfit(at))
    }

    #[cold]
    fn misfit(&self, at: usize) -> StoreError {
        let id = self.get(0).and_then(|id| integer(id.as_bytes())).unwrap_or_default();
        let own = at.checked_sub(COMMON.len()).and_then(|at| self.shape.fields.get(at));
        let column = own.map(|field| field.column).or_else(|| COMMON.get(at).copied()).unwrap_or_default();
        StoreError::Inconsistent(Inconsistency { table: self.shape.table, column, row: id.to_string() })
    }
}

impl ports::Row for Read<'_> {
    fn id(&self) -> Result<i64, StoreError> {
        self.some(0, |bytes| integer(bytes).filter(|id| *id > 0))
    }

    fn created_at(&self) -> Result<Timestamp, StoreError> {
        self.some(1, moment)
    }

    fn updated_at(&self) -> Result<Timestamp, StoreError> {
        self.some(2, moment)
    }

    fn value(&self, at: usize) -> Result<Value<'_>, StoreError> {
        let Some(field) = self.shape.fields.get(at) else {
            return Err(StoreError::Internal(format!("{} have no field {at}", self.shape.many)));
        };
        let at = COMMON.len() + at;
        let read = match self.get(at) {
            Some(value) => read(field.kind, &value),
            None => field.nullable.then_some(Value::Null),
        };
        read.ok_or_else(|| self.misfit(at))
    }
}

/// What a column holds whose field is of this kind.
fn read<'v>(kind: Kind, value: &PgValue<'v>) -> Option<Value<'v>> {
    let bytes = value.as_bytes();
    Some(match kind {
        Kind::Text { .. } | Kind::Email => Value::Text(text(bytes)?.into()),
        Kind::Words(words) => {
            let text = text(bytes)?;
            Value::Text((*words.iter().find(|word| **word == text)?).into())
        }
        Kind::Integer { .. } => Value::Integer(integer(bytes)?),
        Kind::Id => Value::Integer(integer(bytes).filter(|id| *id > 0)?),
        Kind::Bool => Value::Bool(*bytes.first()? != 0),
        Kind::Decimal { written: Written::Number, .. } => Value::Number(decimal(bytes)?),
        Kind::Decimal { .. } => Value::Decimal(decimal(bytes)?),
        Kind::Moment => Value::Moment(moment(bytes)?),
        Kind::Day => Value::Day(Day::of(FromSql::<Date, Pg>::from_sql(PgValue::new(bytes, &DATE)).ok()?)?),
        Kind::Json => Value::Json(json(bytes)?),
        Kind::Texts { .. } => Value::Texts(FromSql::<Array<Text>, Pg>::from_sql(PgValue::new(bytes, &TEXTS)).ok()?),
    })
}

/// A JSONB, as its text: behind the number of its version, which is 1.
fn json(bytes: &[u8]) -> Option<String> {
    let (version, text) = bytes.split_first()?;
    // As a body's is written: the database puts spaces between.
    let json: serde_json::Value = serde_json::from_slice(text).ok().filter(|_| *version == 1)?;
    Some(json.to_string())
}

/// A NUMERIC, without the zeros that its column's scale adds behind two places.
pub(super) fn decimal(bytes: &[u8]) -> Option<rust_decimal::Decimal> {
    let number: rust_decimal::Decimal = FromSql::<Numeric, Pg>::from_sql(PgValue::new(bytes, &NUMERIC)).ok()?;
    let mut shown = number.normalize();
    if shown.scale() < 2 {
        shown.rescale(2);
    }
    Some(shown)
}

/// The types' numbers, which are the same everywhere.
const NUMERIC: NonZeroU32 = NonZeroU32::new(1700).unwrap();
const DATE: NonZeroU32 = NonZeroU32::new(1082).unwrap();
const TEXTS: NonZeroU32 = NonZeroU32::new(1009).unwrap();

/// What the column at this place holds, which is of this field, in a statement that selects others than a row's.
pub(super) fn read_at(
    shape: &'static Shape,
    field: &'static Field,
    row: &PgRow,
    at: usize,
) -> Result<Value<'static>, StoreError> {
    let misfit = || {
        StoreError::Inconsistent(Inconsistency { table: shape.table, column: field.column, row: "of a sum".to_owned() })
    };
    let column: PgField<'_> = row.get(at).ok_or_else(misfit)?;
    match column.value() {
        None => Ok(Value::Null),
        Some(value) => read(field.kind, &value).map(Value::into_owned).ok_or_else(misfit),
    }
}
