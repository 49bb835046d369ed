//! Reading rows of one moment, many of them, and finding rows by texts.

use std::{collections::HashMap, fmt::Write};

use async_trait::async_trait;
use bwp_domain::{
    ids::TenantId,
    jobs::ports::{Snapshot, Snapshots},
    paging::Position,
    resource::{Filter, Record, Reference, Shape, ports},
    store::StoreError,
};

use super::{
    statement::{Bind, Statement},
    text::{self, Fitting},
    value::PgRows,
};
use crate::{
    rows::{PgRow, integer, text as read_text},
    store::PgStore,
    unit_of_work::PgUnitOfWork,
};

struct PgSnapshot {
    uow: PgUnitOfWork,
    tenant: TenantId,
    shape: &'static Shape,
    filter: Filter,
    after: Option<Position>,
}

#[async_trait]
impl Snapshots for PgStore {
    async fn snapshot(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
    ) -> Result<Box<dyn Snapshot>, StoreError> {
        let connection = self.connection().await?;
        // What it begins with says READ COMMITTED, which may be changed before the first statement.
        let begin = connection.begin() + "; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        let uow = PgUnitOfWork::begin_by(&begin, connection, self.patience(), self.clock()).await?;
        Ok(Box::new(PgSnapshot { uow, tenant, shape, filter: filter.clone(), after: None }))
    }
}

#[async_trait]
impl Snapshot for PgSnapshot {
    async fn count(&mut self) -> Result<i64, StoreError> {
        ports::Rows::count(&mut self.uow, self.tenant, self.shape, &self.filter).await
    }

    async fn next(&mut self, most: usize) -> Result<Vec<Record>, StoreError> {
        let select = format!("SELECT {}", text::columns(self.shape));
        let Fitting { text, binds } =
            Fitting::of(&select, self.tenant, self.shape, &self.filter).first(self.after, most);
        let rows = self.uow.load("exporting rows", Statement::planned_anew(text, binds)).await?;
        let records = ports::records(self.shape, &PgRows { shape: self.shape, rows })?;
        if let Some(last) = records.last() {
            self.after = Some(Position { created_at: last.created_at, id: last.id });
        }
        Ok(records)
    }

    async fn names(
        &mut self,
        reference: &'static Reference,
        columns: &'static [&'static [&'static str]],
        ids: &[i64],
    ) -> Result<HashMap<i64, String>, StoreError> {
        let Reference { table, column, .. } = reference;
        // What people are called stands in their accounts.
        let accounts = if *table == "users" { " JOIN accounts ON accounts.id = users.account_id" } else { "" };
        let mut name = "coalesce(".to_owned();
        for alternative in columns {
            let joined: Vec<_> = alternative.iter().map(|column| format!("\"{column}\"")).collect();
            let _ = write!(name, "nullif(concat_ws(' ', {}), ''), ", joined.join(", "));
        }
        name.push_str("'')");
        let text = format!(
            "SELECT {table}.{column}, {name} FROM {table}{accounts} WHERE {table}.tenant_id = $1 AND {table}.{column} = ANY ($2)"
        );
        let binds = vec![self.tenant.into(), Bind::Integers(ids.to_vec())];
        let rows = self.uow.load("naming rows", Statement::prepared(text, binds)).await?;
        let named = |row: &PgRow| Some((bytes(row, 0, integer)?, bytes(row, 1, |b| read_text(b).map(str::to_owned))?));
        rows.iter().map(|row| named(row).ok_or_else(|| misread("a name"))).collect()
    }
}

impl PgUnitOfWork {
    /// The live rows whose field at this place holds one of these texts, in any case.
    pub(crate) async fn find_by_text(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        field: usize,
        texts: &[String],
    ) -> Result<HashMap<String, Vec<i64>>, StoreError> {
        let Some(field) = shape.fields.get(field) else { return Ok(HashMap::new()) };
        let text = format!(
            "SELECT sought.text, found.id FROM unnest($2) AS sought (text) JOIN {} AS found ON found.tenant_id = $1 \
             AND lower(found.\"{}\") = lower(sought.text) AND found.deleted_at IS NULL ORDER BY found.id",
            shape.table, field.column
        );
        let binds = vec![tenant.into(), Bind::Texts(texts.to_vec())];
        let rows = self.load("finding rows by texts", Statement::planned_anew(text, binds)).await?;
        let mut found: HashMap<String, Vec<i64>> = HashMap::new();
        for row in &rows {
            let text = bytes(row, 0, |b| read_text(b).map(str::to_owned)).ok_or_else(|| misread("a text"))?;
            let id = bytes(row, 1, integer).ok_or_else(|| misread("an id"))?;
            found.entry(text).or_default().push(id);
        }
        Ok(found)
    }
}

/// What `read` makes of a column that is never null.
fn bytes<T>(row: &PgRow, at: usize, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let field = diesel::row::Row::get(row, at)?;
    read(diesel::row::Field::value(&field)?.as_bytes())
}

fn misread(what: &str) -> StoreError {
    StoreError::Internal(format!("{what} is missing in an answer"))
}
