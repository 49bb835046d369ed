//! What a session goes by, straight at PostgreSQL and behind a pooler.
//!
//! Straight at PostgreSQL a session is given its settings as it begins. A pooler in transaction mode gives each transaction
//! another session, and each session to many clients: what is set there for a session goes astray, and others find it.
//! Behind a pooler nothing is set for a session. A transaction says what it goes by, in the message that begins it; for
//! statements without one, the pooler's sessions should be as we wish, and we say so if they are not.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio_postgres::{Client, Error, SimpleQueryMessage, SimpleQueryRow};

use crate::{
    address::{Address, InvalidDatabaseUrl},
    locks::{LOCK_PATIENCE, bounded},
};

/// How a connection is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// Who it is, for those who look at the server's sessions.
    pub(crate) name: &'static str,
    /// How long one statement may take.
    pub(crate) statement_timeout: Duration,
    /// How long opening one may take.
    pub(crate) connect_timeout: Duration,
    /// Whether each statement is planned once, for all values.
    pub(crate) planned_once: bool,
}

/// What a session is like that was just begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Whether somebody is in between, who did not hand our settings on.
    pub(crate) pooled: bool,
    /// How a transaction is isolated that says nothing of it.
    pub(crate) isolation: String,
    /// The settings that it should have and has not.
    pub(crate) lacks: Vec<String>,
}

/// Where the database is, and what was found there last.
pub(crate) struct Place {
    pub(crate) address: Address,
    found: Mutex<Option<Found>>,
    /// Asked for each page: not behind the lock.
    plans_badly: AtomicBool,
}

/// After how many milliseconds a transaction is ended in which nothing happens.
const IDLE: u32 = 30_000;

/// By default the planner takes a random read for four times a sequential one. For a tenant of whom it expects a dozen rows
/// it would then rather collect and sort them than read a page in the order of the index, and it makes that plan once for
/// all tenants, those with 100,000 rows included.
const RANDOM_PAGE_COST: &str = "1.1";

/// A session that we began knows the first; the second holds for statements without a transaction of ours. The others are
/// what such a session lacks.
const LOOK: &str = "SELECT current_setting('bwp.session', true), current_setting('default_transaction_isolation'),
    CASE WHEN current_setting('statement_timeout') = '0' THEN 'statement_timeout' END,
    CASE WHEN current_setting('client_connection_check_interval') = '0' THEN 'client_connection_check_interval' END,
    CASE WHEN current_setting('random_page_cost')::float8 > 2 THEN 'random_page_cost' END,
    CASE WHEN current_setting('lc_messages') !~ '^((C|POSIX)($|[.])|en|English)' THEN 'lc_messages' END";

impl Session {
    /// The settings with which it begins.
    pub(crate) fn options(self) -> String {
        format!(
            "-c bwp.session=own -c default_transaction_isolation=read\\ committed -c statement_timeout={} \
             -c idle_in_transaction_session_timeout={IDLE} -c random_page_cost={RANDOM_PAGE_COST} -c plan_cache_mode={}",
            self.statement_timeout.as_millis(),
            if self.planned_once { "force_generic_plan" } else { "auto" },
        )
    }

    /// The statement that begins a transaction. It says all that the transaction goes by, if it is `pooled`.
    pub(crate) fn begin(self, pooled: bool) -> String {
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {}", bounded(LOCK_PATIENCE));
        if !pooled {
            return begin;
        }
        format!(
            "{begin}; SET LOCAL statement_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {IDLE}; \
             SET LOCAL random_page_cost = {RANDOM_PAGE_COST}",
            self.statement_timeout.as_millis(),
        )
    }
}

impl Found {
    /// Looks at the session that `client` has now.
    pub(crate) async fn of(client: &Client) -> Result<Self, Error> {
        let messages = client.simple_query(LOOK).await?;
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let column = |row: &SimpleQueryRow, index: usize| row.try_get(index).ok().flatten().map(str::to_owned);
        let pooled = row.and_then(|row| column(row, 0)).is_none_or(|own| own.is_empty());
        let isolation = row.and_then(|row| column(row, 1)).unwrap_or_default();
        let lacks = row.map(|row| (2..row.len()).filter_map(|index| column(row, index)).collect()).unwrap_or_default();
        Ok(Self { pooled, isolation, lacks })
    }
}

impl Place {
    /// Reads a URL.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        Ok(Self { address: Address::parse(url)?, found: Mutex::default(), plans_badly: AtomicBool::default() })
    }

    /// Remembers what was found.
    pub(crate) fn note(&self, found: Found) {
        let plans_badly = found.pooled && found.lacks.iter().any(|name| name == "random_page_cost");
        self.plans_badly.store(plans_badly, Ordering::Relaxed);
        *self.found() = Some(found);
    }

    /// What the sessions of the pooler in between lack, if there is one.
    pub(crate) fn lacks(&self) -> Vec<String> {
        self.found().as_ref().filter(|found| found.pooled).map(|found| found.lacks.clone()).unwrap_or_default()
    }

    /// Whether a statement without a transaction of ours is planned as it should be.
    pub(crate) fn plans_well(&self) -> bool {
        !self.plans_badly.load(Ordering::Relaxed)
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Option<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
