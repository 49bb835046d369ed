//! Units of work: a transaction on one connection, or one statement at the end.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bwp_domain::{
    accounts::ports::{AccountRepository, HasAccounts},
    activity::ActivityLog,
    clock::{Clock, Timestamp},
    events::Outbox,
    idempotency::ReceiptRepository,
    invitations::ports::{HasInvitations, InvitationRepository},
    keys::ports::{CredentialRepository, HasKeys, KeyRepository},
    security::ports::SecurityLog,
    sessions::ports::{HasSessions, SessionRepository},
    sign_in::ports::{HasSignIns, SignInRepository},
    store::{StoreError, UnitOfWork},
    tenants::ports::{HasTenants, TenantRepository},
    users::ports::{HasUsers, UserRepository},
    webhooks::ports::{HasWebhooks, WebhookRepository},
};
use deadpool::managed::Object;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio::time::timeout;

use crate::{
    activity,
    clock::{DatabaseClock, Timely},
    connect::Connection,
    error::DuringExt,
    expecting::Expectations,
    hint::EventsHint,
};

/// A unit of work. It implements every repository: each family does so in its own file.
///
/// It begins and ends the transaction itself, without diesel's transaction manager: what that keeps track of is here in
/// one field, and a connection whose transaction did not end as it should never goes back to the pool.
pub(crate) struct PgUnitOfWork {
    state: State,
    /// Who is told that events were committed.
    hint: Option<Arc<EventsHint>>,
    /// Whether events were appended.
    tells: bool,
}

enum State {
    /// A transaction, in which everything is asked.
    Open(Box<Transaction>),
    /// Nothing is sent before the end.
    Expecting(Box<Expectations>),
    Ended,
}

struct Transaction {
    connection: Connection,
    clock: Arc<DatabaseClock>,
    /// When it began: what it writes bears no earlier time.
    began: Timestamp,
    /// What was done to rows, to be noted together at the end: nobody reads it before.
    activity: Vec<activity::Entry>,
    /// How much of that was done before the point to go back to, if there is one.
    savepoint: Option<usize>,
}

impl Transaction {
    async fn commit(&mut self) -> Result<(), StoreError> {
        activity::store(std::mem::take(&mut self.activity), &mut self.connection).await?;
        // What waits for the end of the transaction is done first, which may take long, and the clock is looked at last. All are
        // refused if a statement failed before: the server would answer a COMMIT by rolling back, and call that no error.
        let Timely { from, to } = Timely::of(self.began);
        let commit = format!(
            "SET CONSTRAINTS ALL IMMEDIATE; \
             SELECT CASE WHEN clock_timestamp() BETWEEN '{from}' AND '{to}' THEN true ELSE refuse_unexpected() END; \
             COMMIT"
        );
        let committed = self.connection.batch_execute(&commit).await.during("committing");
        if let Err(StoreError::Conflict(_)) = committed {
            // It may have been for the clock: then the next attempt goes by a better one.
            self.connection.batch_execute("ROLLBACK").await.during("rolling back")?;
            self.clock.put_right(&mut self.connection).await?;
        }
        committed
    }
}

impl PgUnitOfWork {
    /// Begins a transaction. A server that does not answer within `patience` is not there.
    pub(crate) async fn begin(
        connection: Connection,
        patience: Duration,
        clock: Arc<DatabaseClock>,
    ) -> Result<Self, StoreError> {
        let statement = connection.begin();
        Self::begin_by(&statement, connection, patience, clock).await
    }

    /// Begins a transaction by this statement.
    pub(crate) async fn begin_by(
        statement: &str,
        connection: Connection,
        patience: Duration,
        clock: Arc<DatabaseClock>,
    ) -> Result<Self, StoreError> {
        let began = clock.now();
        // In here before the transaction begins: a caller who goes away meanwhile leaves no open one in the pool.
        let transaction = Transaction { connection, clock, began, activity: Vec::new(), savepoint: None };
        let mut uow = Self { state: State::Open(Box::new(transaction)), hint: None, tells: false };
        let during = "beginning a transaction";
        let answered = timeout(patience, uow.connection()?.batch_execute(statement)).await;
        answered.map_err(|_| StoreError::Unavailable(format!("{during}: no answer in time")))?.during(during)?;
        Ok(uow)
    }

    pub(crate) fn expecting_all(expectations: Expectations) -> Self {
        Self { state: State::Expecting(Box::new(expectations)), hint: None, tells: false }
    }

    /// The same, giving this hint when events were committed.
    pub(crate) fn hinting(mut self, hint: Arc<EventsHint>) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Notes that events were appended.
    pub(crate) const fn tell(&mut self) {
        self.tells = true;
    }

    /// The transaction's connection. A unit of work that goes by expectations has none: what needs one is done anew by a
    /// unit of work that asks.
    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        match &mut self.state {
            State::Open(transaction) => Ok(&mut transaction.connection),
            State::Expecting(_) => Err(StoreError::Conflict("this is not done without asking".to_owned())),
            State::Ended => Err(StoreError::Internal("the transaction has ended".to_owned())),
        }
    }

    /// Notes at the end what was done to a row.
    pub(crate) fn note(&mut self, entry: activity::Entry) -> Result<(), StoreError> {
        match &mut self.state {
            State::Open(transaction) => transaction.activity.push(entry),
            State::Expecting(expectations) => expectations.change(Box::new(entry)),
            State::Ended => return Err(StoreError::Internal("the transaction has ended".to_owned())),
        }
        Ok(())
    }

    /// What this unit of work expects, if it is one that does.
    pub(crate) fn expecting(&mut self) -> Option<&mut Expectations> {
        match &mut self.state {
            State::Expecting(expectations) => Some(expectations),
            State::Open(_) | State::Ended => None,
        }
    }
}

impl Drop for PgUnitOfWork {
    /// A transaction that nobody ended: its connection is closed, and the server rolls back. Back in the pool it would
    /// stay open, holding its locks, until the connection's next use.
    fn drop(&mut self) {
        if let State::Open(transaction) = std::mem::replace(&mut self.state, State::Ended) {
            drop(Object::take(transaction.connection));
        }
    }
}

#[async_trait]
impl UnitOfWork for PgUnitOfWork {
    fn credentials(&mut self) -> &mut dyn CredentialRepository {
        self
    }

    fn receipts(&mut self) -> &mut dyn ReceiptRepository {
        self
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }

    fn activity(&mut self) -> &mut dyn ActivityLog {
        self
    }

    fn security_log(&mut self) -> &mut dyn SecurityLog {
        self
    }

    async fn savepoint(&mut self) -> Result<(), StoreError> {
        let State::Open(transaction) = &mut self.state else {
            return Err(StoreError::Conflict("no point is made without asking".to_owned()));
        };
        let statement = if transaction.savepoint.is_some() {
            "RELEASE SAVEPOINT point; SAVEPOINT point"
        } else {
            "SAVEPOINT point"
        };
        transaction.connection.batch_execute(statement).await.during("making a savepoint")?;
        transaction.savepoint = Some(transaction.activity.len());
        Ok(())
    }

    async fn undo_to_savepoint(&mut self) -> Result<(), StoreError> {
        let State::Open(transaction) = &mut self.state else {
            return Err(StoreError::Internal("there is no point to go back to".to_owned()));
        };
        transaction.activity.truncate(transaction.savepoint.unwrap_or_default());
        transaction.connection.batch_execute("ROLLBACK TO SAVEPOINT point").await.during("going back to a savepoint")
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        match &mut self.state {
            State::Expecting(_) => {
                if let State::Expecting(expectations) = std::mem::replace(&mut self.state, State::Ended) {
                    expectations.commit().await?;
                }
            }
            State::Open(transaction) => {
                transaction.commit().await?;
                // Ended: the connection goes back to the pool.
                self.state = State::Ended;
            }
            State::Ended => return Err(StoreError::Internal("the transaction has ended".to_owned())),
        }
        if let Some(hint) = self.hint.as_ref().filter(|_| self.tells) {
            hint.give();
        }
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StoreError> {
        if let State::Open(transaction) = &mut self.state {
            transaction.connection.batch_execute("ROLLBACK").await.during("rolling back")?;
        }
        self.state = State::Ended;
        Ok(())
    }
}

macro_rules! lends {
    ($($has:ident, $lend:ident: $repository:ident;)*) => {$(
        impl $has for PgUnitOfWork {
            fn $lend(&mut self) -> &mut dyn $repository {
                self
            }
        }
    )*};
}

lends! {
    HasAccounts, accounts: AccountRepository;
    HasInvitations, invitations: InvitationRepository;
    HasKeys, keys: KeyRepository;
    HasSessions, sessions: SessionRepository;
    HasSignIns, sign_ins: SignInRepository;
    HasTenants, tenants: TenantRepository;
    HasUsers, users: UserRepository;
    HasWebhooks, webhooks: WebhookRepository;
}
