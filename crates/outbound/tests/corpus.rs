//! Addresses, in every form: each is tried, and none that is refused is ever connected to.

#![expect(clippy::unwrap_used, reason = "a test that cannot do what it says has failed")]

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bwp_outbound::{Client, Failure, Guard, Post, Refused, Resolve, Tls, is_public};
use bwp_tls::{Check, Roots, client_config, testing::Authority};
use tokio::net::TcpListener;
use url::Url;

/// The addresses of the corpus, and whether they are public.
fn corpus() -> Vec<(IpAddr, bool)> {
    let lines = include_str!("addresses.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (word, address) = line.split_once(' ').unwrap();
            (address.trim().parse().unwrap_or_else(|_| panic!("{line}")), word == "public")
        })
        .collect()
}

fn tls() -> Tls {
    let folder = tempfile::tempdir().unwrap();
    let roots = Roots::File(Authority::new().file(folder.path(), "authority.pem"));
    Tls::Config(Arc::new(client_config(&Check::AuthorityAndName(roots), None).unwrap()))
}

/// Knows some names.
struct Names(HashMap<String, Vec<IpAddr>>);

#[async_trait]
impl Resolve for Names {
    async fn addresses(&self, host: &str) -> Vec<IpAddr> {
        self.0.get(host).cloned().unwrap_or_default()
    }
}

fn post(url: &Url) -> Post<'_> {
    Post { url, headers: Vec::new(), body: "{}".to_owned(), deadline: Duration::from_secs(10), most: 1_024 }
}

/// Listens on this machine's addresses, and counts who comes.
async fn canary() -> (u16, Arc<AtomicUsize>) {
    let reached = Arc::<AtomicUsize>::default();
    let v4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let port = v4.local_addr().unwrap().port();
    // A machine may have no IPv6.
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
    for listener in [Some(v4), v6].into_iter().flatten() {
        let reached = Arc::clone(&reached);
        tokio::spawn(async move {
            loop {
                let _ = listener.accept().await;
                reached.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    (port, reached)
}

#[test]
fn the_corpus_is_as_it_says() {
    let corpus = corpus();
    assert!(corpus.len() >= 150, "{}", corpus.len());
    for (address, public) in corpus {
        assert_eq!(is_public(address), public, "{address}");
    }
}

#[tokio::test]
async fn no_refused_address_is_connected_to_as_itself_or_by_a_name() {
    let (port, reached) = canary().await;
    let refused: Vec<_> = corpus().into_iter().filter(|(_, public)| !public).map(|(address, _)| address).collect();
    let names = refused.iter().enumerate().map(|(n, address)| (format!("h{n}.example"), vec![*address]));
    let guard = Guard::new(Vec::new()).resolving_by(Names(names.collect()));
    let client = Client::new(guard.clone(), tls());
    for (n, address) in refused.iter().enumerate() {
        let literal = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        for host in [literal, format!("h{n}.example")] {
            let url = Url::parse(&format!("https://{host}:{port}/hook")).unwrap();
            assert_eq!(guard.check(&url).await, Err(Refused::NotAllowed), "{url}");
            assert_eq!(client.post(post(&url)).await, Err(Failure::AddressNotAllowed), "{url}");
        }
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn one_bad_address_among_good_ones_is_enough() {
    let good: IpAddr = "93.184.215.14".parse().unwrap();
    let bad: IpAddr = "127.0.0.1".parse().unwrap();
    for addresses in [vec![good, bad], vec![bad, good]] {
        let names = Names([("mixed.example".to_owned(), addresses)].into());
        let guard = Guard::new(Vec::new()).resolving_by(names);
        let url = Url::parse("https://mixed.example/").unwrap();
        assert_eq!(guard.check(&url).await, Err(Refused::NotAllowed));
    }
}

#[tokio::test]
async fn a_name_that_is_not_known_is_refused() {
    let guard = Guard::new(Vec::new()).resolving_by(Names(HashMap::new()));
    assert_eq!(guard.check(&Url::parse("https://nowhere.example/").unwrap()).await, Err(Refused::Unknown));
}

#[tokio::test]
async fn public_addresses_pass() {
    let guard = Guard::new(Vec::new());
    for (address, _) in corpus().into_iter().filter(|(_, public)| *public) {
        let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
        assert_eq!(guard.check(&Url::parse(&format!("https://{host}/")).unwrap()).await, Ok(()), "{address}");
        let plain = Url::parse(&format!("http://{host}/")).unwrap();
        assert_eq!(guard.check(&plain).await, Err(Refused::NotSecure), "{address}");
    }
}

/// A name whose addresses change from one question to the next.
struct Rebinding(AtomicUsize);

#[async_trait]
impl Resolve for Rebinding {
    async fn addresses(&self, _: &str) -> Vec<IpAddr> {
        let asked = self.0.fetch_add(1, Ordering::SeqCst);
        vec![if asked == 0 { "93.184.215.14".parse().unwrap() } else { IpAddr::V4(Ipv4Addr::LOCALHOST) }]
    }
}

#[tokio::test]
async fn a_name_that_comes_to_mean_something_inside_is_refused_when_it_is_used() {
    let (port, reached) = canary().await;
    let guard = Guard::new(Vec::new()).resolving_by(Rebinding(AtomicUsize::new(0)));
    let url = Url::parse(&format!("https://rebinding.example:{port}/")).unwrap();
    assert_eq!(guard.check(&url).await, Ok(()));
    assert_eq!(Client::new(guard, tls()).post(post(&url)).await, Err(Failure::AddressNotAllowed));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_operator_allows_blocks_and_nothing_beside_them() {
    let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap(), "10.1.0.0/16".parse().unwrap()]);
    let check = async |url: &str| guard.check(&Url::parse(url).unwrap()).await;
    for url in ["http://127.0.0.1:3000/", "https://127.0.0.1/", "http://10.1.2.3/", "https://93.184.215.14/"] {
        assert_eq!(check(url).await, Ok(()), "{url}");
    }
    for url in ["https://10.2.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://192.168.0.1/"] {
        assert_eq!(check(url).await, Err(Refused::NotAllowed), "{url}");
    }
    assert_eq!(check("http://93.184.215.14/").await, Err(Refused::NotSecure));
}
