//! TLS to PostgreSQL: what each `sslmode` takes, and what is said of what it does not.

use std::{sync::Arc, time::Duration};

use bwp_domain::store::{Health, StoreError};
use bwp_postgres::{
    MigrateError, PgStore, PoolSettings, migrate,
    testing::{Options, Role, TestDatabase, TestPooler, TlsServer, within},
};
use bwp_tls::testing::{Authority, Issued};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// What came of connecting.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Encrypted,
    Clear,
    /// With a text that holds this.
    Refused(String),
}

async fn outcome(server: &TlsServer, role: Role, parameters: &str) -> Outcome {
    let url = server.url(role, parameters);
    let store = match PgStore::new(&url, PoolSettings::default()) {
        Ok(store) => store,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    match within(&url, store.check()).await {
        Ok(()) if server.encrypted(role).await == Some(true) => Outcome::Encrypted,
        Ok(()) => Outcome::Clear,
        Err(StoreError::Unavailable(why)) => Outcome::Refused(why),
        Err(error) => panic!("{error}"),
    }
}

/// Asserts what comes of each of these parameters. What is refused is refused by a text with each of these words, and
/// without the password.
async fn assert_outcomes(server: &TlsServer, role: Role, expected: &[(&str, &str)]) {
    for &(parameters, expected) in expected {
        match (outcome(server, role, parameters).await, expected) {
            (Outcome::Encrypted, "encrypted") | (Outcome::Clear, "clear") => {}
            (Outcome::Refused(why), words) if !["encrypted", "clear"].contains(&words) => {
                assert!(why.contains(words) && !why.contains("secret"), "{parameters}: {why}");
            }
            (other, expected) => panic!("{parameters}: {other:?} and not {expected}"),
        }
    }
}

#[tokio::test]
async fn each_mode_takes_what_it_says() {
    let mut server = TlsServer::new().await;
    let ours = server.authority_file().display().to_string();
    let theirs = Authority::new().file(server.folder.path(), "other.pem").display().to_string();
    let with = |mode: &str, roots: &str| format!("?sslmode={mode}&sslrootcert={roots}");
    let (require, ca, full) = (with("require", &ours), with("verify-ca", &ours), with("verify-full", &ours));
    let (require_other, ca_other, full_other) =
        (with("require", &theirs), with("verify-ca", &theirs), with("verify-full", &theirs));

    // Without TLS.
    server.start(None).await;
    let no_tls = "server does not support TLS: switch TLS on there";
    assert_outcomes(
        &server,
        Role::Any,
        &[
            ("", "clear"),
            ("?sslmode=disable", "clear"),
            ("?sslmode=prefer", "clear"),
            ("?sslmode=require", no_tls),
            (&ca, no_tls),
            (&full, no_tls),
            ("?sslmode=verify-full", no_tls),
        ],
    )
    .await;

    // With a good certificate. `encrypted` is let in with TLS alone.
    server.start(Some(&server.authority.issue(&["localhost"]))).await;
    let unknown = "signed by no authority that is trusted: name the file with its authority, sslrootcert=";
    assert_outcomes(
        &server,
        Role::Encrypted,
        &[
            ("", "encrypted"),
            ("?sslmode=disable", "the server may take this user with TLS alone: say sslmode=require"),
            ("?sslmode=prefer", "encrypted"),
            ("?sslmode=require", "encrypted"),
            (&require, "encrypted"),
            (&ca, "encrypted"),
            (&full, "encrypted"),
            // Nobody whom it trusts signed it.
            (&require_other, unknown),
            (&ca_other, unknown),
            (&full_other, unknown),
            ("?sslmode=verify-full", unknown),
            ("?sslrootcert=system", unknown),
            // The password's proof is bound to the certificate.
            ("?sslmode=require&channel_binding=require", "encrypted"),
        ],
    )
    .await;
    assert_outcomes(&server, Role::Any, &[("?sslmode=disable", "clear"), ("?sslmode=prefer", "encrypted")]).await;
    // As libpq does: whom the server wants without TLS connects without it, unless TLS was asked for.
    assert_outcomes(&server, Role::Clear, &[("", "clear"), ("?sslmode=require", "SSL encryption")]).await;

    // With a certificate for another name.
    server.start(Some(&server.authority.issue(&["db.example.com", "192.0.2.1"]))).await;
    let name = "the server's certificate is not for localhost but for db.example.com";
    assert_outcomes(
        &server,
        Role::Encrypted,
        &[
            ("", "encrypted"),
            ("?sslmode=require", "encrypted"),
            (&require, "encrypted"),
            (&ca, "encrypted"),
            (&full, name),
        ],
    )
    .await;

    // With that of the authority itself, which rustls takes for no server's.
    server.start(Some(&server.authority.own())).await;
    let own = "make one for the server that is no authority";
    assert_outcomes(&server, Role::Encrypted, &[("?sslmode=require", "encrypted"), (&ca, own), (&full, own)]).await;

    // With one that has expired.
    server.start(Some(&server.authority.issue_expired(&["localhost"]))).await;
    assert_outcomes(
        &server,
        Role::Encrypted,
        &[("?sslmode=require", "encrypted"), (&ca, "has expired: renew it"), (&full, "has expired: renew it")],
    )
    .await;
}

#[tokio::test]
async fn a_client_shows_its_certificate_if_it_has_one() {
    let mut server = TlsServer::new().await;
    server.start(Some(&server.authority.issue(&["localhost"]))).await;
    let folder = server.folder.path();
    let (certificate, key) = server.authority.issue(&["certified"]).write(folder, "client");
    let (_, other_key) = server.authority.issue(&["certified"]).write(folder, "other");
    let (certificate, key, other_key) = (certificate.display(), key.display(), other_key.display());
    assert_outcomes(
        &server,
        Role::Certified,
        &[
            (&format!("?sslmode=require&sslcert={certificate}&sslkey={key}"), "encrypted"),
            (&format!("?sslcert={certificate}&sslkey={key}"), "encrypted"),
            ("?sslmode=require", "valid client certificate"),
            (&format!("?sslmode=require&sslcert={certificate}"), "sslcert and sslkey go together"),
            (&format!("?sslmode=require&sslcert={certificate}&sslkey={other_key}"), "sslkey: /"),
            (&format!("?sslmode=require&sslcert={certificate}&sslkey=/absent.key"), "sslkey: /absent.key: "),
            (&format!("?sslmode=require&sslcert={key}&sslkey={key}"), "it holds no certificate in PEM form"),
            ("?sslmode=verify-full&sslrootcert=/absent.pem", "sslrootcert: /absent.pem: "),
        ],
    )
    .await;
}

#[tokio::test]
async fn migrations_go_the_same_way() {
    let mut server = TlsServer::new().await;
    server.start(Some(&server.authority.issue(&["localhost"]))).await;
    let roots = server.authority_file().display().to_string();
    let refused = migrate(&server.url(Role::Encrypted, "?sslmode=disable")).await;
    assert!(matches!(refused, Err(MigrateError::Connect(_))), "{refused:?}");
    let url = server.url(Role::Encrypted, &format!("?sslmode=verify-full&sslrootcert={roots}"));
    assert!(!migrate(&url).await.expect("the migrations run").applied.is_empty());
}

/// Where TLS is spoken for a pooler that has none itself.
#[expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]
async fn tls_before(pooler: &TestPooler, shown: &Issued) -> String {
    let chain = vec![CertificateDer::from_pem_slice(shown.certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they fit");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (user, rest) = pooler.url().split_once('@').expect("a user");
    let (behind, database) = rest.split_once('/').expect("a database");
    let (behind, url) = (behind.to_owned(), format!("{user}@localhost:{port}/{database}"));
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.expect("a client");
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let mut wish = [0; 8];
                client.read_exact(&mut wish).await.expect("a wish for TLS");
                client.write_all(b"S").await.expect("said");
                let mut client = acceptor.accept(client).await.expect("TLS");
                let mut behind = TcpStream::connect(behind).await.expect("the pooler");
                // Somebody is gone in the end.
                let _ = copy_bidirectional(&mut client, &mut behind).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_pooler_may_speak_tls_and_refuse_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let roots = authority.file(folder.path(), "ca.pem").display().to_string();
    for options in [Options::Ignored, Options::Refused] {
        let database = TestDatabase::empty().await;
        let pooler = TestPooler::start(&database.url(), 3, options);
        let url = tls_before(&pooler, &authority.issue(&["localhost"])).await;
        for mode in ["", "?sslmode=require", &format!("?sslmode=verify-full&sslrootcert={roots}")] {
            let url = format!("{url}{mode}");
            let taken = migrate(&url).await.expect("the migrations run").applied;
            assert_eq!(taken.is_empty(), !mode.is_empty(), "the first takes all steps");
            let store = PgStore::new(&url, PoolSettings::default()).expect("a store");
            within(mode, store.check()).await.expect("an answer");
            assert!(store.is_pooled().await.expect("a look"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address");
    for parameters in ["", "?sslmode=disable", "?sslmode=require"] {
        let url = format!("postgres://u:secret@{address}/d{parameters}");
        let Err(MigrateError::Connect(why)) = migrate(&url).await else { panic!("it says nothing") };
        assert!(why.contains("no answer within"), "{why}");
        let settings = PoolSettings { wait: Duration::from_millis(50), ..PoolSettings::default() };
        let refused = PgStore::new(&url, settings).expect("a store").check().await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_wrong_url_is_refused_before_anything_is_connected_and_never_shown() {
    for (url, expected) in [
        ("postgres://u:secret@h/d?sslmode=verify", "DATABASE_URL: sslmode=verify is not known: say disable, prefer"),
        ("postgres://u:secret@h/d?sslnegotiation=direct", "say sslmode=require"),
        ("mysql://u:secret@h/d?sslmode=require", "expected postgres://user:password@host/database"),
        ("postgres://u:secret@h/d?sslcrl=x", "sslcrl"),
        ("host=h password=secret sslmode=verify-full", "`sslmode`: expected postgres://user:password@host/database"),
    ] {
        let error = PgStore::new(url, PoolSettings::default()).err().expect("refused").to_string();
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
        let Err(MigrateError::Url(of_migrate)) = migrate(url).await else { panic!("{url}") };
        assert_eq!(of_migrate.to_string(), error);
    }
}
