//! The API, a folder a resource and a file a verb; and what holds for every route.

mod api_keys;
mod bids;
mod bodies;
mod change_orders;
mod contacts;
mod credentials;
mod every_route;
mod idempotency;
mod lead_stages;
mod leads;
mod me;
mod order_of_checks;
mod products;
mod projects;
mod read_only;
mod settings;
mod users;
