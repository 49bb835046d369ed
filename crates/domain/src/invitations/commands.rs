//! Inviting, and taking it back.

use async_trait::async_trait;

use super::{
    Invitation, InvitationError, InvitationToken,
    ports::{HasInvitations, InvitationRecord},
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, Field, FieldErrors},
    ids::InvitationId,
    principal::Principal,
    security::SecurityAction,
    text::Email,
    users::{Permission, Role, User, ports::HasUsers},
};

/// Invites the person with this address, in place of an earlier invitation that is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteUser {
    /// Who.
    pub email: Email,
    /// As what.
    pub role: Role,
}

/// An invitation that was just made: the only moment at which its token is known.
#[derive(Debug)]
pub struct Invited {
    /// The invitation.
    pub invitation: Invitation,
    /// The end of the link.
    pub token: InvitationToken,
}

impl InviteUser {
    /// What was asked for, or everything that is wrong with it.
    pub fn parse(email: Field<String>, role: Field<String>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::new();
        let email = errors.required("email", email, |text| Email::parse(text.trim().to_owned()));
        let role = errors.required("role", role, |text| text.parse().map_err(|_| unknown_role()));
        match (email, role) {
            (Some(email), Some(role)) => errors.or(Self { email, role }),
            _ => Err(errors),
        }
    }
}

fn unknown_role() -> Fault {
    let roles = Role::ALL.map(Role::as_str).join(", ");
    Fault::new("invalid_value", format!("Must be one of: {roles}."))
}

#[async_trait]
impl<U: HasInvitations + HasUsers + ?Sized> Command<U> for InviteUser {
    type Output = Invited;
    type Error = InvitationError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<Invited>, Failure<InvitationError>> {
        permit(context)?;
        if let Some(user) = uow.users().find_by_email(context.tenant, &self.email).await? {
            let errors = FieldErrors::one("email", is_a_user(&user));
            return Err(Failure::Rejected(InvitationError::Invalid(errors)));
        }
        let token = InvitationToken::generate(context.entropy);
        let record = InvitationRecord {
            email: self.email.clone(),
            role: self.role,
            hash: token.hash(),
            invited_by: match context.principal {
                Principal::User(signed_in) => Some(signed_in.user.id),
                Principal::Key(_) | Principal::App(_) | Principal::Operator(_) | Principal::Job(_) => None,
            },
            created_at: context.now,
            expires_at: context.now.plus(Invitation::LIFETIME),
        };
        let invitation = uow.invitations().put(context.tenant, record).await?;
        let (email, role) = (self.email.to_string(), self.role.to_string());
        Ok(Applied::noting(Invited { invitation, token }, vec![SecurityAction::UserInvited { email, role }]))
    }
}

/// What is wrong with inviting somebody who is there.
pub(super) fn is_a_user(user: &User) -> Fault {
    let message = if user.is_active() {
        "The person with this address is a user already."
    } else {
        "The person with this address was a user, and has no access now. Give it back instead of inviting them."
    };
    Fault::new("invalid_value", message)
}

/// Takes an invitation back: its link is good for nothing from now on.
#[derive(Debug)]
pub struct WithdrawInvitation {
    /// Which.
    pub id: InvitationId,
}

#[async_trait]
impl<U: HasInvitations + ?Sized> Command<U> for WithdrawInvitation {
    type Output = Invitation;
    type Error = InvitationError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<Invitation>, Failure<InvitationError>> {
        permit(context)?;
        let found = uow.invitations().lock(context.tenant, self.id).await?;
        let mut invitation = found.ok_or(Failure::Rejected(InvitationError::NotFound))?;
        invitation.withdraw(context.now).map_err(Failure::Rejected)?;
        uow.invitations().update_state(context.tenant, &invitation).await?;
        let email = invitation.email.to_string();
        Ok(Applied::noting(invitation, vec![SecurityAction::InvitationWithdrawn { email }]))
    }
}

fn permit(context: &Context<'_>) -> Result<(), Failure<InvitationError>> {
    let permitted = context.principal.require(Permission::ManageUsers);
    permitted.map_err(|forbidden| Failure::Rejected(InvitationError::Forbidden(forbidden)))
}
