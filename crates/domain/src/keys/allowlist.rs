//! From which addresses a key may be used.

use std::net::{IpAddr, Ipv4Addr};

use ipnetwork::{IpNetwork, Ipv4Network};

use crate::text::quoted;

/// The addresses and blocks a key may be used from. An empty list allows every address.
///
/// An IPv6 address that stands for an IPv4 one (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is that IPv4 address, in
/// the list as well as for the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist(Vec<IpNetwork>);

/// An entry that is neither an address nor a CIDR block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address or a CIDR block, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")]
pub struct InvalidAllowlistEntry(pub String);

impl Allowlist {
    /// Allows every address.
    pub const fn any() -> Self {
        Self(Vec::new())
    }

    /// Reads entries as people write them; all that are wrong are reported.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, Vec<InvalidAllowlistEntry>> {
        let (mut networks, mut wrong) = (Vec::new(), Vec::new());
        for entry in entries {
            match Self::entry(entry.as_ref()) {
                Ok(network) => networks.push(network),
                Err(entry) => wrong.push(entry),
            }
        }
        if wrong.is_empty() { Ok(Self::new(networks)) } else { Err(wrong) }
    }

    /// Reads one entry as people write it.
    pub fn entry(text: &str) -> Result<IpNetwork, InvalidAllowlistEntry> {
        let text = text.trim();
        text.parse().map_err(|_| InvalidAllowlistEntry(quoted(text)))
    }

    /// A list of these blocks. Bits behind a block's prefix are dropped: 192.0.2.7/24 is 192.0.2.0/24.
    pub fn new(networks: impl IntoIterator<Item = IpNetwork>) -> Self {
        let mut list: Vec<IpNetwork> = Vec::new();
        for network in networks.into_iter().map(canonical) {
            if !list.contains(&network) {
                list.push(network);
            }
        }
        Self(list)
    }

    /// The blocks.
    pub fn networks(&self) -> &[IpNetwork] {
        &self.0
    }

    /// The blocks, as people write them: a block of one address without its prefix.
    pub fn entries(&self) -> Vec<String> {
        let alone = |network: &IpNetwork| match network {
            IpNetwork::V4(network) => network.prefix() == 32,
            IpNetwork::V6(network) => network.prefix() == 128,
        };
        self.0.iter().map(|n| if alone(n) { n.ip().to_string() } else { n.to_string() }).collect()
    }

    /// Whether a caller at `address` is let in. An address that could not be determined is let in only where every
    /// address is.
    pub fn allows(&self, address: Option<IpAddr>) -> bool {
        self.0.is_empty()
            || address.is_some_and(|address| {
                let address = address.to_canonical();
                self.0.iter().any(|network| network.contains(address))
            })
    }
}

const MAPPED_BITS: u8 = 96;

fn canonical(network: IpNetwork) -> IpNetwork {
    let start = network.network();
    let mapped = match (start.to_canonical(), network) {
        (IpAddr::V4(v4), IpNetwork::V6(_)) => in_v4(v4, network.prefix()),
        _ => None,
    };
    mapped.or_else(|| IpNetwork::new(start, network.prefix()).ok()).unwrap_or(network)
}

fn in_v4(start: Ipv4Addr, v6_prefix: u8) -> Option<IpNetwork> {
    let prefix = v6_prefix.checked_sub(MAPPED_BITS)?;
    Ipv4Network::new(start, prefix).ok().map(IpNetwork::V4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(entries: &[&str]) -> Allowlist {
        Allowlist::parse(entries).expect("valid entries")
    }

    fn allows(entries: &[&str], address: &str) -> bool {
        list(entries).allows(Some(address.parse().expect("an address")))
    }

    #[test]
    fn an_empty_list_allows_all_and_a_list_only_what_it_names() {
        assert!(Allowlist::any().allows(None));
        assert!(allows(&[], "192.0.2.1"));
        assert!(allows(&["192.0.2.0/24", "2001:db8::/32"], "192.0.2.255"));
        assert!(allows(&["192.0.2.0/24", "2001:db8::/32"], "2001:db8::1"));
        assert!(!allows(&["192.0.2.0/24"], "192.0.3.0"));
        assert!(!list(&["192.0.2.0/24"]).allows(None));
        assert!(allows(&["0.0.0.0/0"], "198.51.100.9"));
        assert!(!allows(&["0.0.0.0/0"], "2001:db8::1"));
    }

    #[test]
    fn mapped_addresses_are_v4_ones() {
        assert!(allows(&["192.0.2.1"], "::ffff:192.0.2.1"));
        assert!(allows(&["::ffff:192.0.2.1"], "192.0.2.1"));
        assert!(allows(&["::ffff:192.0.2.0/120"], "192.0.2.77"));
        assert!(!allows(&["::ffff:192.0.2.0/120"], "192.0.3.77"));
        assert_eq!(list(&["::ffff:192.0.2.0/120"]), list(&["192.0.2.0/24"]));
    }

    #[test]
    fn every_wrong_entry_is_named() {
        let wrong = Allowlist::parse(&["192.0.2.1", "localhost", "192.0.2.0/33", ""]).expect_err("three are wrong");
        let named: Vec<_> = wrong.iter().map(|w| w.0.as_str()).collect();
        assert_eq!(named, ["localhost", "192.0.2.0/33", ""]);
    }

    proptest! {
        #[test]
        fn contains_exactly_its_block(network: u32, prefix in 0_u8..=32, address: u32) {
            let block = format!("{}/{prefix}", Ipv4Addr::from(network));
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            let expected = network & mask == address & mask;
            prop_assert_eq!(allows(&[&block], &Ipv4Addr::from(address).to_string()), expected);
        }
    }
}
