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
    query_builder::AstPass,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};

use super::{COLUMNS, DetailsColumns, fields, view};
use crate::{
    expecting::{Change, Expectations, Sql},
    rows::{self, Row},
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
        let change = ContactChange::of(tenant, &contact);
        self.change(Box::new(InsertContact { change, created_at: now.into() }));
        Ok(contact)
    }

    /// The contact as it is, unlocked: a change of it is made only if it is still that.
    pub(super) async fn read_contact(
        &mut self,
        tenant: TenantId,
        id: ContactId,
    ) -> Result<Option<Contact>, StoreError> {
        let rows = self
            .store
            .lanes
            .read("reading a contact to change it", |link| async move {
                let found = contacts::table
                    .find((tenant.get(), id.get()))
                    .filter(contacts::deleted_at.is_null())
                    .select((COLUMNS, Xmin));
                rows::load(link.shared(), found).await
            })
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let fields = fields(row);
        let contact = view(&fields)?;
        self.expect_row(TABLE, id.get(), fields.some(RowVersion::read)?);
        contact.copied().map(Some)
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
    updated_at: DateTime<Utc>,
}

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
            updated_at: contact.updated_at.into(),
        }
    }

    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.tenant)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.parent)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.updated_at)?;
        for text in &self.texts {
            out.push_sql(", ");
            out.push_bind_param::<Nullable<Text>, _>(text)?;
        }
        Ok(())
    }
}

struct InsertContact {
    change: ContactChange,
    created_at: DateTime<Utc>,
}

impl Change for InsertContact {
    fn sql(&self) -> Sql {
        Sql {
            change: "INSERT INTO contacts (tenant_id, id, parent_contact_id, type, updated_at, first_name, last_name, \
                     company_name, position, email, phone, mobile, website, notes, created_at) \
                     SELECT tenant_id, id, parent_contact_id, type, updated_at, first_name, last_name, company_name, \
                     position, email, phone, mobile, website, notes, created_at",
            columns: "tenant_id, id, parent_contact_id, type, updated_at, first_name, last_name, company_name, \
                      position, email, phone, mobile, website, notes, created_at",
            condition: "",
            end: Sql::RETURNING,
        }
    }

    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.change.values(out.reborrow())?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.created_at)
    }
}

struct UpdateContact {
    change: ContactChange,
    version: RowVersion,
}

impl Change for UpdateContact {
    fn sql(&self) -> Sql {
        Sql {
            change: "UPDATE contacts SET parent_contact_id = new.parent_contact_id, type = new.type, \
                     updated_at = new.updated_at, first_name = new.first_name, last_name = new.last_name, \
                     company_name = new.company_name, position = new.position, email = new.email, phone = new.phone, \
                     mobile = new.mobile, website = new.website, notes = new.notes",
            columns: "tenant_id, id, parent_contact_id, type, updated_at, first_name, last_name, company_name, \
                      position, email, phone, mobile, website, notes, version",
            condition: " AND contacts.tenant_id = new.tenant_id AND contacts.id = new.id \
                        AND contacts.xmin = new.version",
            end: Sql::RETURNING,
        }
    }

    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.change.values(out.reborrow())?;
        out.push_sql(", ");
        out.push_bind_param::<Xid, _>(&self.version)
    }
}
