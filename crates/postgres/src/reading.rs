//! Reads that may take long, and statements that are planned anew for the values at hand.

use std::time::Duration;

use bwp_domain::store::{StoreError, UnitOfWork};
use diesel_async::AsyncPgConnection;

use crate::{connect::Connection, unit_of_work::PgUnitOfWork};

/// A connection for such a read. Straight at PostgreSQL that is all. Behind a pooler the read is a transaction that says
/// what it goes by: a session there may have no bounds, and it keeps the statements of all its clients. One that we throw
/// away after its use lives on there, and would soon be planned once for all values.
pub(crate) struct Reading(State);

enum State {
    Session(Box<Connection>),
    /// Dropped before its end, its connection is closed.
    Transaction(Box<PgUnitOfWork>),
}

const PLANNED_ANEW: &str = "; SET LOCAL plan_cache_mode = force_custom_plan";

impl Reading {
    pub(crate) async fn begin(connection: Connection, patience: Duration) -> Result<Self, StoreError> {
        if !connection.is_pooled() {
            return Ok(Self(State::Session(Box::new(connection))));
        }
        let statement = connection.begin() + PLANNED_ANEW;
        let transaction = PgUnitOfWork::begin_by(&statement, connection, patience).await?;
        Ok(Self(State::Transaction(Box::new(transaction))))
    }

    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        match &mut self.0 {
            State::Session(connection) => Ok(connection),
            State::Transaction(transaction) => transaction.connection(),
        }
    }

    /// To be called when all is read.
    pub(crate) async fn end(self) -> Result<(), StoreError> {
        match self.0 {
            State::Session(_) => Ok(()),
            State::Transaction(transaction) => transaction.rollback().await,
        }
    }
}
