//! Files that are made or kept where others may have put something: in `/tmp`, or, by root, in a folder of another user.
//!
//! Every file that `bwp` writes is opened here. No link is followed, nothing but a regular file is opened, and a FIFO never
//! makes a caller wait.

use std::{
    fs::{self, File, FileType, Metadata, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{fcntl::OFlag, unistd::geteuid};

use crate::account::user_name;

/// The longest of the small files that are read as a whole, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Why a file was not opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Something else than a file of one's own lies there.
    #[error("{path} is {what}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What lies there: `a FIFO`, say.
        what: String,
    },

    /// The system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// Names the file and the deed in an I/O error.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError::Io { action, path: path.to_owned(), source }
}

fn unfit(path: &Path, what: impl Into<String>) -> FileError {
    FileError::Unfit { path: path.to_owned(), what: what.into() }
}

/// A file that gets its name when it is whole: under its name lies all of it, or what lay there before.
///
/// Until then it is a draft beside it, readable by its owner alone. Dropped before [`publish`](Self::publish), it is removed.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    path: PathBuf,
    /// `None` once published.
    draft: Option<PathBuf>,
}

impl NewFile {
    /// Makes the draft, with an extension that is added to the name: where others may write in the folder, one that cannot
    /// be guessed, or they could be in the way.
    ///
    /// # Errors
    /// [`FileError::Unfit`] when something lies at `path` that is no regular file, and so would be lost; an I/O error when
    /// anything at all lies in the draft's place.
    pub fn create(path: &Path, extension: &str) -> Result<Self, FileError> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if !metadata.is_file() => return Err(unfit(path, kind(metadata.file_type()))),
            // The system says what is wrong with the name, and not with the draft's. What is not there yet is made.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("write", path)(error)),
            Err(_) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => return Err(unfit(path, "no file's name")),
            Ok(_) | Err(_) => {}
        }
        let draft = path.with_added_extension(extension);
        // It follows no link: whatever lies there, a link as well, is in its way.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let file = file.map_err(failed("make", &draft))?;
        let new = Self { file, path: path.to_owned(), draft: Some(draft) };
        // Whatever the umask makes of the mode above.
        new.file.set_permissions(Permissions::from_mode(0o600)).map_err(failed("restrict", path))?;
        Ok(new)
    }

    /// The draft, to write to.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts what was written on disk, and then under its name, unless a file has it already: that one stays.
    fn publish_first(self) -> Result<(), FileError> {
        self.file.sync_all().map_err(failed("write", &self.path))?;
        match self.draft.as_ref().map(|draft| fs::hard_link(draft, &self.path)) {
            Some(Err(error)) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("write", &self.path)(error)),
            // The draft goes, and with it the file's other name.
            _ => {
                let path = self.path.clone();
                drop(self);
                sync(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
            }
        }
    }

    /// Puts what was written on disk, and then under its name, where it replaces a file.
    ///
    /// # Errors
    /// An I/O error; then the draft is gone.
    pub fn publish(mut self) -> Result<(), FileError> {
        self.file.sync_all().map_err(failed("write", &self.path))?;
        if let Some(draft) = &self.draft {
            fs::rename(draft, &self.path).map_err(failed("write", &self.path))?;
        }
        self.draft = None;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync(folder)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(draft) = &self.draft {
            // Nobody is left to tell when this fails.
            let _ = fs::remove_file(draft);
        }
    }
}

/// Reads a small secret text that is kept from start to start, and makes it with mode 0600 the first time. Of processes that make it
/// at once, all get the same.
///
/// # Errors
/// [`FileError::Unfit`] for all but a regular file of this user, root or the folder's owner; an I/O error.
pub fn kept_secret(path: &Path, make: impl FnOnce() -> String) -> Result<String, FileError> {
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        let draft = NewFile::create(path, &format!("{}.new", std::process::id()))?;
        writeln!(draft.file(), "{}", make()).map_err(failed("write", path))?;
        draft.publish_first()?;
    }
    let mut text = String::new();
    let file = open_named_once(path)?;
    file.take(LONGEST).read_to_string(&mut text).map_err(failed("read", path))?;
    Ok(text)
}

/// Opens a kept file that another process may just be giving its name: for a moment it has two.
fn open_named_once(path: &Path) -> Result<File, FileError> {
    for _ in 0..50 {
        match open_kept(path, OpenOptions::new().read(true)) {
            Err(FileError::Unfit { .. }) => std::thread::sleep(Duration::from_millis(10)),
            opened => return opened,
        }
    }
    open_kept(path, OpenOptions::new().read(true))
}

/// Opens a file that is kept from start to start, and makes it with mode 0600 if `options` say so. Root gives one that it
/// made to the owner of the folder, who must be able to open it later.
///
/// # Errors
/// [`FileError::Unfit`] for all but a regular file with one name, of this user, root or the folder's owner.
pub(crate) fn open_kept(path: &Path, options: &mut OpenOptions) -> Result<File, FileError> {
    let (file, metadata) = open(path, options.mode(0o600))?;
    if metadata.nlink() > 1 {
        return Err(unfit(path, "a file with another name elsewhere"));
    }
    let folder = path.parent().unwrap_or(path);
    let owner = fs::metadata(folder).map_err(failed("read", folder))?;
    let me = geteuid();
    if ![0, me.as_raw(), owner.uid()].contains(&metadata.uid()) {
        return Err(unfit(path, format!("a file of user {}", user_name(metadata.uid()))));
    }
    if me.is_root() && metadata.uid() == 0 && owner.uid() != 0 {
        fchown(&file, Some(owner.uid()), Some(owner.gid())).map_err(failed("change the owner of", path))?;
    }
    Ok(file)
}

/// Opens a file to read it.
pub(crate) fn open_to_read(path: &Path) -> Result<File, FileError> {
    open(path, OpenOptions::new().read(true)).map(|(file, _)| file)
}

/// Reads a small file. `None`: there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let file = match open_to_read(path) {
        Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut content = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut content).map_err(failed("read", path))?;
    if content.len() as u64 > LONGEST {
        return Err(unfit(path, "far too long"));
    }
    Ok(Some(content))
}

/// Puts what a folder lists on disk, so that a rename in it survives a crash of the machine.
pub(crate) fn sync(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|open| open.sync_all()).map_err(failed("sync", folder))
}

/// Opens a regular file. What is checked is what was opened, whatever is put in its place meanwhile.
fn open(path: &Path, options: &mut OpenOptions) -> Result<(File, Metadata), FileError> {
    // Without waiting: the other end of a FIFO may never be opened.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = options.custom_flags(flags.bits()).open(path).map_err(|source| match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => unfit(path, kind(metadata.file_type())),
        _ => failed("open", path)(source),
    })?;
    let metadata = file.metadata().map_err(failed("read", path))?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(unfit(path, kind(metadata.file_type()))) }
}

/// What it is that is no regular file.
fn kind(found: FileType) -> &'static str {
    match () {
        () if found.is_symlink() => "a symbolic link",
        () if found.is_dir() => "a folder",
        () if found.is_fifo() => "a FIFO",
        () if found.is_socket() => "a socket",
        () if found.is_char_device() || found.is_block_device() => "a device",
        () => "no regular file",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Puts one of each kind into a folder that is no regular file, and gives their names and what they are called.
    fn one_of_each(folder: &Path) -> Vec<(&'static str, &'static str)> {
        let at = |name: &str| folder.join(name);
        fs::write(at("target"), "kept").unwrap();
        symlink(at("target"), at("link")).unwrap();
        symlink(at("nothing"), at("dangling")).unwrap();
        mkfifo(&at("fifo"), Mode::S_IRWXU).unwrap();
        drop(UnixListener::bind(at("socket")).unwrap());
        fs::create_dir(at("folder")).unwrap();
        vec![
            ("link", "a symbolic link"),
            ("dangling", "a symbolic link"),
            ("fifo", "a FIFO"),
            ("socket", "a socket"),
            ("folder", "a folder"),
        ]
    }

    #[test]
    fn what_is_no_file_is_neither_replaced_nor_opened() {
        let folder = tempfile::tempdir().unwrap();
        let kinds = one_of_each(folder.path());
        let before = names(folder.path());
        for (name, what) in kinds {
            let path = folder.path().join(name);
            let expected = format!("{} is {what}", path.display());
            assert_eq!(NewFile::create(&path, "partial").unwrap_err().to_string(), expected);
            for options in
                [OpenOptions::new().append(true).create(true), OpenOptions::new().read(true).write(true).create(true)]
            {
                assert_eq!(open_kept(&path, options).unwrap_err().to_string(), expected);
            }
            assert_eq!(read(&path).unwrap_err().to_string(), expected);
        }
        assert_eq!(names(folder.path()), before);
        assert_eq!(fs::read(folder.path().join("target")).unwrap(), b"kept");
    }

    #[test]
    fn a_new_file_has_its_name_when_it_is_whole_and_nothing_stays_of_one_that_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        for publish in [false, true] {
            let new = NewFile::create(&path, "draft").unwrap();
            new.file().write_all(b"after").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"before");
            if publish {
                new.publish().unwrap();
            }
        }
        assert_eq!(fs::read(&path).unwrap(), b"after");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_draft_takes_nothing_that_lies_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("file"), folder.path().join("victim"));
        fs::write(&victim, "kept").unwrap();
        symlink(&victim, folder.path().join("file.link")).unwrap();
        fs::hard_link(&victim, folder.path().join("file.hard")).unwrap();
        symlink(folder.path().join("nothing"), folder.path().join("file.dangling")).unwrap();
        let before = names(folder.path());
        for extension in ["link", "hard", "dangling"] {
            let error = NewFile::create(&path, extension).unwrap_err().to_string();
            assert!(error.contains(&format!("file.{extension}")), "{error}");
        }
        assert_eq!(names(folder.path()), before);
        assert_eq!(fs::read(&victim).unwrap(), b"kept");
    }

    #[test]
    fn a_kept_file_has_one_name_and_an_owner_that_may_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let open = || open_kept(&path, OpenOptions::new().append(true).create(true));
        open().unwrap().write_all(b"one").unwrap();
        open().unwrap().write_all(b", two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"one, two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        fs::hard_link(&path, folder.path().join("other")).unwrap();
        assert!(open().unwrap_err().to_string().ends_with("is a file with another name elsewhere"));
        fs::remove_file(folder.path().join("other")).unwrap();
        if geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12345), Some(12345)).unwrap();
            assert!(open().unwrap_err().to_string().ends_with("is a file of user 12345"));
            std::os::unix::fs::chown(folder.path(), Some(12345), Some(12345)).unwrap();
            open().unwrap();
        }
    }

    #[test]
    fn a_secret_is_made_once_by_whoever_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let path = &path;
                    scope.spawn(move || {
                        // Processes have drafts of their own; threads of one take turns.
                        let draft = NewFile::create(path, &format!("{n}.new"));
                        if let Ok(draft) = draft {
                            writeln!(draft.file(), "{n}").unwrap();
                            draft.publish_first().unwrap();
                        }
                        kept_secret(path, || panic!("it is there")).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(made.iter().all(|secret| *secret == made[0]), "{made:?}");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(names(folder.path()), ["secret"]);
        let other = folder.path().join("other");
        assert_eq!(kept_secret(&other, || "text".to_owned()).unwrap(), "text\n");
        assert_eq!(kept_secret(&other, || "another".to_owned()).unwrap(), "text\n");
        symlink(&other, folder.path().join("link")).unwrap();
        assert!(kept_secret(&folder.path().join("link"), String::new).is_err());
    }

    #[test]
    fn a_file_without_end_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(read(&path).unwrap().is_none());
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("is far too long"));
    }
}
