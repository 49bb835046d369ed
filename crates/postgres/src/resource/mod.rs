//! Rows of every resource, by their descriptions.
//!
//! The statements are made of a [`Shape`](bwp_domain::resource::Shape) here, and nowhere else: which column, which tenant, which rows
//! are deleted, which index serves a page.

mod expected;
mod numbers;
mod overdue;
mod reader;
mod rows;
mod signature_requests;
mod snapshot;
mod statement;
mod text;
mod value;

pub(crate) use reader::find;
#[cfg(feature = "testing")]
pub(crate) use reader::page_statement;
