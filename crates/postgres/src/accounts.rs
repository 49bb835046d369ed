//! Accounts.

use async_trait::async_trait;
use bwp_domain::{
    accounts::{
        Account, PasswordHash, PersonName,
        ports::{AccountRecord, AccountRepository, StoredAccount},
    },
    ids::AccountId,
    store::StoreError,
    text::{Email, Name},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types::Text};
use diesel_async::RunQueryDsl;

use crate::{error::DuringExt, locks::Lock, rows::Row, schema::accounts, unit_of_work::PgUnitOfWork};

diesel::define_sql_function! {
    /// The text in small letters.
    fn lower(text: Text) -> Text;
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AccountRow {
    id: i64,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        let place = Row { table: "accounts", id: &row.id };
        Ok(Self {
            id: place.some("id", AccountId::new(row.id))?,
            email: place.fit("email", Email::stored(row.email))?,
            name: PersonName {
                first: place.optional("first_name", row.first_name, Name::parse)?,
                last: place.optional("last_name", row.last_name, Name::parse)?,
            },
            created_at: row.created_at.into(),
        })
    }
}

fn stored((row, password): (AccountRow, String)) -> Result<StoredAccount, StoreError> {
    Ok(StoredAccount { account: row.try_into()?, password: PasswordHash::from_stored(password) })
}

#[async_trait]
impl AccountRepository for PgUnitOfWork {
    async fn insert(&mut self, record: AccountRecord) -> Result<Option<Account>, StoreError> {
        let row = diesel::insert_into(accounts::table)
            .values((
                accounts::email.eq(&*record.email),
                accounts::first_name.eq(record.name.first.as_deref()),
                accounts::last_name.eq(record.name.last.as_deref()),
                accounts::password_hash.eq(record.password.as_str()),
                accounts::created_at.eq(DateTime::<Utc>::from(record.created_at)),
            ))
            // The one unique index besides the primary key is that of the address.
            .on_conflict_do_nothing()
            .returning(AccountRow::as_returning())
            .get_result(self.connection()?)
            .await
            .optional()
            .during("storing an account")?;
        row.map(Account::try_from).transpose()
    }

    async fn find_by_email(&mut self, email: &Email) -> Result<Option<StoredAccount>, StoreError> {
        let row = accounts::table
            .filter(lower(accounts::email).eq(lower(&**email)))
            .select((AccountRow::as_select(), accounts::password_hash))
            .get_result(self.connection()?)
            .await
            .optional()
            .during("finding an account")?;
        row.map(stored).transpose()
    }

    async fn lock(&mut self, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
        let connection = self.connection()?;
        Lock::Account(id.get()).take(connection).await.during("locking an account")?;
        let row = accounts::table
            .find(id.get())
            .select((AccountRow::as_select(), accounts::password_hash))
            .get_result(connection)
            .await
            .optional()
            .during("reading a locked account")?;
        row.map(stored).transpose()
    }

    async fn set_password(&mut self, id: AccountId, password: &PasswordHash) -> Result<(), StoreError> {
        diesel::update(accounts::table.find(id.get()))
            .set(accounts::password_hash.eq(password.as_str()))
            .execute(self.connection()?)
            .await
            .during("storing a password's hash")
            .map(|_| ())
    }

    async fn lock_by_email(&mut self, email: &Email) -> Result<Option<Account>, StoreError> {
        let id: Option<i64> = accounts::table
            .filter(lower(accounts::email).eq(lower(&**email)))
            .select(accounts::id)
            .get_result(self.connection()?)
            .await
            .optional()
            .during("finding an account to lock")?;
        let Some(id) = id else { return Ok(None) };
        let id = Row { table: "accounts", id: &id }.some("id", AccountId::new(id))?;
        Ok(AccountRepository::lock(self, id).await?.map(|stored| stored.account))
    }
}
