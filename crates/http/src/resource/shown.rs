//! How a row is shown.

use std::cell::Cell;

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    idempotency::RenderedResponse,
    resource::{Record, Shape, ports::Row},
    store::StoreError,
};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::{Map, Value};

use crate::{
    envelope::{Envelope, Meta},
    routes::Context,
};

/// A row as answers show it: its id, its key fields, its times, and the fields that a compact list leaves out.
pub(super) struct Shown<'a> {
    shape: &'static Shape,
    row: &'a dyn Row,
    compact: bool,
    /// What the description does not allow in the row. An answer with such a row is not given.
    misfit: Cell<Option<StoreError>>,
}

impl<'a> Shown<'a> {
    pub(super) const fn of(shape: &'static Shape, row: &'a dyn Row, compact: bool) -> Self {
        Self { shape, row, compact, misfit: Cell::new(None) }
    }

    /// Whether all of the row could be shown.
    pub(super) fn checked(self) -> Result<(), StoreError> {
        self.misfit.take().map_or(Ok(()), Err)
    }

    /// What was read of the row, or the note that it could not be.
    fn read<T, E: serde::ser::Error>(&self, read: Result<T, StoreError>) -> Result<T, E> {
        read.map_err(|misfit| {
            let error = E::custom(&misfit);
            self.misfit.set(Some(misfit));
            error
        })
    }

    fn fields<O: SerializeStruct>(&self, object: &mut O, compact: bool) -> Result<(), O::Error> {
        for (at, field) in self.shape.fields.iter().enumerate().filter(|(_, field)| field.compact == compact) {
            object.serialize_field(field.name, &self.read::<_, O::Error>(self.row.value(at))?)?;
        }
        for (at, also) in self.shape.fields.iter().enumerate().filter_map(|(at, field)| Some((at, field.also?))) {
            if !compact {
                object.serialize_field(also, &self.read::<_, O::Error>(self.row.value(at))?)?;
            }
        }
        Ok(())
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct(self.shape.name, self.shape.fields.len() + 3)?;
        object.serialize_field("id", &self.read::<_, S::Error>(self.row.id())?)?;
        self.fields(&mut object, true)?;
        object.serialize_field("createdAt", &self.read::<_, S::Error>(self.row.created_at())?)?;
        if self.shape.shows_updated_at {
            object.serialize_field("updatedAt", &self.read::<_, S::Error>(self.row.updated_at())?)?;
        }
        if !self.compact {
            self.fields(&mut object, false)?;
        }
        object.end()
    }
}

/// A row as answers show it.
pub(crate) fn show<'a>(shape: &'static Shape, record: &'a Record) -> impl Serialize + 'a {
    Shown::of(shape, record, false)
}

/// The answer that shows a row after a change, to be kept for its repetitions.
pub(crate) fn rendered(
    context: &Context,
    status: StatusCode,
    shape: &'static Shape,
    record: &Record,
) -> RenderedResponse {
    let data = Shown::of(shape, record, false);
    Envelope { data, meta: Meta::of(context.request_id()) }.rendered(status)
}

/// The answer that shows rows after a change.
pub(crate) fn rendered_all(context: &Context, shape: &'static Shape, records: &[Record]) -> RenderedResponse {
    let data: Vec<_> = records.iter().map(|record| Shown::of(shape, record, false)).collect();
    Envelope { data, meta: Meta::of(context.request_id()) }.rendered(StatusCode::OK)
}

/// The answer that shows a row, and members behind its own.
pub(crate) fn one_with(
    context: &Context,
    shape: &'static Shape,
    record: &Record,
    more: Map<String, Value>,
) -> Result<HttpResponse, StoreError> {
    let data = members(shape, record, more)?;
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

/// [`rendered`], with members behind the row's own.
pub(crate) fn rendered_with(
    context: &Context,
    status: StatusCode,
    shape: &'static Shape,
    record: &Record,
    more: Map<String, Value>,
) -> RenderedResponse {
    // A record that was just stored fits its description.
    let data = members(shape, record, more).unwrap_or_default();
    Envelope { data, meta: Meta::of(context.request_id()) }.rendered(status)
}

/// The members of a row as answers show it, and more behind them.
pub(crate) fn members(
    shape: &'static Shape,
    record: &Record,
    more: Map<String, Value>,
) -> Result<Map<String, Value>, StoreError> {
    let shown = serde_json::to_value(Shown::of(shape, record, false));
    let Ok(Value::Object(mut members)) = shown else {
        return Err(StoreError::Internal(format!("a {} cannot be shown", shape.one)));
    };
    members.extend(more);
    Ok(members)
}

/// Members behind those of a row, by their names.
pub(crate) fn named<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
