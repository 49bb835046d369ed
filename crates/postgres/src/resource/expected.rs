//! Changes of rows that go by what is to be expected.

use bwp_domain::{
    clock::Timestamp,
    ids::TenantId,
    resource::{Record, Reference, Shape, Value, ports::Row as _},
    store::StoreError,
};
use diesel::{QueryResult, pg::Pg, query_builder::AstPass};

use super::{
    statement::{Bind, Statement},
    text::{self, Kind, PartKind, kept},
    value::Read,
};
use crate::{
    expecting::{Change, Expectations, Sql},
    rows,
    sql::{RowVersion, Xid},
};

impl Expectations {
    pub(super) async fn insert_row(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        values: &[Value<'static>],
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let id = self.store.shared.ids.of(shape.table).take(&self.store.lanes).await?;
        let part = |part| kept(shape, Kind::Part(part));
        let sql = Sql {
            change: part(PartKind::InsertChange),
            columns: part(PartKind::InsertColumns),
            condition: "",
            end: Sql::RETURNING,
        };
        let mut binds = vec![tenant.into(), id.into(), now.into(), now.into()];
        binds.extend(own(shape, values));
        self.change(Box::new(RowChange { sql, binds, version: None }));
        Ok(id)
    }

    /// The row as it is, unlocked: a change of it is made only if it is still that.
    pub(super) async fn read_row(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
    ) -> Result<Option<Record>, StoreError> {
        let rows = self
            .store
            .lanes
            .read("reading a row to change it", |link| async move {
                let statement = Statement::prepared(kept(shape, Kind::Read), vec![tenant.into(), id.into()]);
                rows::load(link.shared(), statement).await
            })
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let row = Read::of(shape, row);
        self.expect_row(shape.table, row.id()?, row.version()?);
        row.record().map(Some)
    }

    pub(super) fn update_row(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        record: &Record,
    ) -> Result<(), StoreError> {
        let version = self.expected_row(shape.table, record.id)?;
        let part = |part| kept(shape, Kind::Part(part));
        let sql = Sql {
            change: part(PartKind::UpdateChange),
            columns: part(PartKind::UpdateColumns),
            condition: part(PartKind::UpdateCondition),
            end: Sql::RETURNING,
        };
        let mut binds = vec![tenant.into(), record.id.into(), record.updated_at.into()];
        binds.extend(own(shape, &record.values));
        self.change(Box::new(RowChange { sql, binds, version: Some(version) }));
        Ok(())
    }

    /// Expects a row to be there and to be one that may be named anew; it is held with the rest.
    pub(super) fn pin_row(&mut self, tenant: TenantId, reference: &'static Reference, id: i64) {
        self.change(Box::new(Pin { sql: pin_sql(reference), tenant: tenant.into(), id: id.into() }));
    }
}

/// What is bound to a resource's own columns.
pub(super) fn own(shape: &'static Shape, values: &[Value<'static>]) -> impl Iterator<Item = Bind> {
    shape.fields.iter().zip(values).map(|(field, value)| Bind::of(field.kind, value))
}

/// Storing a row, or what it holds now.
struct RowChange {
    sql: Sql,
    binds: Vec<Bind>,
    /// Behind the tenant and the id.
    version: Option<RowVersion>,
}

impl Change for RowChange {
    fn sql(&self) -> Sql {
        self.sql
    }

    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (at, bind) in self.binds.iter().enumerate() {
            if let (2, Some(version)) = (at, &self.version) {
                out.push_sql(", ");
                out.push_bind_param::<Xid, _>(version)?;
            }
            out.push_sql(", ");
            bind.push(&mut out)?;
        }
        Ok(())
    }
}

/// Holding a row that another one names.
struct Pin {
    sql: Sql,
    tenant: Bind,
    id: Bind,
}

fn pin_sql(reference: &'static Reference) -> Sql {
    let condition = text::kept_pin(reference);
    Sql { change: "SELECT 1", columns: "tenant_id, id", condition, end: "" }
}

impl Change for Pin {
    fn sql(&self) -> Sql {
        self.sql
    }

    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for bind in [&self.tenant, &self.id] {
            out.push_sql(", ");
            bind.push(&mut out)?;
        }
        Ok(())
    }
}
