//! Where the cluster's files are.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder},
    io::{ErrorKind, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use crate::{
    EmbeddedError,
    account::Account,
    error::IoContext,
    files::{self, NewFile},
    folder,
    hash::short_name,
    settings::PORT,
};

/// Where root puts a cluster whose user cannot enter the data folder.
const ELSEWHERE: &str = "/var/lib/bwp";

/// The longest path that a socket address holds, in bytes: the size of `sun_path` less the closing zero.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The places of one cluster's files.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The data folder, as a canonical path.
    pub(crate) data_dir: PathBuf,
    /// The folder of the cluster, its socket and its leftovers.
    pub(crate) root: PathBuf,
    /// The folder of the socket.
    pub(crate) socket_dir: PathBuf,
}

impl Layout {
    fn new(data_dir: PathBuf, root: PathBuf) -> Self {
        let inside = root.join("run");
        // Clients split a list of sockets at commas, and no quoting helps.
        let fits = socket_path(&inside).as_os_str().len() <= LONGEST_SOCKET_PATH
            && !inside.as_os_str().as_bytes().contains(&b',');
        // Not in $XDG_RUNTIME_DIR: it differs between the ways of becoming a user, and goes away at logout.
        let socket_dir = if fits { inside } else { Path::new("/tmp").join(format!("bwp-{}", short_name(&data_dir))) };
        Self { data_dir, root, socket_dir }
    }

    /// PostgreSQL's own data folder.
    pub(crate) fn pgdata(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Where a cluster is made, until it is complete.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.root.join("data.new")
    }

    /// The server's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.data_dir.join("postgres.log")
    }

    /// Whether the socket's folder had to leave the cluster's.
    pub(crate) fn socket_is_elsewhere(&self) -> bool {
        !self.socket_dir.starts_with(&self.root)
    }
}

/// The socket's file in a folder.
pub(crate) fn socket_path(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}

/// Makes the data folder and finds its canonical path.
pub(crate) fn prepare_data_dir(data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    if data_dir.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(EmbeddedError::UnusableDataDir {
            path: data_dir.to_owned(),
            reason: "PostgreSQL cannot work in a folder with a line break in its name",
        });
    }
    folder::make_data_dir(data_dir)?;
    fs::canonicalize(data_dir).context("find", data_dir)
}

/// Finds the cluster's place, or chooses one: in the data folder, or elsewhere if the server's user cannot enter that.
/// The caller holds the start lock.
pub(crate) fn settle(data_dir: PathBuf) -> Result<(Layout, Account), EmbeddedError> {
    let recorded = recorded_place(&data_dir)?;
    let inside = data_dir.join("postgres");
    let root = recorded.clone().unwrap_or_else(|| inside.clone());

    let pgdata = root.join("data");
    let account = Account::choose(&pgdata, &[&root, &data_dir])?;

    if recorded.is_some() || pgdata.exists() {
        check_owner(&pgdata, &account)?;
        return Ok((Layout::new(data_dir, root), account));
    }
    if folder::admit(&data_dir, &account)? {
        folder::make_private(&inside, &account)?;
        return Ok((Layout::new(data_dir, inside), account));
    }
    let root = make_elsewhere(&data_dir, &account)?;
    record_place(&data_dir, &root)?;
    tracing::info!(
        data_dir = %data_dir.display(),
        cluster = %root.display(),
        user = account.name(),
        "the user who runs PostgreSQL cannot enter the data folder; the cluster is kept elsewhere"
    );
    Ok((Layout::new(data_dir, root), account))
}

/// Whether there is a cluster. Changes nothing.
pub(crate) fn holds_cluster(data_dir: &Path) -> Result<bool, EmbeddedError> {
    // It gets this name only when it is complete.
    let pgdata = recorded_place(data_dir)?.unwrap_or_else(|| data_dir.join("postgres")).join("data");
    pgdata.try_exists().context("read", pgdata)
}

/// Refuses a cluster that the server cannot use because of its owner.
fn check_owner(pgdata: &Path, account: &Account) -> Result<(), EmbeddedError> {
    match fs::symlink_metadata(pgdata) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).context("read", pgdata),
        Ok(metadata) if metadata.uid() == account.uid => Ok(()),
        Ok(metadata) if account.is_other() => Err(EmbeddedError::Damaged {
            path: pgdata.to_owned(),
            reason: format!(
                "it belongs to user {}, who must not run PostgreSQL; give it to another (chown -R {})",
                crate::account::user_name(metadata.uid()),
                account.name()
            ),
        }),
        Ok(metadata) => Err(EmbeddedError::Damaged {
            path: pgdata.to_owned(),
            reason: format!(
                "it belongs to user {}; run this command as that user or as root",
                crate::account::user_name(metadata.uid())
            ),
        }),
    }
}

/// Makes the cluster's folder away from the data folder.
fn make_elsewhere(data_dir: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    let base = Path::new(ELSEWHERE);
    match DirBuilder::new().recursive(true).mode(0o711).create(base) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error).context("make the folder", base),
        _ => {}
    }
    let metadata = fs::symlink_metadata(base).context("read", base)?;
    if !metadata.is_dir() || metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
        return Err(EmbeddedError::Untrusted {
            path: base.to_owned(),
            reason: "others than root can write there".to_owned(),
        });
    }
    let root = base.join(short_name(data_dir));
    folder::make_private(&root, account)?;
    Ok(root)
}

/// The file that says where the cluster is, when it is not in the data folder.
fn record(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.location")
}

fn recorded_place(data_dir: &Path) -> Result<Option<PathBuf>, EmbeddedError> {
    let record = record(data_dir);
    let Some(line) = files::read(&record)? else { return Ok(None) };
    let root = PathBuf::from(OsString::from_vec(line.trim_ascii_end().to_owned()));
    // Root is about to work there: only a place that root itself gives out will do.
    if root.parent() != Some(Path::new(ELSEWHERE)) || root.file_name().is_none() {
        return Err(EmbeddedError::Damaged {
            path: root,
            reason: format!("{} should name a folder in {ELSEWHERE}; correct or remove that file", record.display()),
        });
    }
    if !root.is_dir() {
        return Err(EmbeddedError::Damaged {
            path: root,
            reason: format!(
                "{} names it, but it does not exist; put it back, or remove that file to begin with an empty database",
                record.display()
            ),
        });
    }
    Ok(Some(root))
}

fn record_place(data_dir: &Path, root: &Path) -> Result<(), EmbeddedError> {
    let record = record(data_dir);
    // Of a process that was killed: the caller holds the start lock.
    folder::remove_file(&record.with_added_extension("new"))?;
    let mut line = root.as_os_str().as_bytes().to_owned();
    line.push(b'\n');
    let new = NewFile::create(&record, "new")?;
    new.file().write_all(&line).context("write", &record)?;
    Ok(new.publish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_does_not_fit_goes_to_tmp() {
        let at_limit = LONGEST_SOCKET_PATH - "/run/.s.PGSQL.5432".len();
        let root = |length: usize| PathBuf::from(format!("/{}", "a".repeat(length - 1)));
        let layout = |root: PathBuf| Layout::new(PathBuf::from("/data"), root);
        assert!(!layout(root(at_limit)).socket_is_elsewhere());
        let moved = layout(root(at_limit + 1));
        assert!(moved.socket_is_elsewhere());
        assert!(moved.socket_dir.starts_with("/tmp"));
        assert!(layout(PathBuf::from("/a,b")).socket_is_elsewhere());
    }

    #[test]
    fn a_line_break_in_the_path_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a\nb");
        assert!(matches!(prepare_data_dir(&path), Err(EmbeddedError::UnusableDataDir { .. })));
        assert!(!path.exists());
    }

    #[test]
    fn a_record_cannot_point_anywhere() {
        let base = tempfile::tempdir().unwrap();
        for place in ["/etc", "/var/lib/bwp", "/var/lib/bwp/..", "/var/lib/bwp/../x", "relative", ""] {
            fs::write(record(base.path()), format!("{place}\n")).unwrap();
            assert!(matches!(recorded_place(base.path()), Err(EmbeddedError::Damaged { .. })), "{place}");
        }
    }
}
