//! Folders that one user alone can enter.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::Path,
};

use nix::{fcntl::OFlag, unistd::geteuid};

use crate::{
    EmbeddedError,
    account::{Account, user_name},
    error::IoContext,
};

/// Makes a folder with mode 0700 that belongs to the account, unless it stands already. Its parent must exist.
///
/// # Errors
/// [`EmbeddedError::Untrusted`] when a link or another user's folder stands there: in `/tmp` anybody may have put it.
pub(crate) fn make_private(path: &Path, account: &Account) -> Result<(), EmbeddedError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error).context("make the folder", path),
        _ => {}
    }
    let folder = open_folder(path)?;
    let metadata = folder.metadata().context("read", path)?;
    if metadata.uid() != account.uid {
        // Root's own folder was made here, or by a process that was killed before it came to this line.
        if metadata.uid() != geteuid().as_raw() {
            return Err(untrusted_owner(path, metadata.uid(), account));
        }
        fchown(&folder, Some(account.uid), Some(account.gid)).context("change the owner of", path)?;
    }
    if metadata.mode() & 0o777 != 0o700 {
        folder.set_permissions(Permissions::from_mode(0o700)).context("change the mode of", path)?;
    }
    Ok(())
}

/// Refuses a folder that is a link or does not belong to the account.
pub(crate) fn check_private(path: &Path, account: &Account) -> Result<(), EmbeddedError> {
    let owner = open_folder(path)?.metadata().context("read", path)?.uid();
    if owner == account.uid { Ok(()) } else { Err(untrusted_owner(path, owner, account)) }
}

/// Lets the account's group pass through a folder of this process's own that no group could use so far. Returns whether
/// the account can enter it now.
pub(crate) fn admit(path: &Path, account: &Account) -> Result<bool, EmbeddedError> {
    if account.can_enter(path)? {
        return Ok(true);
    }
    let parent_admits = path.parent().map_or(Ok(true), |parent| account.can_enter(parent))?;
    let folder = open_folder(path)?;
    let metadata = folder.metadata().context("read", path)?;
    if !parent_admits || metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o070 != 0 {
        return Ok(false);
    }
    fchown(&folder, None, Some(account.gid)).context("change the group of", path)?;
    let mode = metadata.mode() & 0o7777 | 0o010;
    folder.set_permissions(Permissions::from_mode(mode)).context("change the mode of", path)?;
    account.can_enter(path)
}

/// Makes the data folder, mode 0700, and what is missing above it with the usual mode.
pub(crate) fn make_data_dir(path: &Path) -> Result<(), EmbeddedError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).context("make the folder", parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.context("make the folder", path),
    }
}

/// Removes a folder and all that is in it, if it exists.
pub(crate) fn remove(path: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.context("remove", path),
    }
}

/// Removes a file, if it exists.
pub(crate) fn remove_file(path: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.context("remove", path),
    }
}

/// Opens the folder itself: what is done to the open folder cannot hit another that is put in its place meanwhile.
fn open_folder(path: &Path) -> Result<File, EmbeddedError> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path).map_err(|source| {
        match fs::symlink_metadata(path) {
            Ok(metadata) if !metadata.is_dir() => {
                EmbeddedError::Untrusted { path: path.to_owned(), reason: "it is not a folder".to_owned() }
            }
            Ok(metadata) if metadata.uid() != geteuid().as_raw() => EmbeddedError::Untrusted {
                path: path.to_owned(),
                reason: format!("it belongs to user {}", user_name(metadata.uid())),
            },
            _ => EmbeddedError::Io { action: "open", path: path.to_owned(), source },
        }
    })
}

fn untrusted_owner(path: &Path, owner: u32, account: &Account) -> EmbeddedError {
    EmbeddedError::Untrusted {
        path: path.to_owned(),
        reason: format!("it belongs to user {}, not to {}", user_name(owner), account.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Account {
        Account::choose(Path::new("/nonexistent"), &[]).unwrap()
    }

    #[test]
    fn a_private_folder_is_made_once_and_tightened() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("x");
        make_private(&path, &me()).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        make_private(&path, &me()).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.mode() & 0o777, metadata.uid()), (0o700, me().uid));
    }

    #[test]
    fn links_and_files_are_refused() {
        let base = tempfile::tempdir().unwrap();
        let target = base.path().join("target");
        let link = base.path().join("link");
        fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(make_private(&link, &me()), Err(EmbeddedError::Untrusted { .. })));
        assert!(matches!(check_private(&link, &me()), Err(EmbeddedError::Untrusted { .. })));
        let file = base.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(make_private(&file, &me()), Err(EmbeddedError::Untrusted { .. })));
    }

    #[test]
    fn another_users_folder_is_refused() {
        if !geteuid().is_root() {
            return;
        }
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("x");
        fs::create_dir(&path).unwrap();
        std::os::unix::fs::chown(&path, Some(12345), Some(12345)).unwrap();
        let message = make_private(&path, &me()).unwrap_err().to_string();
        assert!(message.contains("it belongs to user 12345"), "{message}");
    }
}
