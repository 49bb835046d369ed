//! Every request that leaves the server goes through here.
//!
//! URLs come from people who may mean other hosts than their own: the cloud's metadata, a database behind the firewall. [`Guard`]
//! refuses each address that is not public, in whatever form it comes; [`Client`] asks it at each connection, and connects to the
//! very address that was found good. It follows no redirection, uses no proxy of the environment, and bounds the time and the size
//! of what comes back. An operator may allow blocks of addresses beyond that. [`Smtp`] is the operator's own mail server, wherever it is.

mod client;
mod connect;
mod guard;
mod resolve;
mod smtp;
mod webhooks;

pub use bwp_domain::public_address::is_public;
pub use client::{Client, Post, Received};
pub use connect::{Failure, Tls};
pub use guard::{Guard, Refused};
pub use resolve::{Resolve, SystemResolver};
pub use smtp::{Smtp, SmtpError};
pub use webhooks::Webhooks;
