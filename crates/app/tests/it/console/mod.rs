//! The pages, as a browser without scripts asks for them.

mod guards;
mod keys;
mod sign_in;
