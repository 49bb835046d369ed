//! A server on the network, with TLS or without, for a test of its own.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use bwp_embedded::{Cluster, Durability, Options};
use bwp_tls::testing::{Authority, Issued};
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tempfile::TempDir;

/// A PostgreSQL that listens on 127.0.0.1, and an authority that signs its certificates. Stopped when dropped. Every method
/// panics where it cannot do what it says.
pub struct TlsServer {
    /// For files of the test, and of the server.
    pub folder: TempDir,
    /// Signs the server's certificate.
    pub authority: Authority,
    programs: PathBuf,
    data: PathBuf,
    port: u16,
    child: Option<Child>,
}

/// Whom the server lets in, and how.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// With TLS, and the password `secret` by SCRAM.
    Encrypted,
    /// With TLS, and a certificate that the server's authority signed for `certified`.
    Certified,
    /// Without TLS.
    Clear,
    /// Either way.
    Any,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Certified => "certified",
            Self::Clear => "clear",
            Self::Any => "bwp",
        }
    }
}

const ROLES: &str = "CREATE ROLE encrypted SUPERUSER LOGIN PASSWORD 'secret'; CREATE ROLE certified SUPERUSER LOGIN;
    CREATE ROLE clear SUPERUSER LOGIN;";

const RULES: &str = "local all all trust
hostssl all encrypted all scram-sha-256
hostssl all certified all cert
hostnossl all clear all trust
host all bwp all trust
";

#[derive(diesel::QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(diesel::QueryableByName)]
struct Encrypted {
    #[diesel(sql_type = Bool)]
    ssl: bool,
}

#[expect(clippy::expect_used, reason = "a test without its server has failed")]
#[expect(clippy::missing_panics_doc, reason = "said once, at the type")]
impl TlsServer {
    /// Makes one. It runs once a certificate, or that there is none, was said.
    pub async fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tls").tempdir().expect("a folder");
        // Root's server is another user's.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("changed");
        let (programs, data) = make(folder.path().join("cluster")).await;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let server = Self { folder, authority: Authority::new(), programs, data, port, child: None };
        server.put("pg_hba.conf", RULES);
        let authority = server.authority.file(server.folder.path(), "ca.pem");
        server.put("ca.crt", &fs::read_to_string(authority).expect("written"));
        server
    }

    /// Starts it with this certificate, or without TLS. If it ran, it is stopped first.
    pub async fn start(&mut self, certificate: Option<&Issued>) {
        self.stop();
        if let Some(Issued { certificate, key }) = certificate {
            self.put("server.crt", certificate);
            self.put("server.key", key);
        }
        let mut command = Command::new(self.programs.join("postgres"));
        let owner = fs::metadata(&self.data).expect("it is there");
        if owner.uid() != fs::metadata("/proc/self").map_or(owner.uid(), |own| own.uid()) {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let log = fs::File::create(self.folder.path().join("log")).expect("a log");
        let ssl = if certificate.is_some() { "ssl=on" } else { "ssl=off" };
        let port = format!("port={}", self.port);
        for setting in
            [ssl, &port, "ssl_ca_file=ca.crt", "listen_addresses=localhost", "unix_socket_directories=", "fsync=off"]
        {
            command.args(["-c", setting]);
        }
        command.arg("-D").arg(&self.data).current_dir(&self.data);
        self.child =
            Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("postgres runs"));
        for _ in 0..6_000 {
            if AsyncPgConnection::establish(&self.url(Role::Any, "")).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
    }

    /// The URL of a database with the schema of nothing, for `role`, with more parameters after it: `?sslmode=…`.
    pub fn url(&self, role: Role, parameters: &str) -> String {
        format!("postgres://{}:secret@localhost:{}/bwp{parameters}", role.name(), self.port)
    }

    /// The file with the certificate of the server's authority.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Whether each of the role's connections is encrypted; none of them is no answer.
    pub async fn encrypted(&self, role: Role) -> Option<bool> {
        let mut connection = AsyncPgConnection::establish(&self.url(Role::Any, "")).await.expect("a connection");
        let all: Vec<Encrypted> = diesel::sql_query(
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = $1 AND pid <> pg_backend_pid()",
        )
        .bind::<Text, _>(role.name())
        .load(&mut connection)
        .await
        .expect("the server's sessions");
        all.iter().map(|session| session.ssl).reduce(|all, one| all && one)
    }

    /// Writes a file of the server's own.
    fn put(&self, name: &str, text: &str) {
        let (file, owner) = (self.data.join(name), fs::metadata(&self.data).expect("it is there"));
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("changed");
        chown(&file, Some(owner.uid()), Some(owner.gid())).expect("given");
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            assert!(stopped.is_ok_and(|status| status.success()), "kill runs");
            child.wait().expect("it ends");
        }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.stop();
        // Where root may keep it out of the folder.
        if let Some(place) = self.data.parent().filter(|place| !place.starts_with(self.folder.path())) {
            let _ = fs::remove_dir_all(place);
        }
    }
}

/// Makes a cluster, and gives PostgreSQL's programs and its data folder.
#[expect(clippy::expect_used, reason = "a test without its server has failed")]
async fn make(folder: PathBuf) -> (PathBuf, PathBuf) {
    let options = Options { durability: Durability::None, ..Options::default() };
    let opening = tokio::task::spawn_blocking(move || Cluster::open(Path::new(&folder), &options));
    let cluster = opening.await.expect("no panic").expect("a cluster");
    let mut connection = AsyncPgConnection::establish(&cluster.url("bwp")).await.expect("a connection");
    connection.batch_execute(ROLES).await.expect("roles");
    let data = diesel::sql_query("SELECT current_setting('data_directory') AS value");
    let data: Setting = data.get_result(&mut connection).await.expect("a folder");
    drop(connection);
    let programs = cluster.installation().bin_dir.clone();
    tokio::task::spawn_blocking(move || cluster.close()).await.expect("no panic").expect("closed");
    (programs, data.value.into())
}
