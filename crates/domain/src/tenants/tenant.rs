//! A tenant.

use std::{fmt, str::FromStr};

use super::TimeZone;
use crate::{
    clock::Timestamp,
    fields::Fault,
    ids::{TenantId, TenantPublicId},
    rate_limits::RateLimit,
    text::{Text, quoted},
};

/// A tenant's name: 1 to 200 characters, some of which are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantName(Text);

impl TenantName {
    /// The most characters a name has.
    pub const MAX_CHARS: usize = 200;

    /// `name`, or the fault with it.
    pub fn parse(name: String) -> Result<Self, Fault> {
        if name.trim().is_empty() || name.chars().count() > Self::MAX_CHARS {
            return Err(Fault::new("invalid_length", "A tenant's name has 1 to 200 characters."));
        }
        Text::legible(name).map(Self)
    }

    /// A name as it was stored. It was checked then, and other names were good then.
    pub fn stored(name: String) -> Result<Self, Fault> {
        Text::parse(name).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a tenant may use the API. The operator sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantStatus {
    /// It may.
    Active,
    /// The operator has suspended it.
    Suspended,
    /// It has no active subscription.
    SubscriptionInactive,
}

impl TenantStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::SubscriptionInactive];

    /// The status as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::SubscriptionInactive => "subscription_inactive",
        }
    }
}

impl fmt::Display for TenantStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status of a tenant: expected active, suspended or subscription_inactive")]
pub struct UnknownTenantStatus(pub String);

impl FromStr for TenantStatus {
    type Err = UnknownTenantStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownTenantStatus(quoted(text)))
    }
}

/// Why a tenant's calls are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantRefusal {
    /// Suspended by the operator.
    Suspended,
    /// No active subscription.
    SubscriptionInactive,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its public id, `tnt_…`.
    pub public_id: TenantPublicId,
    /// Its name.
    pub name: TenantName,
    /// Whether it may use the API.
    pub status: TenantStatus,
    /// How many units an hour it may spend, with all of its keys together.
    pub rate_limit: RateLimit,
    /// Which day it is there.
    pub time_zone: TimeZone,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A tenant that is about to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// Its public id.
    pub public_id: TenantPublicId,
    /// Its name.
    pub name: TenantName,
    /// How many units an hour it may spend.
    pub rate_limit: RateLimit,
    /// When it is made.
    pub created_at: Timestamp,
}

impl Tenant {
    /// Whether the tenant may use the API.
    pub const fn check(&self) -> Result<(), TenantRefusal> {
        match self.status {
            TenantStatus::Active => Ok(()),
            TenantStatus::Suspended => Err(TenantRefusal::Suspended),
            TenantStatus::SubscriptionInactive => Err(TenantRefusal::SubscriptionInactive),
        }
    }
}
