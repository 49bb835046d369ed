//! The API over scripted ports: no database, milliseconds.

mod contacts;
mod credentials;
mod document;
mod failures;
mod support;
