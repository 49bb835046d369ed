//! The user who runs the server.

use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::{Uid, User, geteuid};

use crate::{EmbeddedError, error::IoContext};

/// What of the environment the server's programs get. Not all of it: the server may run as another user, who could read
/// secrets there, and variables such as `PGDATA` would steer it elsewhere.
const ENVIRONMENT: &[&str] =
    &["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LOCPATH", "LOCALE_ARCHIVE", "TMPDIR", "TZDIR"];

/// The user who owns the cluster's files and runs the server: this process's user, or, for root, another.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Whether a program must change its user to be run by this account.
    switch: bool,
}

impl Account {
    /// The account for the cluster in `pgdata`: its owner. If it does not exist yet: the first ordinary user who owns one
    /// of `folders`, else `postgres`, else `nobody`. A process that is not root has no choice.
    pub(crate) fn choose(pgdata: &Path, folders: &[&Path]) -> Result<Self, EmbeddedError> {
        let own = geteuid();
        if !own.is_root() {
            return Ok(Self { uid: own.as_raw(), gid: nix::unistd::getegid().as_raw(), switch: false });
        }
        for path in [pgdata].iter().chain(folders) {
            let owner = match fs::symlink_metadata(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                other => other.context("read", *path)?,
            };
            // Containers have folders of users without a name; initdb refuses to work for such a one, the server does not.
            let has_name = User::from_uid(Uid::from_raw(owner.uid())).ok().flatten().is_some();
            if owner.uid() != 0 && (has_name || *path == pgdata) {
                return Ok(Self { uid: owner.uid(), gid: owner.gid(), switch: true });
            }
        }
        let user = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
        match user {
            Some(user) => Ok(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw(), switch: true }),
            None => Err(EmbeddedError::Program {
                program: "PostgreSQL".to_owned(),
                failure: "it refuses to run as root, and there is neither a user postgres nor a user nobody".to_owned(),
                output: ". Run this command as an ordinary user, or use --database-url.".to_owned(),
            }),
        }
    }

    /// The account's name, or its number.
    pub(crate) fn name(&self) -> String {
        user_name(self.uid)
    }

    /// Whether the account is another than this process's own user.
    pub(crate) fn is_other(&self) -> bool {
        self.switch
    }

    /// A program run by the account: in `/`, with no input, and with a small environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // The current folder may be one that the account cannot enter.
        command.current_dir("/").stdin(Stdio::null()).env_clear();
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // Messages in English, and no search through the time zones for the machine's own.
        command.env("LC_ALL", "C").env("TZ", "UTC");
        if self.switch {
            // The standard library clears the supplementary groups when root sets a user.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Whether the account can enter a folder. Asked of the system rather than worked out, for access lists and
    /// capabilities have a say too.
    pub(crate) fn can_enter(&self, folder: &Path) -> Result<bool, EmbeddedError> {
        if !self.switch {
            return Ok(true);
        }
        let mut probe = self.command("/bin/sh");
        probe.args(["-c", "cd -- \"$1\"", "sh"]).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().map(|status| status.success()).map_err(|error| EmbeddedError::Program {
            program: format!("/bin/sh as user {}", self.name()),
            failure: error.to_string(),
            output: ". Run this command as an ordinary user, or use --database-url.".to_owned(),
        })
    }
}

/// A user's name, or the number if it has none.
pub(crate) fn user_name(uid: u32) -> String {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}
