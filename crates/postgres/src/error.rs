//! From diesel's errors to the store's: the caller says what it was about.

use bwp_domain::store::StoreError;
use diesel::result::{DatabaseErrorKind, Error};

/// Says what a failed statement was about, for the log.
pub(crate) trait DuringExt<T> {
    /// The store's error for this failure, `during` something.
    fn during(self, during: &str) -> Result<T, StoreError>;
}

impl<T> DuringExt<T> for Result<T, Error> {
    fn during(self, during: &str) -> Result<T, StoreError> {
        self.map_err(|error| store_error(&error, during))
    }
}

fn store_error(error: &Error, during: &str) -> StoreError {
    // Neither the statement nor its values: values are people's data.
    let text = format!("{during}: {error}");
    match error {
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => StoreError::Conflict(text),
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            // A standby: another server writes.
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        )
        | Error::BrokenTransactionManager => StoreError::Unavailable(text),
        // Diesel does not pass SQLSTATE on. The connection asks for messages in English (see `connect`).
        Error::DatabaseError(DatabaseErrorKind::Unknown, info) => match info.message() {
            "deadlock detected" => StoreError::Conflict(text),
            message if is_shutdown(message) => StoreError::Unavailable(text),
            _ => StoreError::Internal(text),
        },
        _ => StoreError::Internal(text),
    }
}

/// Whether the statement failed with its connection, and not by itself. That it did not proves nothing: a pooler may say in
/// words of its own that the server is gone, and close the connection after that.
pub(crate) fn is_gone(error: &Error) -> bool {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _) => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, info) => info.message().starts_with("terminating connection"),
        _ => false,
    }
}

/// Whether the statement gave up waiting for a lock (SQLSTATE 55P03).
pub(crate) fn is_lock_timeout(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, info) if info.message().starts_with(LOCK_TIMEOUT))
}

/// Whether the statement may succeed another time, or by asking first: it stood in another's way, or a rule of the data
/// forbids it.
pub(crate) fn is_passing(error: &Error) -> bool {
    match error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            info.message() == "deadlock detected" || info.message().starts_with("canceling statement")
        }
        Error::DatabaseError(kind, _) => !matches!(kind, DatabaseErrorKind::ReadOnlyTransaction),
        _ => false,
    }
}

const LOCK_TIMEOUT: &str = "canceling statement due to lock timeout";

/// How the messages of SQLSTATE classes 57 (the operator stopped it) and 53 (no resources) begin, and those of a PgBouncer
/// between us and the server.
const SHUTDOWN: [&str; 12] = [
    "terminating connection",
    "canceling statement due to statement timeout",
    LOCK_TIMEOUT,
    "the database system is",
    "sorry, too many clients",
    "remaining connection slots",
    "query_wait_timeout",
    "server login has been failing",
    "server conn crashed",
    "server closed the connection",
    "pgbouncer cannot connect to server",
    "no more connections allowed",
];

fn is_shutdown(message: &str) -> bool {
    SHUTDOWN.iter().any(|beginning| message.starts_with(beginning))
}
