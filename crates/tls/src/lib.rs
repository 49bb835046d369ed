//! TLS to servers that this one is a client of: PostgreSQL and Redis.
//!
//! What is said of it stands in a URL, under the names that libpq gives it ([`Parameters`]); [`client_config`] makes of it
//! what rustls wants to know; [`explain`] says of an error what to do about it. Nothing is read from the disk unless TLS
//! is asked for.

mod client;
mod explain;
mod parameters;
mod roots;
#[cfg(feature = "testing")]
pub mod testing;
mod unnamed;

pub use client::{Check, Identity, TlsError, client_config};
pub use explain::explain;
pub use parameters::Parameters;
pub use roots::{Roots, system_file};
