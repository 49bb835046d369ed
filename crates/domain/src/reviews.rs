//! Reviews: a manager's mark that a site log or a time entry was looked at.

use crate::{
    clock::Timestamp,
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::AccountId,
    resource::ResourceError,
    users::Permission,
};

/// Whether something is reviewed, by whom and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Review {
    pub(crate) is_reviewed: bool,
    pub(crate) by: Option<AccountId>,
    pub(crate) at: Option<Timestamp>,
}

impl Review {
    /// The review as it is stored after a request that leaves it so: completed by who asks and by the time now, or emptied.
    ///
    /// A person needs the permission to change any of it, whatever else they may write. What was read can be sent back.
    pub(crate) fn settled(
        self,
        before: Option<Self>,
        permission: Permission,
        context: &Context<'_>,
    ) -> Result<Self, Failure<ResourceError>> {
        let before = before.unwrap_or_default();
        if self == before {
            return Ok(self);
        }
        context.principal.require(permission).map_err(ResourceError::from)?;
        if self.is_reviewed {
            let (by, at) = (self.by.or_else(|| context.principal.account()), self.at.unwrap_or(context.now));
            return Ok(Self { by, at: Some(at), ..self });
        }
        let mut errors = FieldErrors::new();
        let new = [
            ("reviewedBy", self.by.is_some() && self.by != before.by),
            ("reviewedAt", self.at.is_some() && self.at != before.at),
        ];
        for (field, _) in new.into_iter().filter(|(_, new)| *new) {
            errors.push(field, Fault::new("invalid_value", "It is not reviewed. Send `isReviewed: true` with it."));
        }
        errors.or(Self::default()).map_err(Failure::from)
    }
}
