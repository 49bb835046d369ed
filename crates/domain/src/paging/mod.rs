//! Paging: newest first, by cursor.

mod cursor;
mod page;

pub use cursor::{CursorKeys, CursorScope, CursorSecret, InvalidCursor};
pub use page::{InvalidLimit, Limit, Page, PageRequest, Position};
