//! Sessions: browsers in which people have signed in.

mod session;

pub use session::{Session, SignedIn};
