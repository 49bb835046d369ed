//! The v1 API over actix-web.
//!
//! A family is a table of [`Operation`](operation::Operation)s: each names its method, path, handler and answers. From
//! the table come the routes and the OpenAPI document; from the handler's signature come the scopes that the document
//! names and that are checked before the handler runs.
//!
//! A handler takes what it needs in the order in which it is checked: first [`Authorized`](request::Authorized), then
//! the idempotency key, the id, the query, the body.

mod api_keys;
mod audit;
mod bids;
mod calendar;
mod change_orders;
mod comments;
mod contacts;
mod cursors;
mod disposition;
pub mod docs;
mod documents;
mod envelope;
mod events;
mod invoices;
mod jobs;
mod json;
mod kit_items;
mod lead_stages;
mod leads;
mod me;
mod mutation;
mod notifications;
mod oauth;
pub mod openapi;
mod operation;
mod paging;
mod pay_apps;
pub mod privileges;
pub mod problem;
mod products;
mod project_plans;
mod project_templates;
mod projects;
mod rate_limit;
mod refusals;
mod request;
mod resource;
mod routes;
mod settings;
mod signature_requests;
mod site_logs;
mod state;
mod time_entries;
mod usage;
mod users;
mod webhooks;

pub use cursors::{Cursors, LoadCursorKeys};
pub use oauth::Registrations;
pub use openapi::document;
pub use refusals::Refusals;
pub use routes::{BASE_PATH, configure, refuse_long_target};
pub use state::{ApiState, FileLimits, WebhookPorts};
