//! Making tenants.

use super::{NewTenant, Tenant, TenantName};
use crate::{
    execute::{Command, Context, Environment, Failure, entries},
    ids::TenantPublicId,
    keys::{CreateKey, CreatedKey, KeyError},
    lead_stages,
    principal::Principal,
    rate_limits::RateLimit,
    store::{Store, StoreError, UnitOfWork},
    users::{CreateUser, User, UserError},
};

impl NewTenant {
    /// A tenant of this name, made now, with the usual rate limit.
    pub fn new(name: TenantName, environment: &Environment) -> Self {
        let now = environment.clock.now();
        Self {
            public_id: TenantPublicId::generate(now, &*environment.entropy),
            name,
            rate_limit: RateLimit::OF_TENANT,
            created_at: now,
        }
    }
}

/// Makes a tenant, with what every tenant begins with.
pub async fn make_tenant(uow: &mut dyn UnitOfWork, new: NewTenant) -> Result<Tenant, StoreError> {
    let now = new.created_at;
    let tenant = uow.tenants().insert(new).await?;
    lead_stages::make_first(uow.rows(), tenant.id, now).await?;
    Ok(tenant)
}

/// What the first start of a server makes, so that a newcomer has something to call with.
#[derive(Debug)]
pub struct FirstStart {
    /// The tenant's name.
    pub tenant: TenantName,
    /// Its first user.
    pub admin: CreateUser,
    /// Its first key.
    pub key: CreateKey,
}

/// A tenant with its first user and key.
#[derive(Debug)]
pub struct Provisioned {
    /// The tenant.
    pub tenant: Tenant,
    /// The user.
    pub admin: User,
    /// The key, whose secret is known only now.
    pub key: CreatedKey,
}

/// Why the first start made nothing.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user was refused.
    #[error(transparent)]
    User(UserError),
    /// The key was refused.
    #[error(transparent)]
    Key(KeyError),
}

/// Makes a tenant, a user and a key, all or none, if there is no tenant yet. Of many servers that start at once on
/// one store, one makes them; the others get `None`.
pub async fn first_start(
    store: &dyn Store,
    environment: &Environment,
    first: &FirstStart,
) -> Result<Option<Provisioned>, FirstStartError> {
    let mut uow = store.begin().await?;
    if !uow.tenants().is_first().await? {
        uow.rollback().await?;
        return Ok(None);
    }
    let tenant = make_tenant(&mut *uow, NewTenant::new(first.tenant.clone(), environment)).await?;
    let principal = Principal::Operator(tenant.id);
    let context = Context::new(&principal, environment);
    let uow_ref: &mut dyn UnitOfWork = &mut *uow;
    let admin = first.admin.apply(&context, uow_ref).await.map_err(|f| split(f, FirstStartError::User))?;
    let key = first.key.apply(&context, uow_ref).await.map_err(|f| split(f, FirstStartError::Key))?;
    let noted = entries(&context, None, admin.noted.into_iter().chain(key.noted).collect());
    uow.security_log().append(tenant.id, &noted).await?;
    uow.commit().await?;
    Ok(Some(Provisioned { tenant, admin: admin.output.user, key: key.output }))
}

fn split<E>(failure: Failure<E>, rejected: impl FnOnce(E) -> FirstStartError) -> FirstStartError {
    match failure {
        Failure::Rejected(error) => rejected(error),
        Failure::Store(error) => FirstStartError::Store(error),
    }
}
