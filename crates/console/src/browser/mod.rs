//! What a browser sends along by itself, and what tells our own forms from those of others.

mod cookies;
mod origin;
mod token;

pub(crate) use cookies::{CookieName, Cookies};
pub(crate) use origin::{ForeignOrigin, Mismatch, check_origin, without_tls};
pub(crate) use token::{FormToken, random_text};
