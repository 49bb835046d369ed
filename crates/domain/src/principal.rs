//! Who asks for something, and whether they may.

use std::{net::IpAddr, sync::Arc};

use crate::{
    clock::Timestamp,
    ids::{AccountId, JobPublicId, TenantId},
    keys::{ApiKey, KeyRefusal},
    oauth::AppCredential,
    rate_limits::{Budget, Budgets},
    scopes::{ScopeId, ScopeSet},
    sessions::SignedIn,
    tenants::{Tenant, TenantRefusal, TimeZone},
    users::{Forbidden, Permission, Role},
};

/// What a caller was let in by, as it was stored at one moment. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key.
    Key(Arc<KeyCredential>),
    /// A token of an app, which acts for a user.
    App(Arc<AppCredential>),
}

/// A key and the tenant it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCredential {
    /// The key.
    pub key: ApiKey,
    /// Its tenant.
    pub tenant: Tenant,
    /// The person who made the key, if a user of the tenant did.
    pub person: Option<AccountId>,
    /// Which state of both this is.
    pub revision: Revision,
}

/// Which state of a stored key and its tenant a [`KeyCredential`] is: two with the same revision are the same. A store gives
/// a row a revision that was never given before whenever the row is made or changed, whoever changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The key's.
    pub key: u128,
    /// The tenant's.
    pub tenant: u128,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A program of the tenant's, by an API key.
    Key(Arc<KeyCredential>),
    /// A program of others, which acts for a user of the tenant.
    App(Arc<AppCredential>),
    /// A user of the tenant who is signed in.
    User(Arc<SignedIn>),
    /// Who runs the server, acting on a tenant with the `bwp` command.
    Operator(TenantId),
    /// A job, which a worker does.
    Job(Arc<RunningJob>),
}

/// A job, with the rights of the one who started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningJob {
    /// Which job.
    pub id: JobPublicId,
    /// Who started it, as they are now.
    pub starter: Principal,
}

/// What a caller shows to be let in, checked again inside the transaction of each change.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who they were when they came.
    pub principal: Principal,
    /// Where they call from. `None` if it could not be determined.
    pub address: Option<IpAddr>,
    /// The scopes that the operation needs, all of them.
    pub needs: ScopeSet,
}

/// Why a caller is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The credential is not known (any more).
    Unknown,
    /// The session has ended, or the user's access was taken away.
    SignedOut,
    /// The key may not be used.
    Key(KeyRefusal),
    /// The token's time is over.
    TokenExpired,
    /// The token is for another part of the server.
    Elsewhere,
    /// The tenant may not use the API.
    Tenant(TenantRefusal),
    /// The credential lacks these scopes.
    Scopes {
        /// What is missing.
        missing: ScopeSet,
    },
}

impl KeyCredential {
    /// Whether the credential is good at `now` for a caller at `address`, whatever they want.
    pub fn admit(&self, now: Timestamp, address: Option<IpAddr>) -> Result<(), Refusal> {
        self.key.check(now, address).map_err(Refusal::Key)?;
        self.tenant.check().map_err(Refusal::Tenant)
    }

    /// Whether the credential holds all of `needs`.
    pub fn authorize(&self, needs: ScopeSet) -> Result<(), Refusal> {
        require(self.key.scopes, needs)
    }
}

impl Credential {
    /// Whose data it is for.
    pub fn tenant(&self) -> &Tenant {
        match self {
            Self::Key(credential) => &credential.tenant,
            Self::App(app) => &app.tenant,
        }
    }

    /// What it lets do, now.
    pub fn scopes(&self) -> ScopeSet {
        match self {
            Self::Key(credential) => credential.key.scopes,
            Self::App(app) => app.scopes(),
        }
    }

    /// The key, if it is one.
    pub fn key(&self) -> Option<&ApiKey> {
        match self {
            Self::Key(credential) => Some(&credential.key),
            Self::App(_) => None,
        }
    }

    /// Who asks by it.
    pub fn principal(&self) -> Principal {
        match self {
            Self::Key(credential) => Principal::Key(Arc::clone(credential)),
            Self::App(app) => Principal::App(Arc::clone(app)),
        }
    }

    /// Whether it is good at `now` for a caller at `address`, whatever they want.
    pub fn admit(&self, now: Timestamp, address: Option<IpAddr>) -> Result<(), Refusal> {
        match self {
            Self::Key(credential) => credential.admit(now, address),
            Self::App(app) => app.admit(now),
        }
    }

    /// Whether it holds all of `needs`.
    pub fn authorize(&self, needs: ScopeSet) -> Result<(), Refusal> {
        require(self.scopes(), needs)
    }

    /// What requests with it are charged to: apps share the budget of their tenant, and have none of their own.
    pub fn budgets(&self) -> Budgets {
        match self {
            Self::Key(credential) => Budgets::from(&**credential),
            Self::App(app) => Budgets { tenant: Budget::of_tenant(app.tenant.rate_limit), key: None },
        }
    }

    /// Whether both are the same credential in the same stored state. Of apps that is not known: their user may have another
    /// role by now.
    pub fn is_unchanged(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one), Self::Key(other)) => one.revision == other.revision,
            _ => false,
        }
    }
}

fn require(held: ScopeSet, needs: ScopeSet) -> Result<(), Refusal> {
    let missing = needs.without(held);
    if missing.is_empty() { Ok(()) } else { Err(Refusal::Scopes { missing }) }
}

impl Principal {
    /// On whose data they act.
    pub fn tenant(&self) -> TenantId {
        match self {
            Self::Key(credential) => credential.tenant.id,
            Self::App(app) => app.tenant.id,
            Self::User(signed_in) => signed_in.tenant.id,
            Self::Operator(tenant) => *tenant,
            Self::Job(job) => job.starter.tenant(),
        }
    }

    /// Which day it is for them: as at their tenant's, and for the operator as it is in UTC.
    pub fn time_zone(&self) -> TimeZone {
        match self {
            Self::Key(credential) => credential.tenant.time_zone,
            Self::App(app) => app.tenant.time_zone,
            Self::User(signed_in) => signed_in.tenant.time_zone,
            Self::Operator(_) => TimeZone::UTC,
            Self::Job(job) => job.starter.time_zone(),
        }
    }

    /// The person who asks, for whom an app asks, or who made the key that asks.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Key(credential) => credential.person,
            Self::App(app) => Some(app.user.account.id),
            Self::User(signed_in) => Some(signed_in.account().id),
            Self::Operator(_) => None,
            Self::Job(job) => job.starter.account(),
        }
    }

    /// The role by which they act. `None`: a key, which is bound by its scopes alone, and the operator.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::User(signed_in) => Some(signed_in.user.role),
            Self::App(app) => Some(app.user.role),
            Self::Job(job) => job.starter.role(),
            Self::Key(_) | Self::Operator(_) => None,
        }
    }

    /// What they may do with the tenant's data: a key what it was given, an app that within its user's role, a person what their
    /// role holds, the operator all.
    pub fn scopes(&self) -> ScopeSet {
        match self {
            Self::Key(credential) => credential.key.scopes,
            Self::App(app) => app.scopes(),
            Self::User(signed_in) => signed_in.user.role.scopes(),
            Self::Operator(_) => ScopeSet::of(ScopeId::ALL),
            Self::Job(job) => job.starter.scopes(),
        }
    }

    /// Whether they hold all of `needs`.
    pub fn authorize(&self, needs: ScopeSet) -> Result<(), Refusal> {
        require(self.scopes(), needs)
    }

    /// Whether they may do this: a person by their role, a key by its scope, an app by both.
    pub fn require(&self, permission: Permission) -> Result<(), Forbidden> {
        let may = match self {
            Self::Key(credential) => permission.scope().is_some_and(|scope| credential.key.scopes.contains(scope)),
            Self::App(app) => {
                app.user.role.may(permission) && permission.scope().is_some_and(|scope| app.scopes().contains(scope))
            }
            Self::User(signed_in) => signed_in.user.role.may(permission),
            Self::Operator(_) => true,
            Self::Job(job) => job.starter.require(permission).is_ok(),
        };
        if may { Ok(()) } else { Err(Forbidden { permission }) }
    }
}

impl Caller {
    /// The operator, acting on `tenant`.
    pub const fn operator(tenant: TenantId) -> Self {
        Self { principal: Principal::Operator(tenant), address: None, needs: ScopeSet::EMPTY }
    }
}
