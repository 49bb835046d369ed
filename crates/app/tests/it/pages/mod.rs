//! Pages in a real browser.

mod docs;
mod rig;
