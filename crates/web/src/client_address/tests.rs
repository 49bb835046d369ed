use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::{MAX_HOPS, TrustedProxies, X_FORWARDED_FOR};

/// `10.0.0.0/8` and `2001:db8:aaaa::/48` are proxies.
fn proxies() -> TrustedProxies {
    TrustedProxies::parse(["10.0.0.0/8", "2001:db8:aaaa::/48"]).unwrap()
}

fn headers(lines: &[(HeaderName, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name.clone(), HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The client that one `X-Forwarded-For` line leads to, from the proxy 10.0.0.1.
fn by_x(line: &str) -> Option<IpAddr> {
    proxies().client(ip("10.0.0.1"), &headers(&[(X_FORWARDED_FOR, line.as_bytes())]))
}

/// The client that one `Forwarded` line leads to, from the proxy 10.0.0.1.
fn by_forwarded(line: &str) -> Option<IpAddr> {
    proxies().client(ip("10.0.0.1"), &headers(&[(FORWARDED, line.as_bytes())]))
}

#[test]
fn without_trusted_proxies_the_peer_is_the_client() {
    let headers = headers(&[(X_FORWARDED_FOR, b"192.0.2.1"), (FORWARDED, b"for=192.0.2.2")]);
    assert_eq!(TrustedProxies::default().client(ip("10.0.0.1"), &headers), Some(ip("10.0.0.1")));
    assert_eq!(proxies().client(ip("11.0.0.1"), &headers), Some(ip("11.0.0.1")));
}

#[test]
fn a_trusted_peer_without_headers_is_the_client() {
    assert_eq!(proxies().client(ip("10.0.0.1"), &HeaderMap::new()), Some(ip("10.0.0.1")));
    assert_eq!(by_x(""), Some(ip("10.0.0.1")));
    assert_eq!(by_x(" , ,"), Some(ip("10.0.0.1")));
    assert_eq!(by_forwarded(",,"), Some(ip("10.0.0.1")));
}

#[test]
fn x_forwarded_for_is_read_from_the_right_up_to_the_first_hop_not_trusted() {
    assert_eq!(by_x("192.0.2.1"), Some(ip("192.0.2.1")));
    assert_eq!(by_x("198.51.100.9, 192.0.2.1, 10.1.1.1,10.2.2.2"), Some(ip("192.0.2.1")));
    assert_eq!(by_x("10.3.3.3, 10.1.1.1"), Some(ip("10.3.3.3")), "all are trusted: the leftmost");
    assert_eq!(by_x("rubbish, 192.0.2.1"), Some(ip("192.0.2.1")));
}

#[test]
fn spellings_of_addresses_in_x_forwarded_for() {
    for (spelling, address) in [
        ("192.0.2.1:5678", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("  192.0.2.1\t", "192.0.2.1"),
        (",, 192.0.2.1 ,,", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:1", "192.0.2.1"),
    ] {
        assert_eq!(by_x(spelling), Some(ip(address)), "{spelling}");
    }
}

#[test]
fn an_unreadable_hop_before_the_client_leaves_the_address_open() {
    for line in [
        "unknown",
        "_hidden",
        "192.0.2.1, unknown",
        "192.0.2.1, unknown, 10.1.1.1",
        "192.0.2.1:",
        "192.0.2.1:port",
        "192.0.2.1:123456",
        "192.0.2",
        "192.0.2.01",
        "192.0.2.1 192.0.2.2",
        "192.0.2.1/32",
        "[2001:db8::1",
        "2001:db8::1]",
        "[192.0.2.1]",
        "[2001:db8::1]443",
        "[2001:db8::1]:",
        "fe80::1%eth0",
        "\"192.0.2.1\"",
        "localhost",
        "0x7f.1",
    ] {
        assert_eq!(by_x(line), None, "{line}");
    }
    assert_eq!(proxies().client(ip("10.0.0.1"), &headers(&[(X_FORWARDED_FOR, b"192.0.2.1\xff")])), None);
    assert_eq!(proxies().client(ip("10.0.0.1"), &headers(&[(FORWARDED, b"for=192.0.2.1\xff")])), None);
}

#[test]
fn forwarded_as_rfc_7239_writes_it() {
    for (line, address) in [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("FOR=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
        ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17"),
        ("for=192.0.2.43,for=10.9.9.9", "192.0.2.43"),
        ("proto=https ; for=192.0.2.1", "192.0.2.1"),
        ("for=\"192.0.2.1:_port\"", "192.0.2.1"),
        ("for=\"192.0.2.\\1\"", "192.0.2.1"),
        ("for=192.0.2.1;host=\"a;b, for=10.0.0.9\"", "192.0.2.1"),
        ("for=192.0.2.1;host=\"say \\\"hi\\\", \\\\\"", "192.0.2.1"),
        ("for=192.0.2.1;", "192.0.2.1"),
        (", for=192.0.2.1 ,,", "192.0.2.1"),
        ("for=10.1.1.1, for=10.2.2.2", "10.1.1.1"),
        ("for=\"[::ffff:192.0.2.1]\"", "192.0.2.1"),
    ] {
        assert_eq!(by_forwarded(line), Some(ip(address)), "{line}");
    }
}

#[test]
fn forwarded_that_hides_or_garbles_the_hop_leaves_the_address_open() {
    for line in [
        "for=unknown",
        "for=_SEVKISEK",
        "for=\"_gazonk\"",
        "for=192.0.2.1, for=unknown",
        "proto=https",
        "for=",
        "for",
        "for=\"\"",
        "for=192.0.2.1;for=192.0.2.1",
        "for=192.0.2.1:80",
        "for=[2001:db8::1]",
        "for=\"2001:db8::1\"",
        "for = 192.0.2.1",
        "for=\"192.0.2.1",
        "for=192.0.2.1\"",
        "for=192.0.2.1;=x",
        "for=192.0.2.1;host=a b",
        "for=\"192.0.2.1\"x",
        "for=\"a\"\"192.0.2.1\"",
    ] {
        assert_eq!(by_forwarded(line), None, "{line}");
    }
}

#[test]
fn a_quote_that_the_client_leaves_open_swallows_nothing() {
    for forged in ["for=\"10.0.0.7", "for=\"x\\", "\"", "for=10.0.0.7;x=\"", "\\\""] {
        assert_eq!(by_forwarded(&format!("{forged}, for=192.0.2.1")), Some(ip("192.0.2.1")), "{forged}");
        assert_eq!(
            by_forwarded(&format!("{forged}, for=\"192.0.2.1:80\";by=\"x\"")),
            Some(ip("192.0.2.1")),
            "{forged}"
        );
    }
}

#[test]
fn lines_in_order_are_one_list() {
    let lines = headers(&[
        (X_FORWARDED_FOR, b"198.51.100.9"),
        (X_FORWARDED_FOR, b"192.0.2.1, 10.1.1.1"),
        (X_FORWARDED_FOR, b"10.2.2.2"),
    ]);
    assert_eq!(proxies().client(ip("10.0.0.1"), &lines), Some(ip("192.0.2.1")));
    let lines = headers(&[(FORWARDED, b"for=\"10.0.0.7"), (FORWARDED, b"for=192.0.2.1"), (FORWARDED, b"for=10.2.2.2")]);
    assert_eq!(proxies().client(ip("10.0.0.1"), &lines), Some(ip("192.0.2.1")));
}

#[test]
fn both_headers_must_agree() {
    let both = |x: &[u8], forwarded: &[u8]| {
        proxies().client(ip("10.0.0.1"), &headers(&[(X_FORWARDED_FOR, x), (FORWARDED, forwarded)]))
    };
    assert_eq!(both(b"192.0.2.1", b"for=192.0.2.1"), Some(ip("192.0.2.1")));
    assert_eq!(both(b"198.51.100.9, 192.0.2.1", b"for=\"192.0.2.1:80\""), Some(ip("192.0.2.1")));
    assert_eq!(both(b"192.0.2.1", b"for=192.0.2.2"), None);
    assert_eq!(both(b"192.0.2.1", b"for=unknown"), None);
    assert_eq!(both(b"unknown", b"for=192.0.2.1"), None);
    assert_eq!(both(b"unknown", b"for=unknown"), None);
    assert_eq!(both(b"192.0.2.1", b""), None);
}

#[test]
fn mapped_addresses_and_networks_are_v4() {
    let mapped = TrustedProxies::parse(["::ffff:10.0.0.0/104"]).unwrap();
    assert!(mapped.contains(ip("10.255.0.1")));
    assert!(mapped.contains(ip("::ffff:10.0.0.1")));
    assert!(!mapped.contains(ip("11.0.0.1")));
    assert_eq!(mapped, TrustedProxies::parse(["10.0.0.0/8"]).unwrap());
    assert_eq!(TrustedProxies::parse(["::ffff:10.0.0.1"]).unwrap(), TrustedProxies::parse(["10.0.0.1"]).unwrap());

    let line = headers(&[(X_FORWARDED_FOR, b"192.0.2.1")]);
    assert_eq!(proxies().client(ip("::ffff:10.0.0.1"), &line), Some(ip("192.0.2.1")));
    assert_eq!(proxies().client(ip("::ffff:11.0.0.1"), &line), Some(ip("11.0.0.1")));
    assert_eq!(by_x("192.0.2.1, ::ffff:10.0.0.2"), Some(ip("192.0.2.1")));

    let all_of_v6 = TrustedProxies::parse(["::/0"]).unwrap();
    assert!(all_of_v6.contains(ip("2001:db8::1")));
    assert!(!all_of_v6.contains(ip("::ffff:10.0.0.1")), "a mapped address is v4");
}

#[test]
fn a_list_names_its_bad_entry() {
    for bad in ["10.0.0.0/33", "10.0.0", "proxy.internal", "2001:db8::/129", "", "10.0.0.0/-1"] {
        let error = TrustedProxies::parse(["10.0.0.1", bad]).unwrap_err();
        assert_eq!(error.entry, bad);
        assert!(error.to_string().contains(&format!("`{bad}`")), "{error}");
    }
    let list: TrustedProxies = " 10.0.0.0/8, 2001:db8:aaaa::/48 ,".parse().unwrap();
    assert_eq!(list, proxies());
    assert_eq!("".parse::<TrustedProxies>().unwrap(), TrustedProxies::default());
    assert_eq!("10.0.0.1,x".parse::<TrustedProxies>().unwrap_err().entry, "x");
}

#[test]
fn a_chain_longer_than_the_bound_leaves_the_address_open() {
    let chain = |trusted: usize| format!("192.0.2.1{}", ", 10.1.1.1".repeat(trusted));
    assert_eq!(by_x(&chain(MAX_HOPS)), Some(ip("192.0.2.1")));
    assert_eq!(by_x(&chain(MAX_HOPS + 1)), None);
}

fn any_ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::from), any::<Ipv6Addr>().prop_map(IpAddr::from)]
}

fn untrusted() -> impl Strategy<Value = IpAddr> {
    any_ip().prop_filter("a proxy", |address| !proxies().contains(*address))
}

fn trusted() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c])),
        any::<[u8; 3]>().prop_map(|[a, b, c]| Ipv4Addr::new(10, a, b, c).to_ipv6_mapped().into()),
        any::<u64>().prop_map(|low| Ipv6Addr::from(0x2001_0db8_aaaa_0000_0000_0000_0000_0000 | u128::from(low)).into()),
    ]
}

/// Anything that a header line may hold, with the characters that mean something made likely.
fn rubbish() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[\"\\\\,;=: a-f0-9.\\[\\]_]{0,60}".prop_map(String::into_bytes),
        "(for=(\"?[0-9.:]{0,15}\"?|unknown)[,;] ?){0,4}".prop_map(String::into_bytes),
        prop::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff], 0..40),
    ]
}

/// One of the ways in which a proxy may write an address.
fn x_spelling(address: IpAddr, way: u8, port: u16) -> String {
    match (address, way % 3) {
        (IpAddr::V4(address), 0) => format!("{address}:{port}"),
        (IpAddr::V6(address), 0) => format!("[{address}]:{port}"),
        (IpAddr::V6(address), 1) => format!("[{address}]"),
        _ => format!("  {address} "),
    }
}

fn forwarded_spelling(address: IpAddr, way: u8, port: u16) -> String {
    let node = match (address, way % 2) {
        (IpAddr::V4(address), 0) => format!("for={address}"),
        (IpAddr::V4(address), _) => format!("For=\"{address}:{port}\""),
        (IpAddr::V6(address), 0) => format!("for=\"[{address}]\""),
        (IpAddr::V6(address), _) => format!("FOR=\"[{address}]:{port}\""),
    };
    if way < 128 { format!("{node};proto=https;host=\"a, \\\"b;\"") } else { format!("by=_x;{node}") }
}

proptest! {
    #[test]
    fn no_header_from_an_untrusted_peer_changes_the_answer(peer in untrusted(), x in rubbish(), forwarded in rubbish()) {
        let headers = headers(&[(X_FORWARDED_FOR, &x), (FORWARDED, &forwarded)]);
        prop_assert_eq!(proxies().client(peer, &headers), Some(peer.to_canonical()));
    }

    #[test]
    fn nothing_left_of_the_first_untrusted_hop_changes_the_answer(
        peer in trusted(),
        client in untrusted(),
        chain in prop::collection::vec(trusted(), 0..5),
        left in rubbish(),
        same_line in any::<bool>(),
        way in any::<u8>(),
        port in any::<u16>(),
    ) {
        for (name, spell) in [
            (X_FORWARDED_FOR, x_spelling as fn(IpAddr, u8, u16) -> String),
            (FORWARDED, forwarded_spelling as fn(IpAddr, u8, u16) -> String),
        ] {
            let written = [client].iter().chain(&chain).map(|&hop| spell(hop, way, port)).collect::<Vec<_>>().join(", ");
            let lines = if same_line {
                headers(&[(name, &[&left, b",".as_slice(), written.as_bytes()].concat())])
            } else {
                headers(&[(name.clone(), &left), (name, written.as_bytes())])
            };
            prop_assert_eq!(proxies().client(peer, &lines), Some(client.to_canonical()));
        }
    }

    #[test]
    fn the_answer_is_an_address_that_stands_there(peer in trusted(), x in rubbish(), forwarded in rubbish()) {
        // Nothing panics, and one header can only take an answer away from the other.
        let alone = proxies().client(peer, &headers(&[(X_FORWARDED_FOR, &x)]));
        let both = proxies().client(peer, &headers(&[(X_FORWARDED_FOR, &x), (FORWARDED, &forwarded)]));
        prop_assert!(both.is_none() || both == alone);
    }
}
