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
        // What is unique was free when the rules looked, and was taken since: they look again.
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::UniqueViolation, _) => {
            StoreError::Conflict(text)
        }
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
            message if is_shutdown(message) || is_shortage(message) => StoreError::Unavailable(text),
            message if is_lost_statement(message) => StoreError::Unavailable(format!(
                "{text}; a pooler in transaction mode must know prepared statements: PgBouncer 1.21 with max_prepared_statements"
            )),
            _ => StoreError::Internal(text),
        },
        _ => StoreError::Internal(text),
    }
}

/// Whether the statement failed with its connection, and not by itself: what it was to change may be changed. That it did
/// not proves nothing: a pooler may say in words of its own that the server is gone, and close the connection after that.
pub(crate) fn is_gone(error: &Error) -> bool {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _) => true,
        Error::DatabaseError(_, info) => begins_with_any(info.message(), &GONE),
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

/// How the messages begin with which a connection ends: that of the server, and those of a PgBouncer between us and it, which
/// ends ours when it has lost its own.
const GONE: [&str; 13] = [
    "terminating connection",
    "server conn crashed",
    "server closed the connection",
    "server shutting down",
    "query timeout",
    "query_timeout",
    "query_wait_timeout",
    "transaction timeout",
    "idle transaction timeout",
    "client_idle_timeout",
    "pause failed",
    "suspend_timeout",
    "pooler is shutting down",
];

/// How other messages of SQLSTATE class 57 (the operator stopped it) begin, and those by which there is no connection for us,
/// of the server and of a PgBouncer.
const SHUTDOWN: [&str; 10] = [
    "canceling statement due to statement timeout",
    LOCK_TIMEOUT,
    "the database system is",
    "sorry, too many clients",
    "remaining connection slots",
    "too many connections for",
    "server login has been failing",
    "pgbouncer cannot connect to server",
    "no more connections allowed",
    "client connections exceeded",
];

/// How messages of SQLSTATE class 53 begin: the server has no more memory, no more room on its disk, or no more of what its
/// settings allow. It may have again, and until then all fare alike.
const SHORTAGE: [&str; 5] = [
    "out of memory",
    "out of shared memory",
    "too many dynamic shared memory segments",
    "could not extend file",
    "temporary file size exceeds",
];

/// How those end that say which file it was.
const DISK_FULL: &str = "No space left on device";

fn is_shortage(message: &str) -> bool {
    begins_with_any(message, &SHORTAGE) || message.ends_with(DISK_FULL)
}

fn is_shutdown(message: &str) -> bool {
    begins_with_any(message, &GONE) || begins_with_any(message, &SHUTDOWN)
}

/// A pooler that gives each transaction another session, and does not bring our prepared statements there.
fn is_lost_statement(message: &str) -> bool {
    message.starts_with("prepared statement ")
}

fn begins_with_any(message: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| message.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(message: &str) -> Error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
    }

    /// A change may have been made before its connection was lost: it must not be made again.
    #[test]
    fn a_connection_that_a_pooler_lost_is_gone() {
        for message in ["server conn crashed?", "query_wait_timeout", "idle transaction timeout"] {
            assert!(is_gone(&failed(message)), "{message}");
            assert!(matches!(store_error(&failed(message), "t"), StoreError::Unavailable(_)), "{message}");
        }
        assert!(!is_gone(&failed("deadlock detected")));
    }

    /// The statement has not failed by itself, nor the server for good: who asks again later may be answered.
    #[test]
    fn a_server_that_is_short_of_something_is_unavailable() {
        for message in [
            "out of shared memory",
            "out of memory",
            "could not extend file \"base/5/16396\": wrote only 4096 of 8192 bytes at block 7",
            "could not write to file \"base/pgsql_tmp/pgsql_tmp7.0\": No space left on device",
            "could not resize shared memory segment \"/PostgreSQL.1\" to 8 bytes: No space left on device",
            "too many connections for role \"bwp\"",
            "temporary file size exceeds temp_file_limit (1024kB)",
        ] {
            assert!(matches!(store_error(&failed(message), "t"), StoreError::Unavailable(_)), "{message}");
            assert!(!is_gone(&failed(message)), "{message}");
        }
        assert!(matches!(store_error(&failed("out of range"), "t"), StoreError::Internal(_)));
    }

    #[test]
    fn a_pooler_that_does_not_know_prepared_statements_is_told_what_it_needs() {
        let error = store_error(&failed("prepared statement \"s3\" does not exist"), "t");
        assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("1.21")), "{error:?}");
    }
}
