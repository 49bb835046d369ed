//! The pages, as a browser without scripts asks for them.

mod guards;
mod keys;
mod not_found;
mod sign_in;
mod team;
mod texts;
