//! The whole: the `bwp` binary against real PostgreSQL, over HTTP.

mod routes;
mod support;
