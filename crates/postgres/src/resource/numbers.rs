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
        let kind = || Bind::Text(Some(numbering.shape.table.to_owned()));
        let lock = format!("SELECT last FROM {TABLE} WHERE tenant_id = $1 AND kind = $2 FOR UPDATE");
        let lock = || Statement::prepared(lock.clone(), vec![tenant.into(), kind()]);
        if self.load("waiting for a number", lock()).await?.is_empty() {
            let begin = format!("INSERT INTO {TABLE} VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING");
            let binds = vec![tenant.into(), kind(), Bind::Text(Some(numbering.prefix.to_owned()))];
            self.run("beginning to number", Statement::prepared(begin, binds)).await?;
            self.load("waiting for a number", lock()).await?;
        }
        // A statement of its own: it sees what those have committed who had the row before.
        let take = format!(
            "UPDATE {TABLE} SET last = {} WHERE tenant_id = $1 AND kind = $2 RETURNING last, prefix",
            next(numbering)
        );
        let taken = self.load("taking a number", Statement::prepared(take, vec![tenant.into(), kind()])).await?;
        let row = taken.first().ok_or_else(|| StoreError::Internal("a number was not taken".to_owned()))?;
        Read::of(row).number()
    }
}

/// The number after the last one that no live row has. As many rows are looked at as there are such numbers in a row.
fn next(Numbering { shape, column, .. }: &Numbering) -> String {
    let number = "lpad(n::text, greatest(5, length(n::text)), '0')";
    format!(
        "(WITH RECURSIVE candidate (n) AS (SELECT {TABLE}.last + 1 UNION ALL SELECT n + 1 FROM candidate WHERE EXISTS \
         (SELECT FROM {table} WHERE tenant_id = $1 AND lower({column}) = lower({TABLE}.prefix || {number}) \
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

    fn number(&self) -> Result<Text, StoreError> {
        let last = self.last()?;
        self.0.some_at(1, |prefix| Text::parse(format!("{}{last:05}", text(prefix)?)).ok())
    }
}
