//! Invitations: a link by which the person with an e-mail address becomes a user of a tenant.

mod accept;
mod commands;
mod error;
mod invitation;
pub mod ports;
mod token;

pub use accept::{AcceptError, NewcomerDraft, accept_as_newcomer, accept_signed_in, look_at};
pub use commands::{InviteUser, Invited, WithdrawInvitation};
pub use error::InvitationError;
pub use invitation::{Invitation, InvitationState};
pub use token::{InvitationHash, InvitationToken};
