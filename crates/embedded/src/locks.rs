//! The locks by which processes take turns. The system releases a lock when its holder dies, however it dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::{
    EmbeddedError,
    error::IoContext,
    files::{self, FileError},
};

/// How long to wait for another process to start or stop the cluster. More than the longest start.
const PATIENCE: Duration = Duration::from_mins(3);

/// Held while a process makes, starts, joins or stops the cluster.
#[derive(Debug)]
pub(crate) struct StartLock(File);

impl StartLock {
    /// Waits for the lock.
    ///
    /// # Errors
    /// [`EmbeddedError::Busy`] if another process keeps it.
    pub(crate) fn acquire(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let path = data_dir.join("start.lock");
        let file = open(&path)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(error).context("lock", path),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(EmbeddedError::Busy { path, seconds: PATIENCE.as_secs() });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// The lock as the standard input of a program that does a part of the work, which reads as empty. If this process is
    /// killed, the program lives on and keeps the lock until it is done: nobody else works beside it.
    pub(crate) fn lend(&self) -> Result<Stdio, EmbeddedError> {
        self.0.try_clone().map(Stdio::from).context("open", "start.lock")
    }
}

impl Drop for StartLock {
    fn drop(&mut self) {
        release(&self.0);
    }
}

/// Held, shared, by each process for as long as it uses the cluster.
#[derive(Debug)]
pub(crate) struct UserLock {
    file: File,
    path: PathBuf,
}

impl UserLock {
    /// Says that this process uses the cluster. The caller holds the start lock, and only under that does anybody take
    /// this one exclusively: there is nothing to wait for.
    pub(crate) fn acquire(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let path = data_dir.join("users.lock");
        let file = open(&path)?;
        file.lock_shared().context("lock", &path)?;
        Ok(Self { file, path })
    }

    /// Gives the lock up, and tells whether nobody else has it. The caller holds the start lock.
    pub(crate) fn was_the_last(self) -> Result<bool, EmbeddedError> {
        // Given up first: two shared holders that both tried to convert theirs would each refuse the other.
        self.file.unlock().context("unlock", &self.path)?;
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error).context("lock", &self.path),
        }
    }
}

impl Drop for UserLock {
    fn drop(&mut self) {
        release(&self.file);
    }
}

/// Unlocks, rather than leaving it to the closing of the file: another thread that is just starting a program has a copy
/// of the open file until that program runs, and the lock would live as long.
fn release(file: &File) {
    if let Err(error) = file.unlock() {
        tracing::warn!(%error, "a lock could not be released");
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    files::open_kept(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_user_is_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let first = UserLock::acquire(folder.path()).unwrap();
        let second = UserLock::acquire(folder.path()).unwrap();
        assert!(!first.was_the_last().unwrap());
        assert!(second.was_the_last().unwrap());
    }

    #[test]
    fn one_process_starts_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = StartLock::acquire(folder.path()).unwrap();
        let path = folder.path().to_owned();
        let began = Instant::now();
        let waiter = thread::spawn(move || {
            StartLock::acquire(&path).unwrap();
            began.elapsed()
        });
        thread::sleep(Duration::from_millis(200));
        drop(first);
        assert!(waiter.join().unwrap() >= Duration::from_millis(200));
    }
}
