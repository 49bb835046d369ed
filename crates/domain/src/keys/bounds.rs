//! What a key may hand on: no more than it holds itself.

use std::fmt;

use ipnetwork::IpNetwork;

use super::{Allowlist, ApiKey, KeyState, NewKey};
use crate::{
    clock::Timestamp,
    principal::Principal,
    rate_limits::RateLimit,
    scopes::{ScopeId, ScopeSet},
};

/// The scopes that only an admin gives: a key that has them does not hand them on to a new one.
pub const GIVEN_BY_ADMINS: ScopeSet = ScopeSet::of(&[ScopeId::ApiKeysRead, ScopeId::ApiKeysManage]);

/// All that limits what can be done with a key: what, from where, how often, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What it may do.
    pub scopes: ScopeSet,
    /// From where.
    pub allowlist: Allowlist,
    /// How many requests a minute.
    pub rate_limit: RateLimit,
    /// Until when. `None`: without an end.
    pub expires_at: Option<Timestamp>,
}

/// One way in which something lies outside a key's own bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// These scopes the key does not have.
    Scopes(ScopeSet),
    /// These scopes only an admin can give.
    GivenByAdmins(ScopeSet),
    /// It could be used from everywhere, which the key cannot.
    Everywhere,
    /// It could be used from these blocks, which the key cannot.
    Networks(Vec<String>),
    /// It could be used more often than the key: so many requests a minute.
    RateLimit(RateLimit),
    /// It could be used after the key ends: then.
    Expiry(Timestamp),
}

/// Every way in which something lies outside a key's own bounds: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excesses(Vec<Excess>);

impl Bounds {
    /// The bounds of the one who asks. `None`: a person's role and the operator know none.
    pub fn of_caller(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Key(credential) => Some(Self::from(&credential.key)),
            // No app handles keys: their scopes are never given to one.
            Principal::User(_) | Principal::App(_) | Principal::Operator(_) => None,
            Principal::Job(job) => Self::of_caller(&job.starter),
        }
    }

    /// Whether what lies within `inner` lies within these bounds too.
    pub fn include(&self, inner: &Self) -> Result<(), Excesses> {
        Excesses::none_of(self.excesses(inner))
    }

    /// Like [`include`](Self::include), for a key that is new: what only an admin gives is not handed on.
    pub fn include_new(&self, inner: &Self) -> Result<(), Excesses> {
        let given = inner.scopes.common(GIVEN_BY_ADMINS);
        let rest = Self { scopes: inner.scopes.without(given), ..inner.clone() };
        let mut all = self.excesses(&rest);
        if !given.is_empty() {
            all.push(Excess::GivenByAdmins(given));
        }
        Excesses::none_of(all)
    }

    fn excesses(&self, inner: &Self) -> Vec<Excess> {
        let mut all = Vec::new();
        let scopes = inner.scopes.without(self.scopes);
        if !scopes.is_empty() {
            all.push(Excess::Scopes(scopes));
        }
        all.extend(beyond(&self.allowlist, &inner.allowlist));
        let more_often = inner.rate_limit.is_none() || inner.rate_limit > self.rate_limit;
        if more_often && !self.rate_limit.is_none() {
            all.push(Excess::RateLimit(self.rate_limit));
        }
        if let Some(end) = self.expires_at
            && inner.expires_at.is_none_or(|inner| inner > end)
        {
            all.push(Excess::Expiry(end));
        }
        all
    }
}

/// What `inner` allows beyond `outer`.
fn beyond(outer: &Allowlist, inner: &Allowlist) -> Option<Excess> {
    if outer.networks().is_empty() {
        return None;
    }
    if inner.networks().is_empty() {
        return Some(Excess::Everywhere);
    }
    let outside = |network: &IpNetwork| !outer.networks().iter().any(|own| is_within(*network, *own));
    let networks = Allowlist::new(inner.networks().iter().copied().filter(outside));
    if networks.networks().is_empty() { None } else { Some(Excess::Networks(networks.entries())) }
}

fn is_within(inner: IpNetwork, outer: IpNetwork) -> bool {
    inner.prefix() >= outer.prefix() && outer.contains(inner.network())
}

impl From<&ApiKey> for Bounds {
    fn from(key: &ApiKey) -> Self {
        Self {
            scopes: key.scopes,
            allowlist: key.allowlist.clone(),
            rate_limit: key.rate_limit,
            expires_at: match key.state {
                KeyState::Active { expires_at } => expires_at,
                KeyState::Revoked { at } => Some(at),
            },
        }
    }
}

impl From<&NewKey> for Bounds {
    fn from(key: &NewKey) -> Self {
        Self {
            scopes: key.scopes,
            allowlist: key.allowlist.clone(),
            rate_limit: key.rate_limit,
            expires_at: key.expires_at,
        }
    }
}

impl Excesses {
    fn none_of(all: Vec<Excess>) -> Result<(), Self> {
        if all.is_empty() { Ok(()) } else { Err(Self(all)) }
    }

    /// Each.
    pub fn iter(&self) -> std::slice::Iter<'_, Excess> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Excesses {
    type Item = &'a Excess;
    type IntoIter = std::slice::Iter<'a, Excess>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// For the one who asks: what is too much, and what would not be.
impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scopes(scopes) => write!(f, "it does not have the scopes {scopes}"),
            Self::GivenByAdmins(scopes) => write!(f, "only an admin can give {scopes}"),
            Self::Everywhere => f.write_str("it cannot be used from everywhere"),
            Self::Networks(networks) => write!(f, "it cannot be used from {}", networks.join(", ")),
            Self::RateLimit(limit) => write!(f, "it is limited to {limit} requests a minute"),
            Self::Expiry(end) => write!(f, "it ends at {end}"),
        }
    }
}

impl fmt::Display for Excesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key handles no more than it holds itself: ")?;
        for (n, excess) in self.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            excess.fmt(f)?;
        }
        Ok(())
    }
}
