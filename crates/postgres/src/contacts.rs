//! Contacts.

mod expected;

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    contacts::{
        Contact, ContactDetails, ContactFilter, ContactPage, ContactRows, ContactSummary, ContactType, ContactView,
        ports::{ContactReader, ContactRepository},
    },
    ids::{ContactId, TenantId},
    paging::PageRequest,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::{IntoBoxed, count_star},
    pg::Pg,
    prelude::*,
    sql_types::Nullable,
};
use diesel_async::RunQueryDsl;

use crate::{
    error::DuringExt,
    lanes::Lanes,
    link::Link,
    rows::{self, Fields, PgRow, Row, integer, moment, text},
    schema::contacts,
    sql::{AnyOf, PageTexts, PlannedAnew, RowBefore, WithLimit, contains_pattern},
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

macro_rules! columns {
    ($($column:ident),*) => {
        type Columns = ($(contacts::$column,)*);
        /// What is read of a contact, in this order.
        const COLUMNS: Columns = ($(contacts::$column,)*);
        const COLUMN_NAMES: [&str; 14] = [$(<contacts::$column as Column>::NAME),*];
    };
}

columns!(
    id,
    first_name,
    last_name,
    company_name,
    position,
    parent_contact_id,
    email,
    phone,
    mobile,
    website,
    notes,
    type_,
    created_at,
    updated_at
);

type ContactFields<'r> = Fields<'r, 15>;

/// A row of [`COLUMNS`] and at most one more.
fn fields(row: &PgRow) -> ContactFields<'_> {
    Fields::of("contacts", &COLUMN_NAMES, row)
}

/// Reads a contact.
fn view<'f>(fields: &'f ContactFields<'_>) -> Result<ContactView<'f>, StoreError> {
    let id = |bytes: &[u8]| integer(bytes).and_then(ContactId::new);
    Ok(ContactView {
        id: fields.some(id)?,
        first_name: fields.optional(text)?,
        last_name: fields.optional(text)?,
        company_name: fields.optional(text)?,
        position: fields.optional(text)?,
        parent: fields.optional(id)?,
        email: fields.optional(text)?,
        phone: fields.optional(text)?,
        mobile: fields.optional(text)?,
        website: fields.optional(text)?,
        notes: fields.optional(text)?,
        kind: fields.some(|bytes| text(bytes)?.parse().ok())?,
        created_at: fields.some(moment)?,
        updated_at: fields.some(moment)?,
    })
}

/// A copy of the contact in a row of [`COLUMNS`].
fn contact(row: &PgRow) -> Result<Contact, StoreError> {
    view(&fields(row))?.copied()
}

/// Contacts as they came.
struct Rows(Vec<PgRow>);

impl ContactRows for Rows {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn show(&self, index: usize, viewer: &mut dyn FnMut(&ContactView<'_>)) -> Result<(), StoreError> {
        self.0.get(index).map_or(Ok(()), |row| view(&fields(row)).map(|contact| viewer(&contact)))
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

type PageQuery<'a> = WithLimit<IntoBoxed<'a, diesel::dsl::Select<contacts::table, Columns>, Pg>>;

/// Of all types or of one, from the start or from a row on.
static TEXTS: PageTexts<4> = PageTexts::new();

fn page_query<'a>(tenant: TenantId, filter: &ContactFilter, page: PageRequest) -> PageQuery<'a> {
    let mut query = fitting!(tenant, filter, contacts::table.select(COLUMNS))
        .order((contacts::created_at.desc(), contacts::id.desc()));
    if let Some(after) = page.after {
        query = query.filter(RowBefore {
            columns: (contacts::created_at, contacts::id),
            position: (after.created_at.into(), after.id),
        });
    }
    let query = WithLimit::at_least(page.limit.get() + 1, query);
    if is_quick(filter) {
        query.kept_in(&TEXTS, usize::from(filter.kind.is_some()) + 2 * usize::from(page.after.is_some()))
    } else {
        query
    }
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
    let rows = lanes
        .read("reading contacts by their ids", |link| async move {
            let found = contacts::table
                .filter(AnyOf { columns: (contacts::tenant_id, contacts::id), values: (tenants.clone(), ids.clone()) })
                .filter(contacts::deleted_at.is_null())
                .select((COLUMNS, contacts::tenant_id));
            rows::load(link.shared(), found).await
        })
        .await?;
    let mut found = Findings::with_capacity(rows.len());
    for row in rows {
        let fields = fields(&row);
        let tenant = fields.some_at(COLUMN_NAMES.len(), |bytes| integer(bytes).and_then(TenantId::new))?;
        let id = fields.some_at(0, |bytes| integer(bytes).and_then(ContactId::new))?;
        // One that fits nothing is the trouble of those who ask for it, and of nobody else.
        found.insert((tenant, id), view(&fields).and_then(|contact| contact.copied()));
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
    ) -> Result<ContactPage, StoreError> {
        let during = "listing contacts";
        let rows = if is_quick(filter) && self.shared.place.plans_well() {
            let read =
                |link: Arc<Link>| async move { rows::load(link.shared(), page_query(tenant, filter, page)).await };
            self.lanes.read(during, read).await?
        } else {
            let mut reading = self.reading(tenant).await?;
            let rows = rows::load(&*reading.connection()?, page_query(tenant, filter, page)).await.during(during)?;
            reading.end().await?;
            rows
        };
        ContactPage::of(Rows(rows), page.limit)
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
                let found = contacts::table
                    .filter(contacts::tenant_id.eq(tenant.get()))
                    .filter(contacts::id.eq_any(ids))
                    .filter(contacts::deleted_at.is_null())
                    .select(COLUMNS);
                rows::load(link.shared(), found).await
            })
            .await?;
        rows.iter().map(contact).collect()
    }

    async fn count(&self, tenant: TenantId, filter: &ContactFilter) -> Result<i64, StoreError> {
        let mut reading = self.reading(tenant).await?;
        let count = fitting!(tenant, filter, contacts::table.select(count_star()))
            .get_result(reading.connection()?)
            .await
            .during("counting contacts")?;
        reading.end().await?;
        Ok(count)
    }

    async fn summary(&self, tenant: TenantId, filter: &ContactFilter) -> Result<ContactSummary, StoreError> {
        let mut reading = self.reading(tenant).await?;
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
        let found = contacts::table
            .find((tenant.get(), id.get()))
            .filter(contacts::deleted_at.is_null())
            .select(COLUMNS)
            .for_no_key_update();
        let rows = rows::load(&*self.connection()?, found).await.during("locking a contact")?;
        rows.as_slice().first().map(contact).transpose()
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
