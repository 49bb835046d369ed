//! Making and revoking keys.

use async_trait::async_trait;

use super::{
    ApiKey, CreatedBy, KeyError, KeyMode, KeySecret, NewKey,
    ports::{HasKeys, KeyRecord},
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    ids::{KeyId, KeyPublicId},
};

/// Makes a key.
#[derive(Debug)]
pub struct CreateKey {
    /// Live or test.
    pub mode: KeyMode,
    /// What the key is to be.
    pub key: NewKey,
    /// By whom.
    pub created_by: CreatedBy,
}

/// A key that was just made: the only moment at which its secret is known.
#[derive(Debug)]
pub struct CreatedKey {
    /// The key as it is kept.
    pub key: ApiKey,
    /// The whole key, to be shown once.
    pub secret: KeySecret,
}

#[async_trait]
impl<U: HasKeys + ?Sized> Command<U> for CreateKey {
    type Output = CreatedKey;
    type Error = KeyError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<CreatedKey>, Failure<KeyError>> {
        if self.key.expires_at.is_some_and(|at| at <= context.now) {
            return Err(Failure::Rejected(KeyError::ExpiryInThePast));
        }
        let secret = KeySecret::generate(self.mode, context.entropy);
        let record = KeyRecord {
            public_id: KeyPublicId::generate(context.now, context.entropy),
            hash: secret.hash(),
            display_prefix: secret.display_prefix().to_owned(),
            new: self.key.clone(),
            created_by: self.created_by,
            created_at: context.now,
        };
        let key = uow.keys().insert(context.tenant, record).await?;
        Ok(Applied::silently(CreatedKey { key, secret }))
    }
}

/// Takes a key out of use for good, from the next request on and for those in flight too.
#[derive(Debug)]
pub struct RevokeKey {
    /// Which key.
    pub id: KeyId,
}

#[async_trait]
impl<U: HasKeys + ?Sized> Command<U> for RevokeKey {
    type Output = ApiKey;
    type Error = KeyError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<ApiKey>, Failure<KeyError>> {
        let found = uow.keys().lock(context.tenant, self.id).await?;
        let mut key = found.ok_or(Failure::Rejected(KeyError::NotFound))?;
        key.revoke(context.now).map_err(Failure::Rejected)?;
        uow.keys().update_state(context.tenant, &key).await?;
        Ok(Applied::silently(key))
    }
}
