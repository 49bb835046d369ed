//! Numbers of documents. They are taken by asking: by expectation, all but one of those who make documents at once would be
//! wrong.

use async_trait::async_trait;
use bwp_domain::{
    ids::TenantId,
    numbers::{HasNumbers, Numbering, Numbers},
    store::StoreError,
    text::Text,
};

use super::statement::{Bind, Statement};
use crate::{
    rows::{Fields, PgRow, integer, text},
    unit_of_work::PgUnitOfWork,
};

const TABLE: &str = "document_numbers";

impl HasNumbers for PgUnitOfWork {
    fn numbers(&mut self) -> &mut dyn Numbers {
        self
    }
}

#[async_trait]
impl Numbers for PgUnitOfWork {
    async fn next(&mut self, tenant: TenantId, numbering: &'static Numbering) -> Result<Text, StoreError> {
        self.next_of(tenant, numbering, TENANT).await
    }

    async fn next_of(&mut self, tenant: TenantId, numbering: &'static Numbering, row: i64) -> Result<Text, StoreError> {
        self.wait_for_number(tenant, numbering, row).await?;
        // A statement of its own: it sees what those have committed who had the row before.
        let take = format!("UPDATE {TABLE} SET last = {} WHERE {COUNTER} RETURNING last, prefix", next(numbering));
        let taken = self.load("taking a number", Statement::prepared(take, counter(tenant, numbering, row))).await?;
        let row = taken.first().ok_or_else(|| StoreError::Internal("a number was not taken".to_owned()))?;
        Read::of(row).number(numbering.digits)
    }
}

/// Within the tenant, and not within a row of it.
const TENANT: i64 = 0;

/// The row that counts: of a tenant, a kind, and the row within which numbers run on.
const COUNTER: &str = "tenant_id = $1 AND kind = $2 AND within = $3";

fn counter(tenant: TenantId, numbering: &Numbering, row: i64) -> Vec<Bind> {
    vec![tenant.into(), Bind::Text(Some(numbering.shape.table.to_owned())), row.into()]
}

impl PgUnitOfWork {
    /// Waits until no other unit of work gives numbers of this kind.
    async fn wait_for_number(
        &mut self,
        tenant: TenantId,
        numbering: &'static Numbering,
        row: i64,
    ) -> Result<(), StoreError> {
        let lock = format!("SELECT last FROM {TABLE} WHERE {COUNTER} FOR UPDATE");
        let lock = || Statement::prepared(lock.clone(), counter(tenant, numbering, row));
        if self.load("waiting for a number", lock()).await?.is_empty() {
            let begin = format!(
                "INSERT INTO {TABLE} (tenant_id, kind, within, prefix, last) VALUES ($1, $2, $3, $4, 0) \
                 ON CONFLICT DO NOTHING"
            );
            let mut binds = counter(tenant, numbering, row);
            binds.push(Bind::Text(Some(numbering.prefix.to_owned())));
            self.run("beginning to number", Statement::prepared(begin, binds)).await?;
            self.load("waiting for a number", lock()).await?;
        }
        Ok(())
    }
}

/// The number after the last one that no live row has. As many rows are looked at as there are such numbers in a row.
fn next(Numbering { digits, shape, column, within, .. }: &Numbering) -> String {
    let number = format!("lpad(n::text, greatest({digits}, length(n::text)), '0')");
    let within = within.map_or_else(String::new, |within| format!("{within} = $3 AND "));
    format!(
        "(WITH RECURSIVE candidate (n) AS (SELECT {TABLE}.last + 1 UNION ALL SELECT n + 1 FROM candidate WHERE EXISTS \
         (SELECT FROM {table} WHERE tenant_id = $1 AND {within}lower({column}) = lower({TABLE}.prefix || {number}) \
         AND deleted_at IS NULL)) SELECT max(n) FROM candidate)",
        table = shape.table
    )
}

/// The number and the prefix.
struct Read<'r>(Fields<'r, 2>);

impl<'r> Read<'r> {
    fn of(row: &'r PgRow) -> Self {
        Self(Fields::of(TABLE, &["last", "prefix"], row))
    }

    fn last(&self) -> Result<i64, StoreError> {
        self.0.some_at(0, integer)
    }

    fn number(&self, digits: usize) -> Result<Text, StoreError> {
        let last = self.last()?;
        self.0.some_at(1, |prefix| Text::parse(format!("{}{last:0digits$}", text(prefix)?)).ok())
    }
}
