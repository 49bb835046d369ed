//! The pages for people: signing in, and Settings. Server-rendered HTML over actix-web, with next to no script: every flow
//! works without.
//!
//! A page is an [`Entry`] in the table of [`entries`]: its method and path, who may see it, and its handler. Who asks is
//! found out, and whether they may is decided, before a handler runs; a form is read, and its token checked, before that as
//! well. What a handler changes it changes by a command of the domain, which decides again, in its own transaction.

mod access;
mod account;
mod assets;
mod authorize;
mod browser;
mod change;
mod connected_apps;
mod form;
mod guards;
mod hasher;
mod home;
mod invitations;
mod keys;
mod layout;
mod not_found;
mod routes;
mod scope_words;
mod security;
mod sign;
mod sign_in;
mod state;
mod team;
mod trouble;
mod visit;
mod webhooks;
mod widgets;

pub use access::Access;
pub use assets::Assets;
pub use guards::Guards;
pub use hasher::BlockingHasher;
pub use not_found::configure_not_found;
pub use routes::{Entry, configure, entries};
pub use state::ConsoleState;
