//! Making, changing, rotating and revoking keys.
//!
//! Whoever asks needs [`Permission::ManageKeys`]. A person's role and the operator are not limited further; a key handles
//! no more than it holds itself, as [`Bounds`] says, but may revoke any key of the tenant.

use async_trait::async_trait;

use super::{
    Allowlist, ApiKey, Bounds, CreatedBy, KeyError, KeyMode, KeyName, KeySecret, NewKey, Overlap,
    ports::{HasKeys, KeyRecord},
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    fields::{FieldErrors, Guard},
    ids::{KeyId, KeyPublicId},
    principal::Principal,
    security::{KeyNote, SecurityAction},
    users::Permission,
};

type Result<T> = std::result::Result<T, Failure<KeyError>>;

/// Makes a key.
#[derive(Clone, Debug)]
pub struct CreateKey {
    /// Live or test.
    pub mode: KeyMode,
    /// What the key is to be.
    pub key: NewKey,
    /// What else was said of it, to be so once it is made.
    pub guard: Guard<ApiKey>,
}

/// A key that was just made: the only moment at which its secret is known.
#[derive(Debug)]
pub struct CreatedKey {
    /// The key as it is kept.
    pub key: ApiKey,
    /// The whole key, to be shown once.
    pub secret: KeySecret,
}

/// Changes a key that can be used.
#[derive(Clone, Debug)]
pub struct EditKey {
    /// Which key.
    pub id: KeyId,
    /// What is to be other than it was.
    pub changes: KeyChanges,
    /// What it was when this was asked for: somebody else may have changed that meanwhile. `None`: whatever it was.
    pub seen: Option<SeenKey>,
    /// What was said of what this does not change, to be so.
    pub guard: Guard<ApiKey>,
}

/// What the one who asks for a change of a key saw of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenKey {
    /// What it was called.
    pub name: KeyName,
    /// From where it could be used.
    pub allowlist: Allowlist,
}

/// The valid changes of a key. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChanges {
    /// What it is to be called.
    pub name: Option<KeyName>,
    /// From where it may be used, from the next request on and for those in flight too.
    pub allowlist: Option<Allowlist>,
}

/// Gives a key a successor with the same rights. Each key has one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotateKey {
    /// Which key.
    pub id: KeyId,
    /// How long it goes on working beside its successor.
    pub overlap: Overlap,
}

/// A key that was just rotated.
#[derive(Debug)]
pub struct RotatedKey {
    /// The new key.
    pub successor: CreatedKey,
    /// The old one, with its end.
    pub replaced: ApiKey,
}

/// Takes a key out of use for good, from the next request on and for those in flight too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokeKey {
    /// Which key.
    pub id: KeyId,
    /// On what condition.
    pub condition: RevokeIf,
}

/// On what condition a key is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeIf {
    /// None.
    Always,
    /// Its successor, or that it has none, is still what was seen: who revokes a key that somebody else has just rotated
    /// would be surprised by a successor that works.
    SuccessorIs(Option<KeyId>),
}

impl SeenKey {
    fn is_still(&self, key: &ApiKey) -> std::result::Result<(), KeyError> {
        if self.allowlist != key.allowlist {
            return Err(KeyError::ChangedMeanwhile);
        }
        if self.name == key.name { Ok(()) } else { Err(KeyError::RenamedMeanwhile) }
    }
}

impl CreateKey {
    /// Makes this key.
    pub const fn new(mode: KeyMode, key: NewKey) -> Self {
        Self { mode, key, guard: Guard::NONE }
    }
}

impl EditKey {
    /// Makes these changes, whatever the key was before.
    pub const fn new(id: KeyId, changes: KeyChanges) -> Self {
        Self { id, changes, seen: None, guard: Guard::NONE }
    }
}

impl RevokeKey {
    /// Revokes this key, whatever was done to it meanwhile.
    pub const fn always(id: KeyId) -> Self {
        Self { id, condition: RevokeIf::Always }
    }
}

#[async_trait]
impl<U: HasKeys + ?Sized> Command<U> for CreateKey {
    type Output = CreatedKey;
    type Error = KeyError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<CreatedKey>> {
        let own = bounds(context)?;
        if self.key.expires_at.is_some_and(|at| at <= context.now) {
            return Err(Failure::Rejected(KeyError::ExpiryInThePast));
        }
        if let Some(own) = own {
            own.include_new(&Bounds::from(&self.key)).map_err(exceeds)?;
        }
        let created = make(context, uow, self.mode, self.key.clone(), None).await?;
        self.guard.check(&created.key).map_err(invalid)?;
        let noted = SecurityAction::key_created(&created.key, self.key.expires_at);
        Ok(Applied::noting(created, vec![noted]))
    }
}

#[async_trait]
impl<U: HasKeys + ?Sized> Command<U> for EditKey {
    type Output = ApiKey;
    type Error = KeyError;

    fn changes_key(&self) -> Option<KeyId> {
        Some(self.id)
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<ApiKey>> {
        let own = bounds(context)?;
        let before = lock(context, uow, self.id).await?;
        before.usable(context.now).map_err(Failure::Rejected)?;
        if let Some(seen) = &self.seen {
            seen.is_still(&before).map_err(Failure::Rejected)?;
        }
        if let Some(own) = &own {
            own.include(&Bounds::from(&before)).map_err(exceeds)?;
        }
        self.guard.check(&before).map_err(invalid)?;
        let mut key = before.clone();
        key.name = self.changes.name.clone().unwrap_or(key.name);
        key.allowlist = self.changes.allowlist.clone().unwrap_or(key.allowlist);
        if let Some(own) = own {
            own.include(&Bounds::from(&key)).map_err(exceeds)?;
        }
        let noted = changes(&before, &key);
        if !noted.is_empty() {
            uow.keys().update(context.tenant, &key).await?;
        }
        Ok(Applied::noting(key, noted))
    }
}

#[async_trait]
impl<U: HasKeys + ?Sized> Command<U> for RotateKey {
    type Output = RotatedKey;
    type Error = KeyError;

    fn changes_key(&self) -> Option<KeyId> {
        Some(self.id)
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<RotatedKey>> {
        let own = bounds(context)?;
        let mut replaced = lock(context, uow, self.id).await?;
        replaced.replaceable(context.now).map_err(Failure::Rejected)?;
        let rights = Bounds::from(&replaced);
        if let Some(own) = own {
            // Its successor's secret is handed out. What only an admin gives goes to the successor of the caller itself alone:
            // a key that looks after keys has to be able to renew itself.
            let is_itself = matches!(context.principal, Principal::Key(credential) if credential.key.id == self.id);
            if is_itself { own.include(&rights) } else { own.include_new(&rights) }.map_err(exceeds)?;
        }
        let Bounds { scopes, allowlist, rate_limit, expires_at } = rights;
        let new = NewKey { name: replaced.name.clone(), scopes, allowlist, rate_limit, expires_at };
        let successor = make(context, uow, replaced.mode(), new, Some(self.id)).await?;
        let end = replaced.replace(successor.key.id, context.now, self.overlap).map_err(Failure::Rejected)?;
        uow.keys().update(context.tenant, &replaced).await?;
        let rotated = SecurityAction::KeyRotated {
            key: KeyNote::of(&replaced),
            successor: KeyNote::of(&successor.key),
            ends_at: end.to_string(),
        };
        // The successor's own log begins with what it may do.
        let noted = vec![rotated, SecurityAction::key_created(&successor.key, expires_at)];
        Ok(Applied::noting(RotatedKey { successor, replaced }, noted))
    }
}

#[async_trait]
impl<U: HasKeys + ?Sized> Command<U> for RevokeKey {
    type Output = ApiKey;
    type Error = KeyError;

    fn changes_key(&self) -> Option<KeyId> {
        Some(self.id)
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<ApiKey>> {
        bounds(context)?;
        let mut key = lock(context, uow, self.id).await?;
        if let (RevokeIf::SuccessorIs(seen), Some(by)) = (self.condition, key.replaced_by)
            && seen != Some(by)
        {
            return Err(Failure::Rejected(KeyError::Replaced { by }));
        }
        key.revoke(context.now).map_err(Failure::Rejected)?;
        uow.keys().update(context.tenant, &key).await?;
        let noted = SecurityAction::KeyRevoked { key: KeyNote::of(&key) };
        Ok(Applied::noting(key, vec![noted]))
    }
}

/// What the one who asks is bounded by, if they may manage keys at all.
fn bounds(context: &Context<'_>) -> Result<Option<Bounds>> {
    context.principal.require(Permission::ManageKeys).map_err(|error| Failure::Rejected(error.into()))?;
    Ok(Bounds::of_caller(context.principal))
}

fn exceeds(excesses: super::Excesses) -> Failure<KeyError> {
    Failure::Rejected(KeyError::Exceeds(excesses))
}

fn invalid(errors: FieldErrors) -> Failure<KeyError> {
    Failure::Rejected(KeyError::Invalid(errors))
}

async fn lock<U: HasKeys + ?Sized>(context: &Context<'_>, uow: &mut U, id: KeyId) -> Result<ApiKey> {
    uow.keys().lock(context.tenant, id).await?.ok_or(Failure::Rejected(KeyError::NotFound))
}

async fn make<U: HasKeys + ?Sized>(
    context: &Context<'_>,
    uow: &mut U,
    mode: KeyMode,
    new: NewKey,
    replaces: Option<KeyId>,
) -> Result<CreatedKey> {
    let secret = KeySecret::generate(mode, context.entropy);
    let record = KeyRecord {
        public_id: KeyPublicId::generate(context.now, context.entropy),
        hash: secret.hash(),
        display_prefix: secret.display_prefix().to_owned(),
        new,
        replaces,
        created_by: CreatedBy::of(context.principal),
        created_at: context.now,
    };
    let key = uow.keys().insert(context.tenant, record).await?;
    Ok(CreatedKey { key, secret })
}

/// What the security log says of a change.
fn changes(before: &ApiKey, after: &ApiKey) -> Vec<SecurityAction> {
    let key = || KeyNote::of(after);
    let mut noted = Vec::new();
    if before.name != after.name {
        noted.push(SecurityAction::KeyRenamed { key: key(), from: before.name.as_str().to_owned() });
    }
    if before.allowlist != after.allowlist {
        let (from, to) = (before.allowlist.entries(), after.allowlist.entries());
        noted.push(SecurityAction::KeyAllowlistChanged { key: key(), from, to });
    }
    noted
}
