//! Whither nothing is sent.

use std::{fmt, net::IpAddr, sync::Arc};

use bwp_domain::public_address::is_public;
use ipnetwork::IpNetwork;
use url::{Host, Url};

use crate::resolve::{Resolve, SystemResolver};

/// Refuses addresses that are not public, but for the blocks that the operator allows. Cheap to clone.
#[derive(Clone)]
pub struct Guard {
    allowed: Arc<[IpNetwork]>,
    resolver: Arc<dyn Resolve>,
}

/// Why nothing is sent to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has no address.
    #[error("the host has no address")]
    Unknown,
    /// One of its addresses is not public and not allowed.
    #[error("an address of the host is not allowed")]
    NotAllowed,
    /// http is for hosts alone whose addresses the operator allows.
    #[error("https is required")]
    NotSecure,
}

impl Guard {
    /// A guard that lets deliveries go to public addresses and to these blocks.
    pub fn new(allowed: Vec<IpNetwork>) -> Self {
        Self { allowed: allowed.into(), resolver: Arc::new(SystemResolver) }
    }

    /// The same, with another way to find addresses.
    #[must_use]
    pub fn resolving_by(self, resolver: impl Resolve + 'static) -> Self {
        Self { resolver: Arc::new(resolver), ..self }
    }

    /// Whether the operator allows this address. One that holds an IPv4 address is not taken for that.
    fn is_allowed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|block| block.contains(address))
    }

    /// The addresses of a host, each of which may be connected to. All must be good: one that is not shows that the name means
    /// something inside.
    pub(crate) async fn addresses(&self, host: &str, is_secure: bool) -> Result<Vec<IpAddr>, Refused> {
        let found = match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => vec![address],
            Err(_) => self.resolver.addresses(host).await,
        };
        if found.is_empty() {
            return Err(Refused::Unknown);
        }
        if !is_secure {
            return if found.iter().all(|address| self.is_allowed(*address)) {
                Ok(found)
            } else {
                Err(Refused::NotSecure)
            };
        }
        let good = |address: &IpAddr| is_public(*address) || self.is_allowed(*address);
        if found.iter().all(good) { Ok(found) } else { Err(Refused::NotAllowed) }
    }

    /// Whether something may be sent to this URL, by the addresses that its host has now.
    pub async fn check(&self, url: &Url) -> Result<(), Refused> {
        let is_secure = url.scheme() == "https";
        // Without looking for addresses: what http is allowed to is a secret of nobody's but the operator's.
        if !is_secure && (url.scheme() != "http" || self.allowed.is_empty()) {
            return Err(Refused::NotSecure);
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(Refused::Unknown),
        };
        self.addresses(&host, is_secure).await.map(|_| ())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}
