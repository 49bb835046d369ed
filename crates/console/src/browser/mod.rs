//! What a browser sends along by itself, and what tells our own forms from those of others.

mod cookies;
mod origin;
mod token;

pub(crate) use cookies::{CookieName, Cookies};
pub(crate) use origin::check_origin;
pub(crate) use token::{FormToken, random_text};
