//! Notifications.

#![expect(clippy::too_many_arguments, reason = "a function of the database has as many as its call")]

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{AccountId, TenantId},
    notifications::{
        Notice, Notification, NotificationType,
        ports::{HasNotifications, NotificationFilter, NotificationReader, Notifications},
    },
    records::About,
    store::StoreError,
    users::Role,
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::AstPass,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::{
    error::DuringExt,
    expecting::{Change, Sql},
    rows::Row,
    schema::{comments, muted_notifications, notifications},
    store::PgStore,
    unit_of_work::PgUnitOfWork,
};

diesel::define_sql_function! {
    /// See its migration.
    fn notify_users(
        tenant: BigInt, accounts: Array<BigInt>, roles: Array<Text>, kind: Text, title: Text, message: Nullable<Text>,
        entity_type: Nullable<Text>, entity_id: Nullable<BigInt>, at: Timestamptz
    ) -> Integer;
}

impl HasNotifications for PgUnitOfWork {
    fn notifications(&mut self) -> &mut dyn Notifications {
        self
    }
}

#[async_trait]
impl Notifications for PgUnitOfWork {
    async fn notify(
        &mut self,
        tenant: TenantId,
        notice: &Notice,
        people: &[AccountId],
        roles: &[Role],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let call = Notify {
            tenant: tenant.get(),
            accounts: people.iter().map(|person| person.get()).collect(),
            roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
            kind: notice.kind.as_str(),
            title: notice.title.clone(),
            message: notice.message.clone(),
            entity_type: notice.about.map(|about| about.kind.as_str()),
            entity_id: notice.about.map(|about| about.id),
            at: now.into(),
        };
        if let Some(expected) = self.expecting() {
            expected.change(Box::new(call));
            return Ok(());
        }
        let statement = diesel::select(notify_users(
            call.tenant,
            call.accounts,
            call.roles,
            call.kind,
            call.title,
            call.message,
            call.entity_type,
            call.entity_id,
            call.at,
        ));
        statement.get_result::<i32>(self.connection()?).await.during("notifying users").map(|_| ())
    }

    async fn mute(
        &mut self,
        tenant: TenantId,
        account: AccountId,
        kind: NotificationType,
        muted: bool,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        let row = (
            muted_notifications::tenant_id.eq(tenant.get()),
            muted_notifications::account_id.eq(account.get()),
            muted_notifications::type_.eq(kind.as_str()),
        );
        let changed = if muted {
            diesel::insert_into(muted_notifications::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(connection)
                .await
        } else {
            diesel::delete(muted_notifications::table.filter(row.0.and(row.1).and(row.2))).execute(connection).await
        };
        changed.during("switching notifications").map(|_| ())
    }

    async fn writers(&mut self, tenant: TenantId, about: About) -> Result<Vec<AccountId>, StoreError> {
        let on_record = comments::tenant_id
            .eq(tenant.get())
            .and(comments::entity_type.eq(about.kind.as_str()))
            .and(comments::entity_id.eq(about.id));
        let writers: Vec<Option<i64>> = comments::table
            .filter(on_record.and(comments::deleted_at.is_null()).and(comments::user_id.is_not_null()))
            .select(comments::user_id)
            .distinct()
            .load(self.connection()?)
            .await
            .during("reading who has written comments")?;
        Ok(writers.into_iter().flatten().filter_map(AccountId::new).collect())
    }
}

/// A call of `notify_users`.
struct Notify {
    tenant: i64,
    accounts: Vec<i64>,
    roles: Vec<String>,
    kind: &'static str,
    title: String,
    message: Option<String>,
    entity_type: Option<&'static str>,
    entity_id: Option<i64>,
    at: DateTime<Utc>,
}

/// As a part of an expected change.
impl Change for Notify {
    fn sql(&self) -> Sql {
        Sql {
            change: "SELECT notify_users(tenant_id, accounts, roles, type, title, message, entity_type, entity_id, created_at)",
            columns: "tenant_id, accounts, roles, type, title, message, entity_type, entity_id, created_at",
            condition: "",
            end: "",
        }
    }

    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.tenant)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.accounts)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.roles)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.title)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.message)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.entity_type)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.entity_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.at)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notifications, check_for_backend(Pg))]
struct NotificationRow {
    tenant_id: i64,
    id: i64,
    account_id: i64,
    #[diesel(column_name = type_)]
    kind: String,
    title: String,
    message: Option<String>,
    entity_type: Option<String>,
    entity_id: Option<i64>,
    read_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<NotificationRow> for Notification {
    type Error = StoreError;

    fn try_from(row: NotificationRow) -> Result<Self, StoreError> {
        let place = Row { table: "notifications", id: &row.id };
        Ok(Self {
            id: row.id,
            tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
            account: place.some("account_id", AccountId::new(row.account_id))?,
            kind: row.kind,
            title: row.title,
            message: row.message,
            entity_type: row.entity_type,
            entity_id: row.entity_id,
            read_at: row.read_at.map(Into::into),
            created_at: row.created_at.into(),
        })
    }
}

#[async_trait]
impl NotificationReader for PgStore {
    async fn notifications(
        &self,
        tenant: TenantId,
        account: AccountId,
        filter: &NotificationFilter,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        let mut query = notifications::table
            .filter(notifications::tenant_id.eq(tenant.get()).and(notifications::account_id.eq(account.get())))
            .select(NotificationRow::as_select())
            .order((notifications::created_at.desc(), notifications::id.desc()))
            .offset(offset.into())
            .limit(limit.into())
            .into_boxed();
        if let Some(kind) = &filter.kind {
            query = query.filter(notifications::type_.eq(kind));
        }
        if filter.unread_only {
            query = query.filter(notifications::read_at.is_null());
        }
        let rows: Vec<NotificationRow> =
            query.load(&mut *self.connection().await?).await.during("reading notifications")?;
        rows.into_iter().map(Notification::try_from).collect()
    }

    async fn muted(&self, tenant: TenantId, account: AccountId) -> Result<Vec<NotificationType>, StoreError> {
        let of_user =
            muted_notifications::tenant_id.eq(tenant.get()).and(muted_notifications::account_id.eq(account.get()));
        let muted: Vec<String> = muted_notifications::table
            .filter(of_user)
            .select(muted_notifications::type_)
            .order(muted_notifications::type_)
            .load(&mut *self.connection().await?)
            .await
            .during("reading what is switched off")?;
        // What no version of ours sends any more is as good as not there.
        Ok(muted.iter().filter_map(|kind| kind.parse().ok()).collect())
    }
}
