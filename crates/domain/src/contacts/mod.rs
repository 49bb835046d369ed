//! Contacts: the people and companies a tenant works with.

mod commands;
mod contact;
mod draft;
mod error;
mod events;
mod filter;
pub mod ports;
mod view;

pub use commands::{CreateContact, DeleteContact, UpdateContact};
pub use contact::{Contact, ContactDetails, ContactType, UnknownContactType};
pub use draft::{ContactChanges, ContactDraft};
pub use error::ContactError;
pub use filter::{ContactFilter, ContactSummary};
pub use view::{ContactPage, ContactRows, ContactView};
