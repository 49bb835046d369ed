//! The address of the client: the peer's, unless the peer is a proxy that we were told to trust.

mod extension;
mod forwarded;
mod hop;
mod network;
#[cfg(test)]
mod tests;
mod x_forwarded_for;

use std::{net::IpAddr, str::FromStr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use ipnetwork::IpNetwork;

use self::hop::Hop;
pub use self::{extension::ClientAddress, network::InvalidProxy};

/// The de facto header, which no RFC describes; RFC 7239 section 7.4 does by way of migration.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many trusted proxies in a row are believed. Nobody chains this many; it bounds the work that a header can ask for.
const MAX_HOPS: usize = 32;

/// The proxies whose `X-Forwarded-For` and `Forwarded` headers are believed. By default none: the peer is the client.
///
/// An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4 address that it maps, and a network inside `::ffff:0:0/96`
/// the IPv4 network. A wider IPv6 network, such as `::/0`, therefore contains no IPv4 address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNetwork>,
}

impl TrustedProxies {
    /// Reads a list of addresses and CIDR blocks, such as `10.0.0.0/8`, `192.0.2.7` or `2001:db8::/32`.
    ///
    /// # Errors
    /// The first entry that is neither, named.
    pub fn parse<I>(entries: I) -> Result<Self, InvalidProxy>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let networks = entries.into_iter().map(|entry| network::parse(entry.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { networks })
    }

    /// Whether `address` is one of these proxies.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Whether headers that name a client came from a peer that is not believed about it.
    pub fn ignores(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        (headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)) && !self.contains(peer)
    }

    /// The address of the client behind `peer`, or `None` when it cannot be told. `None` is no permission: an allowlist refuses it.
    ///
    /// The headers count only if `peer` is trusted. Each names the hops from left (the client, or what it claims) to right (the
    /// proxy next to ours), so they are read from the right: trusted hops are skipped, and the first that is not trusted is the
    /// client. What stands further left was written by it or through it, and is never looked at. When every hop is trusted, the
    /// leftmost is the client; when there are none, the peer.
    ///
    /// `None` is the answer if a hop met on the way hides its address or cannot be read (`unknown`, `_obfuscated`, rubbish), if
    /// more than 32 hops are trusted, or if `X-Forwarded-For` and `Forwarded` are both present and do not lead to the same address:
    /// a proxy writes one of them and passes the other on, so whoever forges the one that it does not write gains nothing.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return Some(peer);
        }
        let by_x_forwarded_for = headers
            .contains_key(X_FORWARDED_FOR)
            .then(|| self.walk(peer, lines(headers, &X_FORWARDED_FOR).flat_map(x_forwarded_for::hops_from_the_right)));
        let by_forwarded = headers
            .contains_key(FORWARDED)
            .then(|| self.walk(peer, lines(headers, &FORWARDED).flat_map(forwarded::hops_from_the_right)));
        match (by_x_forwarded_for, by_forwarded) {
            (None, None) => Some(peer),
            (Some(client), None) | (None, Some(client)) => client,
            (Some(one), Some(other)) => one.filter(|_| one == other),
        }
    }

    /// Follows the hops, nearest first, to the first that is not trusted.
    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Hop>) -> Option<IpAddr> {
        let mut last_trusted = peer;
        for (count, hop) in hops.enumerate() {
            let Hop::Address(address) = hop else { return None };
            if !self.contains(address) {
                return Some(address);
            }
            if count >= MAX_HOPS {
                return None;
            }
            last_trusted = address;
        }
        Some(last_trusted)
    }
}

impl FromStr for TrustedProxies {
    type Err = InvalidProxy;

    /// Reads a list separated by commas, as an environment variable holds it. Empty elements are skipped.
    fn from_str(list: &str) -> Result<Self, Self::Err> {
        Self::parse(list.split(',').map(str::trim).filter(|entry| !entry.is_empty()))
    }
}

/// The lines of a header, last one first: lines in order are one list (RFC 9110 section 5.3).
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines: Vec<&HeaderValue> = headers.get_all(name).collect();
    lines.into_iter().rev().map(HeaderValue::as_bytes)
}
