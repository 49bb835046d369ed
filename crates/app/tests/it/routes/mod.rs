//! The API, a folder a resource and a file a verb; and what holds for every route.

mod api_keys;
mod bodies;
mod contacts;
mod credentials;
mod every_route;
mod idempotency;
mod me;
mod order_of_checks;
mod read_only;
mod users;
