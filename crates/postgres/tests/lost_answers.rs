//! A pooler between the server and its database that loses an answer: PgBouncer, when its connection to PostgreSQL ends, says
//! so by an error and closes the client's. What was sent may have been committed: it is not made again.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bwp_domain::{
    execute::{ExecuteError, execute},
    idempotency::RenderedResponse,
    keys::ports::KeyReader,
    principal::{Caller, Principal},
    scopes::ScopeSet,
    store::StoreError,
    testing::{create, details},
};
use bwp_postgres::{
    PgStore, PoolSettings,
    testing::{Fixture, within},
};
use futures_util::future::join_all;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};
use tokio_postgres::config::{Config, Host};

/// A pooler before the database at `url`, and where it is. All goes through but the first answer to expected changes: when the
/// server has given it, the client is told `message` in its place, as an error that ends the session, and 50 ms later it
/// does end.
async fn pooler(url: &str, message: &'static str) -> String {
    let to: Config = url.parse().expect("a URL");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let user = to.get_user().expect("a user");
    let password = to.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
    let password = password.map_or(String::new(), |password| format!("password='{password}'"));
    let database = to.get_dbname().expect("a database");
    let through = format!("host=127.0.0.1 port={port} user='{user}' dbname='{database}' sslmode=disable {password}");
    let lost = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.expect("a client");
            let port = to.get_ports().first().copied().unwrap_or(5432);
            match to.get_hosts().first().expect("a host") {
                Host::Tcp(host) => {
                    let server = TcpStream::connect((host.as_str(), port)).await.expect("the server");
                    tokio::spawn(relay(client, server, Arc::clone(&lost), message));
                }
                Host::Unix(folder) => {
                    let server = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await;
                    tokio::spawn(relay(client, server.expect("the server"), Arc::clone(&lost), message));
                }
            }
        }
    });
    through
}

async fn relay(
    client: TcpStream,
    server: impl AsyncRead + AsyncWrite + Send + 'static,
    lost: Arc<AtomicBool>,
    message: &str,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let changing = Arc::new(AtomicBool::new(false));
    let changes = Arc::clone(&changing);
    let sending = tokio::spawn(async move {
        let mut sent = Vec::new();
        while from_client.read_buf(&mut sent).await.is_ok_and(|read| read > 0) {
            if sent.windows(9).any(|text| text == b"WITH held") {
                changes.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&sent).await.is_err() {
                break;
            }
            sent.clear();
        }
    });
    let mut losing = false;
    while let Ok(kind) = from_server.read_u8().await {
        let length = from_server.read_u32().await.expect("a length");
        let mut rest = vec![0; length as usize - 4];
        from_server.read_exact(&mut rest).await.expect("the rest");
        // BindComplete: the statement is being executed. ReadyForQuery: it is committed.
        if kind == b'2' && changing.load(Ordering::SeqCst) {
            losing = !lost.swap(true, Ordering::SeqCst);
        }
        if losing && kind == b'Z' {
            let fields = format!("SFATAL\0VFATAL\0C08P01\0M{message}\0\0");
            let _ = to_client.write_all(&answer(b'E', fields.as_bytes())).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            break;
        }
        if !losing && to_client.write_all(&answer(kind, &rest)).await.is_err() {
            break;
        }
    }
    sending.abort();
}

/// A message as the server sends it.
fn answer(kind: u8, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 4).expect("short");
    [&[kind], length.to_be_bytes().as_slice(), rest].concat()
}

#[tokio::test]
async fn changes_whose_answer_is_lost_are_not_made_again() {
    for message in ["server conn crashed?", "words that nobody foresaw"] {
        let fixture = Fixture::new().await;
        let tenant = fixture.tenant().await.id;
        let key = fixture.key(tenant).await;
        let credential = fixture.store.find_by_hash(&key.secret.hash()).await.expect("a look").expect("the key");
        let caller = Caller { principal: Principal::Key(credential), address: None, needs: ScopeSet::EMPTY };
        let url = pooler(&fixture.database.url(), message).await;
        let store = PgStore::new(&url, PoolSettings::DEFAULT).expect("a store");
        let creating = (0..8).map(|n| {
            let (store, environment, caller) = (&store, &fixture.environment, &caller);
            async move {
                let command = create(&details(&format!("name {n}")));
                execute(store, environment, caller, None, &command, |_| RenderedResponse::default()).await
            }
        });
        let done = within("all of them", join_all(creating)).await;
        fixture.until_quiet().await;
        let twice = "SELECT count(*) FROM (SELECT FROM contacts GROUP BY company_name HAVING count(*) > 1) AS twice";
        assert_eq!(fixture.number(twice).await, 0, "{message}: {done:?}");
        for done in done {
            let unknown = matches!(done, Err(ExecuteError::Store(StoreError::Unavailable(_))));
            assert!(unknown, "{message}: {done:?}");
        }
        let together = "SELECT max(n) FROM (SELECT count(*) AS n FROM contacts GROUP BY xmin::text) AS made";
        assert!(fixture.number(together).await >= 4, "{message}: they were not made together");
    }
}
