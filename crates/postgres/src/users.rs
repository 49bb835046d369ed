//! Users.

use async_trait::async_trait;
use bwp_domain::{
    ids::{TenantId, UserId},
    store::StoreError,
    text::Email,
    users::{
        User,
        ports::{UserRecord, UserRepository},
    },
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{error::DuringExt, rows::Row, schema::users, unit_of_work::PgUnitOfWork};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
struct UserRow {
    tenant_id: i64,
    id: i64,
    email: String,
    role: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let place = Row { table: "users", id: &row.id };
        Ok(Self {
            id: place.some("id", UserId::new(row.id))?,
            tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
            email: place.fit("email", Email::stored(row.email))?,
            role: place.fit("role", row.role.parse())?,
            created_at: row.created_at.into(),
        })
    }
}

#[async_trait]
impl UserRepository for PgUnitOfWork {
    async fn insert(&mut self, tenant: TenantId, record: UserRecord) -> Result<Option<User>, StoreError> {
        let row = diesel::insert_into(users::table)
            .values((
                users::tenant_id.eq(tenant.get()),
                users::email.eq(&*record.email),
                users::role.eq(record.role.as_str()),
                users::password_hash.eq(record.password.as_str()),
                users::created_at.eq(DateTime::<Utc>::from(record.created_at)),
            ))
            // The one unique index besides the primary key is that of the address.
            .on_conflict_do_nothing()
            .returning(UserRow::as_returning())
            .get_result(self.connection()?)
            .await
            .optional()
            .during("storing a user")?;
        row.map(User::try_from).transpose()
    }
}
