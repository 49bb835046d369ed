//! Reads that may take long, and statements that are planned anew for the values at hand.

use std::{sync::Arc, time::Duration};

use bwp_domain::store::{StoreError, UnitOfWork};
use diesel_async::AsyncPgConnection;

use crate::{clock::DatabaseClock, connect::Connection, long_reads::Leave, unit_of_work::PgUnitOfWork};

/// A connection for such a read. Straight at PostgreSQL that is all. Behind a pooler the read is a transaction that says
/// what it goes by: a session there may have no bounds, and it keeps the statements of all its clients. One that we throw
/// away after its use lives on there, and would soon be planned once for all values.
pub(crate) struct Reading {
    state: State,
    _leave: Leave,
}

enum State {
    Session(Box<Connection>),
    /// Dropped before its end, its connection is closed.
    Transaction(Box<PgUnitOfWork>),
}

const PLANNED_ANEW: &str = "; SET LOCAL plan_cache_mode = force_custom_plan";

impl Reading {
    pub(crate) async fn begin(
        leave: Leave,
        connection: Connection,
        patience: Duration,
        clock: Arc<DatabaseClock>,
    ) -> Result<Self, StoreError> {
        let state = if connection.is_pooled() {
            let statement = connection.begin() + PLANNED_ANEW;
            State::Transaction(Box::new(PgUnitOfWork::begin_by(&statement, connection, patience, clock).await?))
        } else {
            State::Session(Box::new(connection))
        };
        Ok(Self { state, _leave: leave })
    }

    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        match &mut self.state {
            State::Session(connection) => Ok(connection),
            State::Transaction(transaction) => transaction.connection(),
        }
    }

    /// To be called when all is read.
    pub(crate) async fn end(self) -> Result<(), StoreError> {
        match self.state {
            State::Session(_) => Ok(()),
            State::Transaction(transaction) => transaction.rollback().await,
        }
    }
}
