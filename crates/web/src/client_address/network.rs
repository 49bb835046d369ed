//! An entry of the list of trusted proxies.

use std::net::IpAddr;

use ipnetwork::{IpNetwork, IpNetworkError, Ipv4Network};

/// An entry of the list of trusted proxies that is neither an address nor a CIDR block.
#[derive(Debug, thiserror::Error)]
#[error("trusted proxy `{entry}`: {reason} (an address or a CIDR block is meant, such as 10.0.0.0/8 or 2001:db8::1)")]
pub struct InvalidProxy {
    /// The entry, as it was given.
    pub entry: String,
    #[source]
    reason: IpNetworkError,
}

/// How many bits of an IPv4-mapped IPv6 address come before the IPv4 address (RFC 4291 section 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

pub(super) fn parse(entry: &str) -> Result<IpNetwork, InvalidProxy> {
    let invalid = |reason| InvalidProxy { entry: entry.to_owned(), reason };
    let network: IpNetwork = entry.trim().parse().map_err(invalid)?;
    match (network.ip().to_canonical(), network.prefix().checked_sub(MAPPED_PREFIX)) {
        (IpAddr::V4(address), Some(prefix)) if network.is_ipv6() => {
            Ipv4Network::new(address, prefix).map(IpNetwork::from).map_err(invalid)
        }
        _ => Ok(network),
    }
}
