//! Exports: which rows, which columns, and how a row is written.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json};

use super::{
    filters,
    ports::Snapshot,
    transfers::{Column, Source, Transfers, shown},
};
use crate::{
    csv,
    fields::{Fault, FieldErrors},
    resource::{Filter, Record, Value},
    store::StoreError,
};

/// What a request to export says, checked.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// Which rows.
    pub filter: Filter,
    /// Which columns.
    pub columns: Vec<Column>,
}

impl ExportRequest {
    /// What `body` asks for, or all that is wrong with it.
    pub fn read(
        transfers: &'static dyn Transfers,
        body: &Map<String, Json>,
        mut errors: FieldErrors,
    ) -> Result<Self, FieldErrors> {
        let mut filter = Filter::all();
        let mut columns = transfers.columns();
        for (name, sent) in body {
            match (name.as_str(), sent) {
                ("filters" | "columns", Json::Null) => {}
                ("filters", Json::Object(sent)) => filter = filters::read(transfers.shape(), sent, &mut errors),
                ("filters", _) => errors.push("filters", Fault::new("invalid_type", "Must be an object.")),
                ("columns", Json::Array(names)) => columns = chosen(&columns, names, &mut errors),
                ("columns", _) => errors.push("columns", Fault::new("invalid_type", "Must be a list of names.")),
                _ => errors.push(name, Fault::new("unknown_field", "There is no such field.")),
            }
        }
        errors.or(Self { filter, columns })
    }
}

fn chosen(all: &[Column], names: &[Json], errors: &mut FieldErrors) -> Vec<Column> {
    let mut chosen: Vec<Column> = Vec::new();
    if names.is_empty() {
        errors.push("columns", Fault::new("too_short", "Must have at least 1 entry. Leave it out for all columns."));
    }
    for (n, name) in names.iter().enumerate() {
        let place = format_args!("columns[{n}]").to_string();
        let column = name.as_str().and_then(|name| all.iter().find(|column| column.header == name));
        match column {
            Some(column) if chosen.iter().any(|other| other.header == column.header) => {
                errors.push(place, Fault::new("repeated", "Stands in the list more than once."));
            }
            Some(column) => chosen.push(*column),
            None => errors.push_with(place, || {
                let known: Vec<_> = all.iter().map(|column| column.header).collect();
                Fault::new("invalid_value", format_args!("Must be one of {}.", known.join(", ")))
            }),
        }
    }
    chosen
}

/// How rows are written.
pub struct ExportPlan {
    transfers: &'static dyn Transfers,
    columns: Vec<Column>,
}

impl ExportPlan {
    /// A plan of these columns.
    pub const fn new(transfers: &'static dyn Transfers, columns: Vec<Column>) -> Self {
        Self { transfers, columns }
    }

    /// Writes the header.
    pub fn header(&self, out: &mut Vec<u8>) {
        csv::row(out, self.columns.iter().map(|column| column.header));
    }

    /// Writes rows, with what those are called that they refer to.
    pub async fn rows(
        &self,
        records: &[Record],
        snapshot: &mut dyn Snapshot,
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let shape = self.transfers.shape();
        let mut names: HashMap<&str, HashMap<i64, String>> = HashMap::new();
        for column in &self.columns {
            let Source::Named(name, columns) = column.source else { continue };
            let Some((at, reference)) = shape.field(name).and_then(|(at, field)| Some((at, field.refers?))) else {
                continue;
            };
            let ids: HashSet<i64> = records.iter().filter_map(|record| record.values.get(at)?.as_integer()).collect();
            let ids: Vec<i64> = ids.into_iter().collect();
            if !ids.is_empty() {
                names.insert(column.header, snapshot.names(reference, columns, &ids).await?);
            }
        }
        for record in records {
            csv::row(out, self.columns.iter().map(|column| self.cell(column, record, &names)));
        }
        Ok(())
    }

    fn cell(&self, column: &Column, record: &Record, names: &HashMap<&str, HashMap<i64, String>>) -> String {
        let shape = self.transfers.shape();
        match (column.source, column.header) {
            (Source::Own, "id") => record.id.to_string(),
            (Source::Own, "createdAt") => record.created_at.to_string(),
            (Source::Own, "updatedAt") => record.updated_at.to_string(),
            (Source::Own, name) => match shape.field(name) {
                Some((at, _)) => shown(record.values.get(at).unwrap_or(&Value::Null)),
                None => String::new(),
            },
            (Source::Named(field, _), header) => {
                let id = shape.field(field).and_then(|(at, _)| record.values.get(at)?.as_integer());
                let name = id.and_then(|id| names.get(header)?.get(&id));
                name.map(|name| csv::guarded(name).into_owned()).unwrap_or_default()
            }
        }
    }
}
