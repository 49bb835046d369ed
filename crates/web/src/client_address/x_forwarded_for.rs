//! `X-Forwarded-For`: addresses separated by commas, in as many spellings as there are proxies.

use super::hop::{Hop, parse_node};

/// The hops of one line, from the right. Empty elements are skipped (RFC 9110 section 5.6.1.2).
///
/// An element is an address as in `Forwarded`, without quotes, or an IPv6 address without brackets (which then has no port).
pub(super) fn hops_from_the_right(line: &[u8]) -> impl Iterator<Item = Hop> {
    line.rsplit(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty()).map(|element| {
        let text = str::from_utf8(element).ok();
        Hop::from_address(text.and_then(|text| text.parse().ok().or_else(|| parse_node(text))))
    })
}
