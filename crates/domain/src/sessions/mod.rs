//! Sessions: browsers in which people have signed in.

mod changes;
pub mod ports;
mod session;
mod token;

pub use changes::{SessionError, choose, end_session, sign_out, sign_out_everywhere};
pub use session::{MOST_SESSIONS, Membership, OpenSession, Session, SignedIn};
pub use token::{SessionHash, SessionToken};

pub(crate) use changes::{hold, note_everywhere, note_signed_in, renew};
