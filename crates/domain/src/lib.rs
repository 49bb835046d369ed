//! The rules of the server: API keys, scopes, rate limits, tenants, accounts, users, contacts, idempotency and paging.
//!
//! This crate knows no database, no web framework and no async runtime. What it needs from the outside it asks for
//! through *ports*: traits that another crate implements. It can be reused on its own and tested with mocks (feature
//! `testing`).
//!
//! # How a port is written
//! 1. Every method takes a [`TenantId`](ids::TenantId) first. There is no finder without a tenant, except where the
//!    tenant is what is being looked for (a key by its hash, a public id).
//! 2. Absence is `Ok(None)`. `Err` is for surprises, and is a [`StoreError`](store::StoreError).
//! 3. The doc of a method states what an implementation MUST do and which locks it takes. Each MUST has a test
//!    against a real database in the crate that implements it.
//! 4. Time and randomness are ports too ([`Clock`](clock::Clock), [`Entropy`](entropy::Entropy)); nothing here reads
//!    the system's.
//! 5. Types that exist are valid: a port takes an [`Email`](text::Email), never a loose string.
//!
//! # How a change runs
//! [`execute`](execute::execute) is the only way to change anything on behalf of a caller: it holds the caller's
//! credential, claims the idempotency key, applies a [`Command`](execute::Command), appends its events to the outbox,
//! records the receipt and commits, in this order and in one transaction.
//!
//! What people do before they act in a tenant has functions of its own, each in transactions of its own: signing in
//! ([`sign_in`]), choosing a tenant and ending sessions ([`sessions`]), changing a password ([`accounts`]), and accepting an
//! invitation ([`invitations`]).

pub mod accounts;
pub mod activity;
pub mod audit;
pub mod bids;
pub mod bounded;
pub mod calendar;
pub mod change_orders;
pub mod characters;
pub mod clock;
pub mod comments;
pub mod contacts;
pub mod csv;
pub mod documents;
pub mod entropy;
pub mod events;
pub mod exact;
pub mod execute;
pub mod families;
pub mod fields;
pub mod files;
pub mod idempotency;
pub mod ids;
pub mod invitations;
pub mod invoices;
pub mod jobs;
pub mod keys;
pub mod kit_items;
pub mod labor_rates;
pub mod lead_stages;
pub mod leads;
pub mod mail;
pub mod network;
pub mod notifications;
pub mod numbers;
pub mod oauth;
pub mod paging;
pub mod papers;
pub mod parts;
pub mod pay_apps;
pub mod principal;
pub mod products;
pub mod project_phases;
pub mod project_plans;
pub mod project_tasks;
pub mod project_templates;
pub mod projects;
pub mod public_address;
pub mod rate_limits;
pub mod records;
pub mod resource;
mod reviews;
pub mod scopes;
pub mod security;
pub mod selling;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod signature_requests;
pub mod site_logs;
pub mod steps;
pub mod store;
pub mod tenants;
pub mod text;
pub mod time_entries;
pub mod tokens;
pub mod users;
pub mod vault;
pub mod webhooks;
pub mod wording;
mod words;

#[cfg(feature = "testing")]
pub mod testing;

// The derive of resources names this crate as others do.
extern crate self as bwp_domain;
