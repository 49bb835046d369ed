//! The API, a folder a resource and a file a verb; and what holds for every route.

mod api_keys;
mod bids;
mod bodies;
mod calendar;
mod change_orders;
mod comments;
mod contacts;
mod credentials;
mod documents;
mod every_route;
mod idempotency;
mod jobs;
mod lead_stages;
mod leads;
mod me;
mod notifications;
mod order_of_checks;
mod products;
mod project_plans;
mod projects;
mod read_only;
mod settings;
mod site_logs;
mod time_entries;
mod users;
