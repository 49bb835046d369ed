//! Changes of contacts that go by what is to be expected.

use bwp_domain::{
    clock::Timestamp,
    contacts::{Contact, ContactDetails},
    ids::{ContactId, TenantId},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment},
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use super::{ContactRow, DetailsColumns};
use crate::{
    expecting::Expectations,
    rows::Row,
    schema::contacts,
    sql::{RowVersion, Xid, Xmin},
};

const TABLE: &str = "contacts";

impl Expectations {
    pub(super) async fn insert_contact(
        &mut self,
        tenant: TenantId,
        new: &ContactDetails,
        now: Timestamp,
    ) -> Result<Contact, StoreError> {
        let id = self.store.shared.contact_ids.take(&self.store.lanes).await?;
        let id = Row { table: TABLE, id: &id }.some("id", ContactId::new(id))?;
        let contact = Contact { id, details: new.clone(), created_at: now, updated_at: now };
        self.change(Box::new(InsertContact(ContactChange::of(tenant, &contact))));
        Ok(contact)
    }

    /// The contact as it is, unlocked: a change of it is made only if it is still that.
    pub(super) async fn read_contact(
        &mut self,
        tenant: TenantId,
        id: ContactId,
    ) -> Result<Option<Contact>, StoreError> {
        let row: Option<(ContactRow, RowVersion)> = self
            .store
            .lanes
            .read("reading a contact to change it", |link| async move {
                contacts::table
                    .find((tenant.get(), id.get()))
                    .filter(contacts::deleted_at.is_null())
                    .select((ContactRow::as_select(), Xmin))
                    .get_result(&mut link.shared())
                    .await
                    .optional()
            })
            .await?;
        let Some((row, version)) = row else { return Ok(None) };
        self.expect_row(TABLE, id.get(), version);
        Contact::try_from(row).map(Some)
    }

    pub(super) fn update_contact(&mut self, tenant: TenantId, contact: &Contact) -> Result<(), StoreError> {
        let version = self.expected_row(TABLE, contact.id.get())?;
        self.change(Box::new(UpdateContact { change: ContactChange::of(tenant, contact), version }));
        Ok(())
    }
}

/// The values of a contact's columns.
struct ContactChange {
    tenant: i64,
    id: i64,
    texts: [Option<String>; 9],
    parent: Option<i64>,
    kind: &'static str,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The columns of `ContactChange::texts`.
const TEXTS: [&str; 9] =
    ["first_name", "last_name", "company_name", "position", "email", "phone", "mobile", "website", "notes"];

impl ContactChange {
    fn of(tenant: TenantId, contact: &Contact) -> Self {
        let columns = DetailsColumns::from(&contact.details);
        let texts = [
            columns.first_name,
            columns.last_name,
            columns.company_name,
            columns.position,
            columns.email,
            columns.phone,
            columns.mobile,
            columns.website,
            columns.notes,
        ];
        Self {
            tenant: tenant.get(),
            id: contact.id.get(),
            texts: texts.map(|text| text.map(str::to_owned)),
            parent: columns.parent_contact_id,
            kind: contact.details.kind.as_str(),
            created_at: contact.created_at.into(),
            updated_at: contact.updated_at.into(),
        }
    }
}

struct InsertContact(ContactChange);

impl QueryFragment<Pg> for InsertContact {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self(row) = self;
        out.push_sql("INSERT INTO contacts (tenant_id, id, parent_contact_id, type, created_at, updated_at");
        for column in TEXTS {
            out.push_sql(", ");
            out.push_sql(column);
        }
        out.push_sql(") SELECT ");
        out.push_bind_param::<BigInt, _>(&row.tenant)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&row.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&row.parent)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&row.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&row.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&row.updated_at)?;
        for text in &row.texts {
            out.push_sql(", ");
            out.push_bind_param::<Nullable<Text>, _>(text)?;
        }
        out.push_sql(" FROM go RETURNING 1");
        Ok(())
    }
}

struct UpdateContact {
    change: ContactChange,
    version: RowVersion,
}

impl QueryFragment<Pg> for UpdateContact {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let row = &self.change;
        out.push_sql("UPDATE contacts SET parent_contact_id = ");
        out.push_bind_param::<Nullable<BigInt>, _>(&row.parent)?;
        out.push_sql(", type = ");
        out.push_bind_param::<Text, _>(&row.kind)?;
        out.push_sql(", updated_at = ");
        out.push_bind_param::<Timestamptz, _>(&row.updated_at)?;
        for (column, text) in TEXTS.iter().zip(&row.texts) {
            out.push_sql(", ");
            out.push_sql(column);
            out.push_sql(" = ");
            out.push_bind_param::<Nullable<Text>, _>(text)?;
        }
        out.push_sql(" FROM go WHERE contacts.tenant_id = ");
        out.push_bind_param::<BigInt, _>(&row.tenant)?;
        out.push_sql(" AND contacts.id = ");
        out.push_bind_param::<BigInt, _>(&row.id)?;
        out.push_sql(" AND contacts.xmin = ");
        out.push_bind_param::<Xid, _>(&self.version)?;
        out.push_sql(" RETURNING 1");
        Ok(())
    }
}
