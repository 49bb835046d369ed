//! `/contacts`

mod create;
