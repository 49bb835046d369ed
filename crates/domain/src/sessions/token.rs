//! By what a session is known.

use crate::tokens::secret_token;

secret_token! {
    /// By what a session is known: whoever holds it is signed in. A browser keeps it in a cookie.
    SessionToken, SessionHash
}
