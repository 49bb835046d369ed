//! The pages, as a browser without scripts asks for them.

mod floods;
mod guards;
mod keys;
mod not_found;
mod origins;
mod security_log;
mod sign;
mod sign_in;
mod team;
mod texts;
mod webhooks;
