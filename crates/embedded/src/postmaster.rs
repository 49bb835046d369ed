//! The server's own record of itself (`postmaster.pid`), and whether it is true.

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStringExt, fs::MetadataExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

use crate::{
    EmbeddedError,
    files::{self, FileError},
    folder,
};

/// What `postmaster.pid` says. Its lines: process, data folder, start time, port, socket folder, address, shared memory,
/// status (`src/include/utils/pidfile.h` in PostgreSQL).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) pid: i32,
    pub(crate) socket_dir: Option<PathBuf>,
    pub(crate) ready: bool,
}

impl Record {
    /// Reads the record of the server that runs, or ran, on a cluster. `None`: there is none that makes sense.
    pub(crate) fn read(pgdata: &Path) -> Result<Option<Self>, EmbeddedError> {
        Ok(files::read(&pgdata.join("postmaster.pid"))?.as_deref().and_then(Self::parse))
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|&byte| byte == b'\n');
        // A single-user server writes its number negated. 0 is no number of a process.
        let pid = std::str::from_utf8(lines.next()?).ok()?.trim().parse::<i32>().ok()?.checked_abs()?;
        let socket_dir = lines
            .nth(3)
            .filter(|line| line.starts_with(b"/"))
            .map(|line| PathBuf::from(OsString::from_vec(line.to_owned())));
        let ready = lines.nth(2).is_some_and(|line| line.trim_ascii() == b"ready");
        Some(Self { pid, socket_dir, ready })
    }

    /// Removes what would keep a server from starting: a stale record, in the cluster's folder or beside the socket (whose
    /// lock file begins with the same lines), that it would believe because its number belongs to a living process of
    /// the server's user, or that it would give up on because it cannot be read. Other stale ones the server removes
    /// itself, and learns from them what to check.
    pub(crate) fn remove_obstacles(pgdata: &Path, socket: &Path) -> Result<(), EmbeddedError> {
        for path in [pgdata.join("postmaster.pid"), socket.with_added_extension("lock")] {
            let is_obstacle = || {
                Ok::<_, FileError>(files::read(&path)?.is_some_and(|text| match Self::parse(&text) {
                    Some(record) => record.pid == 0 || (record.number_is_taken() && !record.is_true(pgdata)),
                    None => true,
                }))
            };
            if !is_obstacle()? {
                continue;
            }
            // A server that is just starting may have made the file and not written it yet.
            thread::sleep(Duration::from_millis(50));
            if is_obstacle()? {
                folder::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Whether a process with the record's number exists, whatever it is.
    fn number_is_taken(&self) -> bool {
        // 0 would address this process's own group.
        self.pid > 0 && kill(Pid::from_raw(self.pid), None) != Err(Errno::ESRCH)
    }

    /// Whether the record's process is the server of this cluster. Its number alone says nothing: after a crash the
    /// system gives it to any new process, and in a container to the same few ones again.
    pub(crate) fn is_true(&self, pgdata: &Path) -> bool {
        let Ok(owner) = fs::metadata(pgdata) else { return false };
        self.number_is_taken() && process::is_server(self.pid, pgdata, owner.uid())
    }
}

#[cfg(target_os = "linux")]
mod process {
    use std::{
        ffi::OsStr,
        fs,
        os::unix::{ffi::OsStrExt, fs::MetadataExt},
        path::Path,
    };

    /// Whether a process is a PostgreSQL server of this folder, run by the folder's owner.
    pub(super) fn is_server(pid: i32, pgdata: &Path, owner: u32) -> bool {
        let process = Path::new("/proc").join(pid.to_string());
        // The owner is checked because the command line is the process's own word.
        if !fs::metadata(&process).is_ok_and(|metadata| metadata.uid() == owner) {
            return false;
        }
        let Ok(command_line) = fs::read(process.join("cmdline")) else { return false };
        let works_there = || is_same_folder(&process.join("cwd"), pgdata);
        if command_line.is_empty() {
            // It is ending. It has a working folder until it has let go of its memory, and then none, even unreaped.
            return works_there();
        }
        let arguments: Vec<&[u8]> = command_line.split(|&byte| byte == 0).collect();
        let program = Path::new(OsStr::from_bytes(arguments[0])).file_name();
        if program != Some(OsStr::new("postgres")) && program != Some(OsStr::new("postmaster")) {
            return false;
        }
        let named = arguments.windows(2).any(|pair| pair[0] == b"-D" && pair[1] == pgdata.as_os_str().as_bytes());
        named || works_there()
    }

    /// For a server that somebody else started, or whose folder was moved: its working folder is its data folder.
    fn is_same_folder(a: &Path, b: &Path) -> bool {
        match (fs::metadata(a), fs::metadata(b)) {
            (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
            _ => false,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod process {
    use std::{
        path::Path,
        process::{Command, Stdio},
    };

    /// Whether a process is a PostgreSQL server of this folder, run by the folder's owner.
    pub(super) fn is_server(pid: i32, pgdata: &Path, owner: u32) -> bool {
        let output = Command::new("ps")
            .args(["-ww", "-o", "uid=,stat=,command=", "-p", &pid.to_string()])
            .stdin(Stdio::null())
            .output();
        let Ok(output) = output else { return false };
        let line = String::from_utf8_lossy(&output.stdout);
        let Some((uid, rest)) = line.trim_start().split_once(' ') else { return false };
        let Some((state, command)) = rest.trim_start().split_once(' ') else { return false };
        let folder = format!("-D {} ", pgdata.display());
        uid.parse() == Ok(owner)
            && !state.starts_with('Z')
            && command.contains("postgres")
            && format!("{} ", command.trim_end()).contains(&folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_read_at_every_stage() {
        let starting = b"42\n/d\n1700000000\n5432\n/run/x y\n";
        let record = |ready| Some(Record { pid: 42, socket_dir: Some(PathBuf::from("/run/x y")), ready });
        assert_eq!(Record::parse(starting), record(false));
        let text = |status: &str| format!("42\n/d\n1700000000\n5432\n/run/x y\n\n  8126480  11\n{status}\n");
        assert_eq!(Record::parse(text("starting").as_bytes()), record(false));
        assert_eq!(Record::parse(text("ready   ").as_bytes()), record(true));
        assert_eq!(Record::parse(text("stopping").as_bytes()), record(false));
        assert_eq!(Record::parse(b"-42\n/d\n"), Some(Record { pid: 42, socket_dir: None, ready: false }));
        assert_eq!(Record::parse(b""), None);
        assert_eq!(Record::parse(b"rubbish\n"), None);
    }

    #[test]
    fn another_process_is_not_the_server() {
        let pgdata = tempfile::tempdir().unwrap();
        let me = Record { pid: i32::try_from(std::process::id()).unwrap(), socket_dir: None, ready: true };
        assert!(me.number_is_taken());
        assert!(!me.is_true(pgdata.path()));
        let nobody = Record { pid: i32::MAX, socket_dir: None, ready: true };
        assert!(!nobody.number_is_taken());
        let zero = Record { pid: 0, socket_dir: None, ready: true };
        assert!(!zero.number_is_taken());
    }
}
