//! What a process that was killed left of files that it was writing.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use bwp_domain::files::ports::FileError;

use crate::Files;

/// Nobody writes a file for so long.
const OLD: Duration = Duration::from_hours(24);

impl Files {
    /// Throws away what was begun a day ago and has not become a file. To be called once when a server starts: it looks at each
    /// file of a folder. Gives how many there were.
    ///
    /// # Errors
    /// The folder cannot be read.
    #[expect(clippy::disallowed_methods, reason = "files are dated by the machine's clock")]
    pub async fn sweep(&self) -> Result<usize, FileError> {
        let Some(folder) = self.folder().map(Path::to_owned) else { return Ok(0) };
        let swept = tokio::task::spawn_blocking(move || sweep(&folder, SystemTime::now() - OLD)).await;
        swept
            .map_err(|error| FileError::Unavailable(error.to_string()))?
            .map_err(|error| FileError::Unavailable(format!("looking for unfinished files: {error}")))
    }
}

fn sweep(folder: &Path, before: SystemTime) -> io::Result<usize> {
    let kinds = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        kinds => kinds?,
    };
    let mut swept = 0;
    for kind in kinds {
        let kind = kind?;
        if !kind.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(kind.path())? {
            let file = file?;
            if is_unfinished(&file.file_name().to_string_lossy()) && file.metadata()?.modified()? < before {
                fs::remove_file(file.path())?;
                swept += 1;
            }
        }
    }
    Ok(swept)
}

/// As the store names what is not whole yet.
fn is_unfinished(name: &str) -> bool {
    let number = name.split_once('#').map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "files are dated by the machine's clock")]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_old_and_unfinished_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(sweep(&folder.path().join("none"), SystemTime::now()).expect("swept"), 0);
        let documents = folder.path().join("documents");
        fs::create_dir(&documents).expect("made");
        for name in ["0a", "0a#1", "0b#12", "0c#", "0d#x1"] {
            fs::write(documents.join(name), "x").expect("written");
        }
        assert_eq!(sweep(folder.path(), SystemTime::now() - OLD).expect("swept"), 0);
        assert_eq!(sweep(folder.path(), SystemTime::now() + OLD).expect("swept"), 2);
        let mut left: Vec<_> =
            fs::read_dir(&documents).expect("read").map(|file| file.expect("a file").file_name()).collect();
        left.sort();
        assert_eq!(left, ["0a", "0c#", "0d#x1"]);
    }
}
