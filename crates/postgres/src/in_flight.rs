//! Whether a connection is still at work on a statement that nobody waits for any more.
//!
//! A client that goes away drops the work on its request, in the middle of a statement if so it happens. Its connection
//! comes back to the pool with the statement still running; whoever got it next would wait for that as well.

use diesel::{
    connection::{Instrumentation, InstrumentationEvent},
    result::Error,
};
use diesel_async::{AsyncConnection, AsyncPgConnection};

/// Counts the statements that were begun and not ended.
#[derive(Default)]
struct InFlight(i32);

impl Instrumentation for InFlight {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.0 += 1,
            InstrumentationEvent::FinishQuery { .. } => self.0 -= 1,
            // Connecting, preparing and the transaction manager's own: the statements among them are events of their own.
            _ => {}
        }
    }
}

/// Begins to count on a new connection.
pub(crate) fn watch(connection: &mut AsyncPgConnection) {
    connection.set_instrumentation(InFlight::default());
}

/// Fails if a statement is still running.
pub(crate) fn check(connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    match connection.instrumentation().downcast_ref() {
        Some(InFlight(0)) => Ok(()),
        _ => Err(Error::BrokenTransactionManager),
    }
}
