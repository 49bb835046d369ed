//! Contacts.

mod expected;

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    contacts::{
        Contact, ContactDetails, ContactFilter, ContactSummary, ContactType,
        ports::{ContactReader, ContactRepository},
    },
    ids::{ContactId, TenantId},
    paging::{Page, PageRequest},
    store::StoreError,
    text::{Email, Name, Text},
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::{AsSelect, IntoBoxed, count_star},
    pg::Pg,
    prelude::*,
    sql_types::Nullable,
};
use diesel_async::RunQueryDsl;

use crate::{
    error::DuringExt,
    lanes::Lanes,
    link::Link,
    rows::{Moment, Row},
    schema::contacts,
    sql::{AnyOf, PlannedAnew, RowBefore, WithLimit, contains_pattern},
    store::PgStore,
    together::Findings,
    unit_of_work::PgUnitOfWork,
};

diesel::define_sql_function! {
    /// What a search looks in. The index `contacts_search` is made of the same call.
    fn contact_search_text(
        first_name: Nullable<diesel::sql_types::Text>,
        last_name: Nullable<diesel::sql_types::Text>,
        company_name: Nullable<diesel::sql_types::Text>,
        email: Nullable<diesel::sql_types::Text>,
        phone: Nullable<diesel::sql_types::Text>,
        mobile: Nullable<diesel::sql_types::Text>,
        notes: Nullable<diesel::sql_types::Text>,
    ) -> diesel::sql_types::Text;
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts, check_for_backend(Pg))]
struct ContactRow {
    id: i64,
    first_name: Option<String>,
    last_name: Option<String>,
    company_name: Option<String>,
    position: Option<String>,
    parent_contact_id: Option<i64>,
    email: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    website: Option<String>,
    notes: Option<String>,
    type_: String,
    created_at: Moment,
    updated_at: Moment,
}

impl TryFrom<ContactRow> for Contact {
    type Error = StoreError;

    fn try_from(row: ContactRow) -> Result<Self, StoreError> {
        let place = Row { table: "contacts", id: &row.id };
        Ok(Self {
            id: place.some("id", ContactId::new(row.id))?,
            details: ContactDetails {
                first_name: place.optional("first_name", row.first_name, Name::parse)?,
                last_name: place.optional("last_name", row.last_name, Name::parse)?,
                company_name: place.optional("company_name", row.company_name, Name::parse)?,
                position: place.optional("position", row.position, Text::parse)?,
                parent: place
                    .optional("parent_contact_id", row.parent_contact_id, |id| ContactId::new(id).ok_or(()))?,
                email: place.optional("email", row.email, Email::stored)?,
                phone: place.optional("phone", row.phone, Text::parse)?,
                mobile: place.optional("mobile", row.mobile, Text::parse)?,
                website: place.optional("website", row.website, Text::parse)?,
                notes: place.optional("notes", row.notes, Text::parse)?,
                kind: place.fit("type", row.type_.parse())?,
            },
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

/// The details' columns, for storing.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = contacts, treat_none_as_null = true)]
struct DetailsColumns<'a> {
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    company_name: Option<&'a str>,
    position: Option<&'a str>,
    parent_contact_id: Option<i64>,
    email: Option<&'a str>,
    phone: Option<&'a str>,
    mobile: Option<&'a str>,
    website: Option<&'a str>,
    notes: Option<&'a str>,
    type_: &'a str,
}

impl<'a> From<&'a ContactDetails> for DetailsColumns<'a> {
    fn from(details: &'a ContactDetails) -> Self {
        Self {
            first_name: details.first_name.as_deref(),
            last_name: details.last_name.as_deref(),
            company_name: details.company_name.as_deref(),
            position: details.position.as_deref(),
            parent_contact_id: details.parent.map(ContactId::get),
            email: details.email.as_deref(),
            phone: details.phone.as_deref(),
            mobile: details.mobile.as_deref(),
            website: details.website.as_deref(),
            notes: details.notes.as_deref(),
            type_: details.kind.as_str(),
        }
    }
}

/// The tenant's contacts that are not deleted and fit the filter.
macro_rules! fitting {
    ($tenant:expr, $filter:expr, $query:expr) => {{
        let filter: &ContactFilter = $filter;
        let mut query = $query
            .filter(contacts::tenant_id.eq($tenant.get()))
            .filter(contacts::deleted_at.is_null())
            .into_boxed::<Pg>();
        if let Some(kind) = filter.kind {
            query = query.filter(contacts::type_.eq(kind.as_str()));
        }
        if let Some(from) = filter.created_from {
            query = query.filter(PlannedAnew(contacts::created_at.ge(DateTime::<Utc>::from(from))));
        }
        if let Some(to) = filter.created_to {
            query = query.filter(PlannedAnew(contacts::created_at.le(DateTime::<Utc>::from(to))));
        }
        if let Some(search) = &filter.search {
            let text = contact_search_text(
                contacts::first_name,
                contacts::last_name,
                contacts::company_name,
                contacts::email,
                contacts::phone,
                contacts::mobile,
                contacts::notes,
            );
            query = query.filter(PlannedAnew(text.ilike(contains_pattern(search.as_str()))));
        }
        query
    }};
}

type PageQuery<'a> = WithLimit<IntoBoxed<'a, diesel::dsl::Select<contacts::table, AsSelect<ContactRow, Pg>>, Pg>>;

fn page_query<'a>(tenant: TenantId, filter: &ContactFilter, page: PageRequest) -> PageQuery<'a> {
    let mut query = fitting!(tenant, filter, contacts::table.select(ContactRow::as_select()))
        .order((contacts::created_at.desc(), contacts::id.desc()));
    if let Some(after) = page.after {
        query = query.filter(RowBefore {
            columns: (contacts::created_at, contacts::id),
            position: (after.created_at.into(), after.id),
        });
    }
    WithLimit::at_least(page.limit.get() + 1, query)
}

/// The statement that [`ContactReader::list`] sends for a page, and whether it is planned anew each time. For tests of its
/// plan.
#[cfg(feature = "testing")]
pub(crate) fn page_statement(
    tenant: TenantId,
    filter: &ContactFilter,
    page: PageRequest,
) -> diesel::QueryResult<(String, bool)> {
    crate::sql::text(&page_query(tenant, filter, page))
}

/// Whether a page is one range of an index, wherever it starts.
const fn is_quick(filter: &ContactFilter) -> bool {
    filter.search.is_none() && filter.created_from.is_none() && filter.created_to.is_none()
}

/// The contacts with these ids, each of its tenant.
pub(crate) async fn find(
    lanes: &Lanes,
    asked: Vec<(TenantId, ContactId)>,
) -> Result<Findings<(TenantId, ContactId), Contact>, StoreError> {
    let (tenants, ids): (Vec<i64>, Vec<i64>) = asked.iter().map(|(tenant, id)| (tenant.get(), id.get())).unzip();
    let (tenants, ids) = (&tenants, &ids);
    let rows: Vec<(i64, ContactRow)> = lanes
        .read("reading contacts by their ids", |link| async move {
            contacts::table
                .filter(AnyOf { columns: (contacts::tenant_id, contacts::id), values: (tenants.clone(), ids.clone()) })
                .filter(contacts::deleted_at.is_null())
                .select((contacts::tenant_id, ContactRow::as_select()))
                .load(&mut link.shared())
                .await
        })
        .await?;
    let mut found = Findings::with_capacity(rows.len());
    for (tenant, row) in rows {
        let place = Row { table: "contacts", id: &row.id };
        let key = (place.some("tenant_id", TenantId::new(tenant))?, place.some("id", ContactId::new(row.id))?);
        found.insert(key, Contact::try_from(row));
    }
    Ok(found)
}

#[async_trait]
impl ContactReader for PgStore {
    async fn list(
        &self,
        tenant: TenantId,
        filter: &ContactFilter,
        page: PageRequest,
    ) -> Result<Page<Contact>, StoreError> {
        let during = "listing contacts";
        let mut rows: Vec<ContactRow> = if is_quick(filter) && self.shared.place.plans_well() {
            let read = |link: Arc<Link>| async move { page_query(tenant, filter, page).load(&mut link.shared()).await };
            self.lanes.read(during, read).await?
        } else {
            let mut reading = self.reading().await?;
            let rows = page_query(tenant, filter, page).load(reading.connection()?).await.during(during)?;
            reading.end().await?;
            rows
        };
        rows.truncate(page.limit.get() + 1);
        let contacts = rows.into_iter().map(Contact::try_from).collect::<Result<_, _>>()?;
        Ok(Page::of(contacts, page.limit, Contact::position))
    }

    async fn get(&self, tenant: TenantId, id: ContactId) -> Result<Option<Contact>, StoreError> {
        self.contacts.find((tenant, id)).await
    }

    async fn get_many(&self, tenant: TenantId, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError> {
        let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
        let ids = &ids;
        let rows = self
            .lanes
            .read("reading contacts", |link| async move {
                contacts::table
                    .filter(contacts::tenant_id.eq(tenant.get()))
                    .filter(contacts::id.eq_any(ids))
                    .filter(contacts::deleted_at.is_null())
                    .select(ContactRow::as_select())
                    .load(&mut link.shared())
                    .await
            })
            .await?;
        rows.into_iter().map(Contact::try_from).collect()
    }

    async fn count(&self, tenant: TenantId, filter: &ContactFilter) -> Result<i64, StoreError> {
        let mut reading = self.reading().await?;
        let count = fitting!(tenant, filter, contacts::table.select(count_star()))
            .get_result(reading.connection()?)
            .await
            .during("counting contacts")?;
        reading.end().await?;
        Ok(count)
    }

    async fn summary(&self, tenant: TenantId, filter: &ContactFilter) -> Result<ContactSummary, StoreError> {
        let mut reading = self.reading().await?;
        let counts: Vec<(String, i64)> =
            fitting!(tenant, filter, contacts::table.group_by(contacts::type_).select((contacts::type_, count_star())))
                .load(reading.connection()?)
                .await
                .during("summing contacts up")?;
        reading.end().await?;
        let place = Row { table: "contacts", id: &"of a summary" };
        let mut by_type = counts
            .into_iter()
            .map(|(kind, count)| Ok((place.fit("type", kind.parse::<ContactType>())?, count)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        by_type.sort_unstable_by_key(|(kind, _)| *kind);
        Ok(ContactSummary { by_type })
    }
}

#[async_trait]
impl ContactRepository for PgUnitOfWork {
    async fn insert(&mut self, tenant: TenantId, new: &ContactDetails, now: Timestamp) -> Result<Contact, StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.insert_contact(tenant, new, now).await;
        }
        let now_utc = DateTime::<Utc>::from(now);
        let id: i64 = diesel::insert_into(contacts::table)
            .values((
                contacts::tenant_id.eq(tenant.get()),
                DetailsColumns::from(new),
                contacts::created_at.eq(now_utc),
                contacts::updated_at.eq(now_utc),
            ))
            .returning(contacts::id)
            .get_result(self.connection()?)
            .await
            .during("storing a contact")?;
        let id = Row { table: "contacts", id: &id }.some("id", ContactId::new(id))?;
        Ok(Contact { id, details: new.clone(), created_at: now, updated_at: now })
    }

    async fn lock(&mut self, tenant: TenantId, id: ContactId) -> Result<Option<Contact>, StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.read_contact(tenant, id).await;
        }
        let row = contacts::table
            .find((tenant.get(), id.get()))
            .filter(contacts::deleted_at.is_null())
            .select(ContactRow::as_select())
            .for_no_key_update()
            .get_result(self.connection()?)
            .await
            .optional()
            .during("locking a contact")?;
        row.map(Contact::try_from).transpose()
    }

    async fn hold(&mut self, tenant: TenantId, id: ContactId) -> Result<bool, StoreError> {
        let held = contacts::table
            .find((tenant.get(), id.get()))
            .filter(contacts::deleted_at.is_null())
            .select(contacts::id)
            .for_key_share()
            .get_result::<i64>(self.connection()?)
            .await
            .optional()
            .during("holding a contact")?;
        Ok(held.is_some())
    }

    async fn update(&mut self, tenant: TenantId, contact: &Contact) -> Result<(), StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.update_contact(tenant, contact);
        }
        diesel::update(contacts::table.find((tenant.get(), contact.id.get())))
            .set((
                DetailsColumns::from(&contact.details),
                contacts::updated_at.eq(DateTime::<Utc>::from(contact.updated_at)),
            ))
            .execute(self.connection()?)
            .await
            .during("changing a contact")
            .map(|_| ())
    }

    async fn delete(&mut self, tenant: TenantId, id: ContactId, now: Timestamp) -> Result<(), StoreError> {
        let now = DateTime::<Utc>::from(now);
        // Waits for those who hold the contact: they hold its key, which a plain change of the row leaves them.
        contacts::table
            .find((tenant.get(), id.get()))
            .select(contacts::id)
            .for_update()
            .execute(self.connection()?)
            .await
            .during("waiting for those who hold a contact")?;
        diesel::update(contacts::table.find((tenant.get(), id.get())))
            .set((contacts::deleted_at.eq(now), contacts::updated_at.eq(now)))
            .execute(self.connection()?)
            .await
            .during("deleting a contact")
            .map(|_| ())
    }
}
