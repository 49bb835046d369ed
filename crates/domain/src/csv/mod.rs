//! CSV files (RFC 4180), as they are written and as they are read.
//!
//! The reader is our own: a file that people made is to be told what is wrong with it by line and column, an unclosed quote
//! included, and a row that is empty counts. General readers pass over all of these.

mod cells;
mod read;
mod write;

pub use cells::{guarded, unguarded};
pub use read::{Broken, Cells, Fault, Reader};
pub use write::{MEDIA_TYPE, row};
