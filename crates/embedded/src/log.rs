//! The server's log file.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{EmbeddedError, error::IoContext, files};

/// A log of this size, in bytes, is put aside at the next start.
const LARGE: u64 = 10 * 1024 * 1024;

/// How much of the end of an output goes into an error, in lines.
const TAIL_LINES: usize = 20;

/// How much of the end of a log is read for that, in bytes.
const TAIL_BYTES: u64 = 16 * 1024;

/// A log file, and where this start's part of it begins.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    start: u64,
}

impl Log {
    /// Opens the log for appending; a large one is first put aside as `<name>.1`.
    pub(crate) fn open(path: &Path) -> Result<Self, EmbeddedError> {
        if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.len() > LARGE) {
            let mut aside = path.as_os_str().to_owned();
            aside.push(".1");
            fs::rename(path, aside).context("rename", path)?;
        }
        let file = files::open_kept(path, OpenOptions::new().append(true).create(true))?;
        let start = file.metadata().context("read", path)?.len();
        Ok(Self { file, path: path.to_owned(), start })
    }

    /// The last lines that were written since it was opened.
    pub(crate) fn tail(&self) -> String {
        tail_of_file(&self.path, self.start)
    }
}

/// The last lines of a file, of what comes after `start` (in bytes).
pub(crate) fn tail_of_file(path: &Path, start: u64) -> String {
    let read = |mut file: File| -> std::io::Result<Vec<u8>> {
        let start = start.max(file.metadata()?.len().saturating_sub(TAIL_BYTES));
        file.seek(SeekFrom::Start(start))?;
        let mut text = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut text)?;
        Ok(text)
    };
    match files::open_to_read(path).and_then(|file| read(file).map_err(files::failed("read", path))) {
        Ok(text) => tail(&text),
        Err(error) => format!("(it cannot be read: {error})"),
    }
}

/// The last lines of an output.
pub(crate) fn tail(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_large_log_is_put_aside_and_the_tail_is_of_this_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("postgres.log");
        fs::write(&path, "before\n").unwrap();
        let mut log = Log::open(&path).unwrap();
        log.file.write_all(b"after\n").unwrap();
        assert_eq!(log.tail(), "after");

        File::options().write(true).open(&path).unwrap().set_len(LARGE + 1).unwrap();
        let log = Log::open(&path).unwrap();
        assert_eq!(log.file.metadata().unwrap().len(), 0);
        assert_eq!(fs::metadata(folder.path().join("postgres.log.1")).unwrap().len(), LARGE + 1);
    }

    #[test]
    fn a_link_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        fs::write(&target, "").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(Log::open(&link).is_err());
        let hard = folder.path().join("hard");
        fs::hard_link(&target, &hard).unwrap();
        assert!(Log::open(&hard).is_err());
    }
}
