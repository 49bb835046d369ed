//! Changing rows of any resource.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::TenantId,
    resource::{
        Filter, Record, Reference, Shape, Value,
        ports::{self, HasRows, Rows, Sum},
    },
    store::StoreError,
};
use diesel_async::RunQueryDsl;

use super::{
    expected::own,
    reader::Summing,
    statement::{Bind, Statement},
    text::{self, Fitting, Kind, kept},
    value::{PgRows, Read},
};
use crate::{
    error::DuringExt,
    locks::Lock,
    rows::{self, PgRow, integer},
    unit_of_work::PgUnitOfWork,
};

impl HasRows for PgUnitOfWork {
    fn rows(&mut self) -> &mut dyn Rows {
        self
    }
}

impl PgUnitOfWork {
    pub(super) async fn load(
        &mut self,
        during: &'static str,
        statement: Statement<'_>,
    ) -> Result<Vec<PgRow>, StoreError> {
        rows::load(&*self.connection()?, statement).await.during(during)
    }

    pub(super) async fn run(&mut self, during: &'static str, statement: Statement<'_>) -> Result<(), StoreError> {
        statement.execute(self.connection()?).await.during(during).map(|_| ())
    }

    async fn lock_row(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
        kind: Kind,
    ) -> Result<Option<Record>, StoreError> {
        let statement = Statement::prepared(kept(shape, kind), vec![tenant.into(), id.into()]);
        let rows = self.load("locking a row", statement).await?;
        rows.as_slice().first().map(|row| Read::of(shape, row).record()).transpose()
    }

    async fn set_deleted(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
        deleted_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = Bind::Moment(deleted_at.map(Into::into));
        let binds = vec![tenant.into(), id.into(), at, now.into()];
        self.run("deleting or restoring a row", Statement::prepared(kept(shape, Kind::SetDeleted), binds)).await
    }
}

#[async_trait]
impl Rows for PgUnitOfWork {
    async fn insert(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        values: &[Value<'static>],
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.insert_row(tenant, shape, values, now).await;
        }
        let mut binds = vec![tenant.into(), now.into(), now.into()];
        binds.extend(own(shape, values));
        let rows = self.load("storing a row", Statement::prepared(kept(shape, Kind::Insert), binds)).await?;
        let id = rows.as_slice().first().and_then(|row| {
            let field = diesel::row::Row::get(row, 0)?;
            integer(diesel::row::Field::value(&field)?.as_bytes())
        });
        id.ok_or_else(|| StoreError::Internal("a stored row has no id".to_owned()))
    }

    async fn lock(&mut self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.read_row(tenant, shape, id).await;
        }
        self.lock_row(tenant, shape, id, Kind::Lock).await
    }

    async fn lock_alone(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
    ) -> Result<Option<Record>, StoreError> {
        self.lock_row(tenant, shape, id, Kind::LockAlone).await
    }

    async fn lock_deleted(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
    ) -> Result<Option<Record>, StoreError> {
        self.lock_row(tenant, shape, id, Kind::LockDeleted).await
    }

    async fn pin(&mut self, tenant: TenantId, reference: &'static Reference, id: i64) -> Result<bool, StoreError> {
        if let Some(expected) = self.expecting() {
            expected.pin_row(tenant, reference, id);
            return Ok(true);
        }
        let statement = Statement::prepared(text::pin(reference, "$1", "$2"), vec![tenant.into(), id.into()]);
        Ok(!self.load("pinning a row", statement).await?.is_empty())
    }

    async fn update(&mut self, tenant: TenantId, shape: &'static Shape, record: &Record) -> Result<(), StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.update_row(tenant, shape, record);
        }
        let mut binds = vec![tenant.into(), record.id.into(), record.updated_at.into()];
        binds.extend(own(shape, &record.values));
        self.run("changing a row", Statement::prepared(kept(shape, Kind::Update), binds)).await
    }

    async fn delete(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_deleted(tenant, shape, id, Some(now), now).await
    }

    async fn restore(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_deleted(tenant, shape, id, None, now).await
    }

    async fn take_turn(&mut self, tenant: TenantId, shape: &'static Shape) -> Result<(), StoreError> {
        // A statement of its own: what is read behind it sees what those have committed who had the lock before.
        Lock::AllRows(shape.table, tenant.get()).wait(self.connection()?).await.during("waiting for a turn")
    }

    async fn lock_all(&mut self, tenant: TenantId, shape: &'static Shape) -> Result<Vec<Record>, StoreError> {
        let select = format!("SELECT {}", text::columns(shape));
        let Fitting { text, binds } = Fitting::of(&select, tenant, shape, &Filter::all());
        let text = text + " ORDER BY id LIMIT 1000 FOR NO KEY UPDATE";
        let rows = self.load("locking rows", Statement::planned_anew(text, binds)).await?;
        ports::records(shape, &PgRows { shape, rows })
    }

    async fn even_deleted(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        ids: &[i64],
    ) -> Result<Vec<Record>, StoreError> {
        let binds = vec![tenant.into(), Bind::Integers(ids.to_vec())];
        let rows = self.load("reading rows", Statement::prepared(kept(shape, Kind::EvenDeleted), binds)).await?;
        ports::records(shape, &PgRows { shape, rows })
    }

    async fn all(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let rows = self.load("reading every row", text::all(tenant, shape, filter, order)).await?;
        ports::records(shape, &PgRows { shape, rows })
    }

    async fn last(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Option<Record>, StoreError> {
        let select = format!("SELECT {}", text::columns(shape));
        let Fitting { text, binds } = Fitting::of(&select, tenant, shape, filter);
        let by = shape.fields.get(order).map_or("id", |field| field.column);
        let text = format!("{text} ORDER BY \"{by}\" DESC, id DESC LIMIT 1");
        let rows = self.load("reading the last row", Statement::planned_anew(text, binds)).await?;
        rows.as_slice().first().map(|row| Read::of(shape, row).record()).transpose()
    }

    async fn sums(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        groups: &[usize],
        sum: &[usize],
    ) -> Result<Vec<Sum>, StoreError> {
        let summing = Summing::of(shape, groups, sum.len())?;
        let rows = self.load("summing rows up", summing.statement(tenant, filter, sum)?).await?;
        rows.iter().map(|row| summing.line(row)).collect()
    }

    async fn count(&mut self, tenant: TenantId, shape: &'static Shape, filter: &Filter) -> Result<i64, StoreError> {
        let Fitting { text, binds } = Fitting::of("SELECT count(*)", tenant, shape, filter);
        let rows = self.load("counting rows", Statement::planned_anew(text, binds)).await?;
        let count = rows.as_slice().first().and_then(|row| {
            let field = diesel::row::Row::get(row, 0)?;
            integer(diesel::row::Field::value(&field)?.as_bytes())
        });
        count.ok_or_else(|| StoreError::Internal("a count is missing in an answer".to_owned()))
    }
}
