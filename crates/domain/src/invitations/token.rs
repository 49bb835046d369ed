//! By what an invitation is known.

use crate::tokens::secret_token;

secret_token! {
    /// By what an invitation is known: whoever holds it may accept it. It is the end of a link, shown once.
    InvitationToken, InvitationHash
}
