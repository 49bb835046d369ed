//! Reading rows of any resource.

use std::{fmt::Write, sync::Arc};

use async_trait::async_trait;
use bwp_domain::{
    ids::TenantId,
    paging::PageRequest,
    resource::{
        Condition, Field, Filter, Record, Reference, Shape,
        ports::{self, Row as _, RowPage, RowReader, Sum},
    },
    store::StoreError,
};

use super::{
    statement::{Bind, Statement},
    text::{self, Fitting, Kind},
    value::{PgRows, Read, decimal},
};
use crate::{
    error::DuringExt,
    lanes::Lanes,
    link::Link,
    rows::{self, PgRow, integer},
    store::PgStore,
    together::Findings,
};

/// The rows of `shape` with these ids, each of its tenant.
pub(crate) async fn find(
    lanes: &Lanes,
    shape: &'static Shape,
    asked: Vec<(TenantId, i64)>,
) -> Result<Findings<(TenantId, i64), Record>, StoreError> {
    let (tenants, ids): (Vec<i64>, Vec<i64>) = asked.iter().map(|(tenant, id)| (tenant.get(), id)).unzip();
    let (tenants, ids) = (&tenants, &ids);
    let rows = lanes
        .read("reading rows by their ids", |link| async move {
            let binds = vec![Bind::Integers(tenants.clone()), Bind::Integers(ids.clone())];
            rows::load(link.shared(), Statement::prepared(text::kept(shape, Kind::Find), binds)).await
        })
        .await?;
    let mut found = Findings::with_capacity(rows.len());
    for row in &rows {
        let row = Read::of(shape, row);
        // One that fits nothing is the trouble of those who ask for it, and of nobody else.
        found.insert((row.tenant()?, row.id()?), row.record());
    }
    Ok(found)
}

impl PgStore {
    /// Rows that one index gives at once, over the connections that many share.
    async fn quick(
        &self,
        during: &'static str,
        statement: impl Fn() -> Statement<'static>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let statement = &statement;
        let read = |link: Arc<Link>| async move { rows::load(link.shared(), statement()).await };
        self.lanes.read(during, read).await
    }

    /// Rows whose statement may take long.
    async fn long(
        &self,
        tenant: TenantId,
        during: &'static str,
        statement: Statement<'_>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut reading = self.reading(tenant).await?;
        let rows = rows::load(&*reading.connection()?, statement).await.during(during)?;
        reading.end().await?;
        Ok(rows)
    }
}

/// The statement for a page. A `quick` one is prepared: one index serves it, whatever its values are.
pub(crate) fn page_statement(
    tenant: TenantId,
    shape: &'static Shape,
    filter: &Filter,
    page: PageRequest,
    quick: bool,
) -> Statement<'static> {
    let step = text::step(page.limit.get());
    if !quick {
        let select = format!("SELECT {}", text::columns(shape));
        let Fitting { text, binds } = Fitting::of(&select, tenant, shape, filter).page(page.after, step);
        return Statement::planned_anew(text, binds);
    }
    let mut binds = vec![tenant.into()];
    let mut filtered_by = None;
    for condition in filter.conditions() {
        if let Condition::Is(at, value) = condition
            && let Some(field) = shape.fields.get(*at)
        {
            filtered_by = Some(*at);
            binds.push(Bind::of(field.kind, value));
        }
    }
    if let Some(after) = page.after {
        binds.extend([after.created_at.into(), after.id.into()]);
    }
    let kind = Kind::Page { step, filtered_by, after: page.after.is_some() };
    Statement::prepared(text::kept(shape, kind), binds)
}

#[async_trait]
impl RowReader for PgStore {
    async fn page(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        page: PageRequest,
    ) -> Result<RowPage, StoreError> {
        let during = "listing rows";
        let quick = filter.is_quick() && self.shared.place.plans_well();
        let statement = || page_statement(tenant, shape, filter, page, quick);
        let rows =
            if quick { self.quick(during, statement).await? } else { self.long(tenant, during, statement()).await? };
        RowPage::of(Box::new(PgRows { shape, rows }), page.limit)
    }

    async fn numbered_page(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Record>, StoreError> {
        let select = format!("SELECT {}", text::columns(shape));
        let Fitting { text, binds } = Fitting::of(&select, tenant, shape, filter);
        let text = format!("{text} ORDER BY created_at DESC, id DESC OFFSET {offset} LIMIT {limit}");
        let rows = self.long(tenant, "listing rows", Statement::planned_anew(text, binds)).await?;
        ports::records(shape, &PgRows { shape, rows })
    }

    async fn get(&self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError> {
        self.found(shape).find((tenant, id)).await
    }

    async fn get_many(&self, tenant: TenantId, shape: &'static Shape, ids: &[i64]) -> Result<Vec<Record>, StoreError> {
        let binds = || vec![tenant.into(), Bind::Integers(ids.to_vec())];
        let read = || Statement::prepared(text::kept(shape, Kind::GetMany), binds());
        let rows = self.quick("reading rows", read).await?;
        ports::records(shape, &PgRows { shape, rows })
    }

    async fn get_ever(&self, tenant: TenantId, shape: &'static Shape, ids: &[i64]) -> Result<Vec<Record>, StoreError> {
        let binds = || vec![tenant.into(), Bind::Integers(ids.to_vec())];
        let read = || Statement::prepared(text::kept(shape, Kind::GetEver), binds());
        let rows = self.quick("reading rows that may be deleted", read).await?;
        ports::records(shape, &PgRows { shape, rows })
    }

    async fn count(&self, tenant: TenantId, shape: &'static Shape, filter: &Filter) -> Result<i64, StoreError> {
        let Fitting { text, binds } = Fitting::of("SELECT count(*)", tenant, shape, filter);
        let rows = self.long(tenant, "counting rows", Statement::planned_anew(text, binds)).await?;
        rows.first().and_then(|row| bytes(row, 0, integer)).ok_or_else(no_answer)
    }

    async fn sums(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        groups: &[usize],
        sum: &[usize],
    ) -> Result<Vec<Sum>, StoreError> {
        let summing = Summing::of(shape, groups, sum.len())?;
        let rows = self.long(tenant, "summing rows up", summing.statement(tenant, filter, sum)?).await?;
        rows.iter().map(|row| summing.line(row)).collect()
    }

    async fn is_there(&self, tenant: TenantId, reference: &'static Reference, id: i64) -> Result<bool, StoreError> {
        let read = || Statement::prepared(text::is_there(reference), vec![tenant.into(), id.into()]);
        Ok(!self.quick("looking for a row", read).await?.is_empty())
    }

    async fn all(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let during = "reading every row";
        let rows = if filter.is_quick() {
            self.quick(during, || text::all(tenant, shape, filter, order)).await?
        } else {
            self.long(tenant, during, text::all(tenant, shape, filter, order)).await?
        };
        ports::records(shape, &PgRows { shape, rows })
    }
}

/// How rows are summed up.
pub(super) struct Summing {
    shape: &'static Shape,
    groups: Vec<&'static Field>,
    sums: usize,
}

impl Summing {
    /// By the fields at these places, so many sums.
    pub(super) fn of(shape: &'static Shape, groups: &[usize], sums: usize) -> Result<Self, StoreError> {
        Ok(Self { shape, groups: groups.iter().map(|at| field(shape, *at)).collect::<Result<_, _>>()?, sums })
    }

    /// The statement that sums up what fits.
    pub(super) fn statement(
        &self,
        tenant: TenantId,
        filter: &Filter,
        sum: &[usize],
    ) -> Result<Statement<'static>, StoreError> {
        let mut select = "SELECT count(*)".to_owned();
        for at in sum {
            let _ = write!(select, ", coalesce(sum(\"{}\"), 0.00)", field(self.shape, *at)?.column);
        }
        for group in &self.groups {
            let _ = write!(select, ", \"{}\"", group.column);
        }
        let Fitting { mut text, binds } = Fitting::of(&select, tenant, self.shape, filter);
        for (n, group) in self.groups.iter().enumerate() {
            let _ = write!(text, "{} \"{}\"", if n == 0 { " GROUP BY" } else { "," }, group.column);
        }
        Ok(Statement::planned_anew(text, binds))
    }

    /// A line of what it answers.
    pub(super) fn line(&self, row: &PgRow) -> Result<Sum, StoreError> {
        Ok(Sum {
            groups: (1 + self.sums..)
                .zip(&self.groups)
                .map(|(at, group)| super::value::read_at(self.shape, group, row, at))
                .collect::<Result<_, _>>()?,
            count: bytes(row, 0, integer).ok_or_else(no_answer)?,
            sums: (1..=self.sums).map(|at| bytes(row, at, decimal).ok_or_else(no_answer)).collect::<Result<_, _>>()?,
        })
    }
}

fn field(shape: &'static Shape, at: usize) -> Result<&'static Field, StoreError> {
    shape.fields.get(at).ok_or_else(|| StoreError::Internal(format!("{} have no field {at}", shape.many)))
}

/// What `read` makes of a column that is never null.
fn bytes<T>(row: &PgRow, at: usize, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let field = diesel::row::Row::get(row, at)?;
    read(diesel::row::Field::value(&field)?.as_bytes())
}

fn no_answer() -> StoreError {
    StoreError::Internal("a count is missing in an answer".to_owned())
}
