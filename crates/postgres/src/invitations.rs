//! Invitations.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{InvitationId, TenantId, UserId},
    invitations::{
        Invitation, InvitationHash, InvitationState,
        ports::{InvitationReader, InvitationRecord, InvitationRepository, SeenInvitation},
    },
    paging::{Page, PageRequest, Position},
    store::StoreError,
    text::Email,
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::exists,
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Bytea, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::{
    accounts::lower,
    error::DuringExt,
    rows::Row,
    schema::{accounts, invitations, tenants},
    sql::{RowBefore, WithLimit},
    store::PgStore,
    tenants::TenantRow,
    unit_of_work::PgUnitOfWork,
};

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
struct InvitationRow {
    tenant_id: i64,
    id: i64,
    email: String,
    role: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    accepted_at: Option<DateTime<Utc>>,
    user_id: Option<i64>,
    withdrawn_at: Option<DateTime<Utc>>,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = StoreError;

    fn try_from(row: InvitationRow) -> Result<Self, StoreError> {
        let place = Row { table: "invitations", id: &row.id };
        let state = match (row.accepted_at, row.withdrawn_at) {
            (None, None) => InvitationState::Pending,
            (None, Some(at)) => InvitationState::Withdrawn { at: at.into() },
            (Some(at), _) => {
                let user = place.some("user_id", row.user_id.and_then(UserId::new))?;
                InvitationState::Accepted { at: at.into(), user }
            }
        };
        Ok(Self {
            id: place.some("id", InvitationId::new(row.id))?,
            tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
            email: place.fit("email", Email::stored(row.email))?,
            role: place.fit("role", row.role.parse())?,
            created_at: row.created_at.into(),
            expires_at: row.expires_at.into(),
            state,
        })
    }
}

#[async_trait]
impl InvitationReader for PgStore {
    async fn find(&self, hash: &InvitationHash) -> Result<Option<SeenInvitation>, StoreError> {
        let has_account = exists(accounts::table.filter(lower(accounts::email).eq(lower(invitations::email))));
        let row: Option<(InvitationRow, TenantRow, bool)> = invitations::table
            .inner_join(tenants::table)
            .filter(invitations::token_hash.eq(hash.as_bytes().as_slice()))
            .select((InvitationRow::as_select(), TenantRow::as_select(), has_account))
            .get_result(&mut self.connection().await?)
            .await
            .optional()
            .during("finding an invitation")?;
        let Some((invitation, tenant, has_account)) = row else { return Ok(None) };
        Ok(Some(SeenInvitation { invitation: invitation.try_into()?, tenant: tenant.try_into()?, has_account }))
    }

    async fn pending(&self, tenant: TenantId, page: PageRequest) -> Result<Page<Invitation>, StoreError> {
        let mut query = invitations::table
            .filter(invitations::tenant_id.eq(tenant.get()))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::withdrawn_at.is_null())
            .order((invitations::created_at.desc(), invitations::id.desc()))
            .select(InvitationRow::as_select())
            .into_boxed::<Pg>();
        if let Some(after) = page.after {
            query = query.filter(RowBefore {
                columns: (invitations::created_at, invitations::id),
                position: (after.created_at.into(), after.id),
            });
        }
        let rows: Vec<InvitationRow> = WithLimit::at_least(page.limit.get() + 1, query)
            .load(&mut self.connection().await?)
            .await
            .during("listing invitations")?;
        let found = rows.into_iter().take(page.limit.get() + 1).map(Invitation::try_from);
        let found = found.collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |one: &Invitation| Position { created_at: one.created_at, id: one.id.get() }))
    }
}

/// Takes the place of the address's pending invitation, if there is one.
const PUT: &str = "INSERT INTO invitations (tenant_id, email, role, token_hash, invited_by, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant_id, lower(email)) WHERE accepted_at IS NULL AND withdrawn_at IS NULL
    DO UPDATE SET email = excluded.email, role = excluded.role, token_hash = excluded.token_hash,
        invited_by = excluded.invited_by, created_at = excluded.created_at, expires_at = excluded.expires_at
    RETURNING *";

#[async_trait]
impl InvitationRepository for PgUnitOfWork {
    async fn put(&mut self, tenant: TenantId, record: InvitationRecord) -> Result<Invitation, StoreError> {
        diesel::sql_query(PUT)
            .bind::<BigInt, _>(tenant.get())
            .bind::<Text, _>(&*record.email)
            .bind::<Text, _>(record.role.as_str())
            .bind::<Bytea, _>(record.hash.as_bytes().as_slice())
            .bind::<Nullable<BigInt>, _>(record.invited_by.map(UserId::get))
            .bind::<Timestamptz, _>(DateTime::<Utc>::from(record.created_at))
            .bind::<Timestamptz, _>(DateTime::<Utc>::from(record.expires_at))
            .get_result::<InvitationRow>(self.connection()?)
            .await
            .during("storing an invitation")?
            .try_into()
    }

    async fn lock(&mut self, tenant: TenantId, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
        let row = invitations::table
            .find((tenant.get(), id.get()))
            .select(InvitationRow::as_select())
            .for_update()
            .get_result(self.connection()?)
            .await
            .optional()
            .during("locking an invitation")?;
        row.map(Invitation::try_from).transpose()
    }

    async fn lock_by_hash(&mut self, hash: &InvitationHash) -> Result<Option<Invitation>, StoreError> {
        let row = invitations::table
            .filter(invitations::token_hash.eq(hash.as_bytes().as_slice()))
            .select(InvitationRow::as_select())
            .for_update()
            .get_result(self.connection()?)
            .await
            .optional()
            .during("locking an invitation")?;
        row.map(Invitation::try_from).transpose()
    }

    async fn withdraw_those_of(&mut self, tenant: TenantId, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let pending = invitations::table
            .filter(invitations::tenant_id.eq(tenant.get()))
            .filter(invitations::invited_by.eq(user.get()))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::withdrawn_at.is_null());
        diesel::update(pending)
            .set(invitations::withdrawn_at.eq(DateTime::<Utc>::from(now)))
            .execute(self.connection()?)
            .await
            .during("withdrawing invitations")
            .map(|_| ())
    }

    async fn update_state(&mut self, tenant: TenantId, invitation: &Invitation) -> Result<(), StoreError> {
        let (accepted_at, user, withdrawn_at) = match invitation.state {
            InvitationState::Pending => (None, None, None),
            InvitationState::Accepted { at, user } => (Some(DateTime::<Utc>::from(at)), Some(user.get()), None),
            InvitationState::Withdrawn { at } => (None, None, Some(DateTime::<Utc>::from(at))),
        };
        diesel::update(invitations::table.find((tenant.get(), invitation.id.get())))
            .set((
                invitations::accepted_at.eq(accepted_at),
                invitations::user_id.eq(user),
                invitations::withdrawn_at.eq(withdrawn_at),
            ))
            .execute(self.connection()?)
            .await
            .during("storing what became of an invitation")
            .map(|_| ())
    }
}
