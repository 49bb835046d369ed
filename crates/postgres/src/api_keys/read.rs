//! Keys, outside any unit of work.

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{KeyId, KeyPublicId, TenantId},
    keys::{
        KeyFilter, KeyHash, KeyRef, KeyStatus,
        ports::{KeyListing, KeyReader},
    },
    paging::{Page, PageRequest},
    principal::KeyCredential,
    store::StoreError,
    text::SearchText,
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, Text},
};
use diesel_async::RunQueryDsl;

use super::ApiKeyRow;
use crate::{
    error::DuringExt,
    rows::Row,
    schema::{api_keys, key_usage},
    sql::{PlannedAnew, RowBefore, WithLimit, contains_pattern},
    store::PgStore,
};

diesel::define_sql_function! {
    /// Any of these texts, behind an operator.
    fn any(texts: Array<Text>) -> Text;
}

type ListingRow = (ApiKeyRow, Option<DateTime<Utc>>);

fn listing((key, used): ListingRow) -> Result<KeyListing, StoreError> {
    Ok(KeyListing { key: key.try_into()?, last_used_at: used.map(Timestamp::from) })
}

/// Keys with the time of their last use, if there is one.
macro_rules! listings {
    () => {{
        let same_key = key_usage::tenant_id.eq(api_keys::tenant_id).and(key_usage::key_id.eq(api_keys::id));
        api_keys::table
            .left_join(key_usage::table.on(same_key))
            .select((ApiKeyRow::as_select(), key_usage::last_used_at.nullable()))
    }};
}

#[async_trait]
impl KeyReader for PgStore {
    async fn find_by_hash(&self, hash: &KeyHash) -> Result<Option<Arc<KeyCredential>>, StoreError> {
        self.credentials.find(hash).await
    }

    fn recall(&self, hash: &KeyHash) -> Option<Arc<KeyCredential>> {
        self.credentials.recall(hash)
    }

    async fn page(
        &self,
        tenant: TenantId,
        filter: &KeyFilter,
        page: PageRequest,
    ) -> Result<Page<KeyListing>, StoreError> {
        let mut query = listings!()
            .filter(api_keys::tenant_id.eq(tenant.get()))
            .order((api_keys::created_at.desc(), api_keys::id.desc()))
            .into_boxed::<Pg>();
        for word in filter.search.iter().flat_map(SearchText::words) {
            let patterns: Vec<String> = word.spellings().iter().map(|spelling| contains_pattern(spelling)).collect();
            // A tenant has few keys, and no index is over their names.
            let found = api_keys::name.ilike(any(patterns.clone())).or(api_keys::display_prefix.ilike(any(patterns)));
            query = query.filter(PlannedAnew(found));
        }
        if let Some((status, at)) = filter.status {
            let at = DateTime::<Utc>::from(at);
            query = match status {
                KeyStatus::Revoked => query.filter(api_keys::revoked_at.is_not_null()),
                KeyStatus::Expired => {
                    query.filter(api_keys::revoked_at.is_null()).filter(PlannedAnew(api_keys::expires_at.le(at)))
                }
                KeyStatus::Active => {
                    let works = api_keys::expires_at.is_null().or(api_keys::expires_at.gt(at));
                    query.filter(api_keys::revoked_at.is_null()).filter(PlannedAnew(works))
                }
            };
        }
        if let Some(after) = page.after {
            query = query.filter(RowBefore {
                columns: (api_keys::created_at, api_keys::id),
                position: (after.created_at.into(), after.id),
            });
        }
        let mut reading = self.reading(tenant).await?;
        let mut rows: Vec<ListingRow> = WithLimit::at_least(page.limit.get() + 1, query)
            .load(reading.connection()?)
            .await
            .during("listing keys")?;
        reading.end().await?;
        rows.truncate(page.limit.get() + 1);
        let keys = rows.into_iter().map(listing).collect::<Result<_, _>>()?;
        Ok(Page::of(keys, page.limit, KeyListing::position))
    }

    async fn get(&self, tenant: TenantId, key: KeyRef) -> Result<Option<KeyListing>, StoreError> {
        let query = listings!().filter(api_keys::tenant_id.eq(tenant.get())).into_boxed::<Pg>();
        let query = match key {
            KeyRef::Id(id) => query.filter(api_keys::id.eq(id.get())),
            KeyRef::Public(id) => query.filter(api_keys::public_id.eq(id.as_uuid())),
        };
        let row: Option<ListingRow> =
            query.get_result(&mut self.connection().await?).await.optional().during("reading a key")?;
        row.map(listing).transpose()
    }

    async fn locate(&self, public_id: KeyPublicId) -> Result<Option<(TenantId, KeyId)>, StoreError> {
        let mut connection = self.connection().await?;
        let row: Option<(i64, i64)> = api_keys::table
            .filter(api_keys::public_id.eq(public_id.as_uuid()))
            .select((api_keys::tenant_id, api_keys::id))
            .get_result(&mut connection)
            .await
            .optional()
            .during("locating a key")?;
        row.map(|(tenant, id)| {
            let place = Row { table: "api_keys", id: &id };
            Ok((place.some("tenant_id", TenantId::new(tenant))?, place.some("id", KeyId::new(id))?))
        })
        .transpose()
    }
}
