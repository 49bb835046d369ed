//! The server binaries on this machine.

use std::{
    env,
    ffi::OsString,
    fmt, fs,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{EmbeddedError, platform};

/// The oldest major version of PostgreSQL that works.
pub const MINIMUM_MAJOR: u32 = 15;

/// Where platforms put the binaries; `*` stands for anything in one name. Tried in this order after PATH.
const USUAL_PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/bin",
    "/usr/pgsql-*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// The binaries of one PostgreSQL version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The folder that holds `postgres` and `initdb`.
    pub bin_dir: PathBuf,
    /// Their version.
    pub version: Version,
}

/// A version of PostgreSQL. A major version has its own file format; minor ones share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The 15 of 15.4.
    pub major: u32,
    /// The 4 of 15.4; 0 for a release that is not final.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.version, self.bin_dir.display())
    }
}

impl Installation {
    /// The program of that name from this installation; from PATH when the client programs are packaged elsewhere.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let own = self.bin_dir.join(name);
        if own.is_file() { own } else { PathBuf::from(name) }
    }
}

/// Finds the server binaries: `bin_dir` when given, and nothing else; otherwise PATH, then the places where Debian,
/// Fedora, openSUSE, Alpine, Homebrew and Postgres.app put them, newest version first.
///
/// # Errors
/// [`EmbeddedError::NoInstallation`], [`EmbeddedError::TooOld`], or [`EmbeddedError::UnusableInstallation`] for a
/// `bin_dir` without a server.
pub fn find_installation(bin_dir: Option<&Path>) -> Result<Installation, EmbeddedError> {
    Search::of_this_machine(bin_dir).any()
}

/// Where to look for binaries.
pub(crate) struct Search<'a> {
    bin_dir: Option<&'a Path>,
    path: OsString,
    places: Vec<String>,
}

impl<'a> Search<'a> {
    pub(crate) fn of_this_machine(bin_dir: Option<&'a Path>) -> Self {
        Self {
            bin_dir,
            path: env::var_os("PATH").unwrap_or_default(),
            places: USUAL_PLACES.iter().map(|&place| place.to_owned()).collect(),
        }
    }

    /// The first installation that is new enough.
    pub(crate) fn any(&self) -> Result<Installation, EmbeddedError> {
        self.first(|version| version.major >= MINIMUM_MAJOR)?.map_err(|others| {
            match (self.bin_dir, others.as_slice()) {
                (Some(path), [other]) => EmbeddedError::UnusableInstallation {
                    path: path.to_owned(),
                    reason: format!("its version is {}, and {MINIMUM_MAJOR} or newer is needed", other.version),
                },
                (_, []) => EmbeddedError::NoInstallation {
                    install: platform::install_command(None),
                    looked_in: format!("PATH, {}", self.places.join(", ")),
                },
                (_, others) => EmbeddedError::TooOld {
                    minimum: MINIMUM_MAJOR,
                    found: list(others),
                    install: platform::install_command(None),
                },
            }
        })
    }

    /// The first installation that can run the existing `cluster`, made by `major`.
    pub(crate) fn for_cluster(&self, cluster: &Path, major: u32) -> Result<Installation, EmbeddedError> {
        self.first(|version| version.major == major)?.map_err(|others| {
            if others.is_empty() {
                EmbeddedError::NoInstallation {
                    install: platform::install_command(Some(major)),
                    looked_in: format!("PATH, {}", self.places.join(", ")),
                }
            } else {
                EmbeddedError::OtherVersion {
                    cluster: cluster.to_owned(),
                    major,
                    found: list(&others),
                    install: platform::install_command(Some(major)),
                }
            }
        })
    }

    /// The first installation whose version suits; otherwise (the inner error) all that did not suit.
    fn first(&self, suits: impl Fn(Version) -> bool) -> Result<Result<Installation, Vec<Installation>>, EmbeddedError> {
        let mut others = Vec::new();
        for bin_dir in self.folders()? {
            match version_of(&bin_dir) {
                Ok(version) => {
                    let installation = Installation { bin_dir, version };
                    if suits(version) {
                        return Ok(Ok(installation));
                    }
                    others.push(installation);
                }
                Err(reason) if self.bin_dir.is_some() => {
                    return Err(EmbeddedError::UnusableInstallation { path: bin_dir, reason });
                }
                Err(reason) => tracing::debug!(bin_dir = %bin_dir.display(), reason, "PostgreSQL binaries passed over"),
            }
        }
        Ok(Err(others))
    }

    /// The folders that hold the binaries, best first, each once.
    fn folders(&self) -> Result<Vec<PathBuf>, EmbeddedError> {
        if let Some(path) = self.bin_dir {
            return match real_bin_dir(path) {
                Some(folder) => Ok(vec![folder]),
                None => Err(EmbeddedError::UnusableInstallation {
                    path: path.to_owned(),
                    reason: "it does not hold both postgres and initdb".to_owned(),
                }),
            };
        }
        // A relative entry of PATH would mean another folder once the working folder changes.
        let from_path = env::split_paths(&self.path).filter(|folder| folder.is_absolute());
        let from_places = self.places.iter().flat_map(|place| expand(place));
        let mut folders = Vec::new();
        for folder in from_path.chain(from_places).filter_map(|folder| real_bin_dir(&folder)) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        Ok(folders)
    }
}

fn list(installations: &[Installation]) -> String {
    installations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The folder where the `postgres` in `folder` really lies, if `initdb` lies beside it: a link to `postgres` alone may
/// be in PATH, and the server finds its own files from its real place.
fn real_bin_dir(folder: &Path) -> Option<PathBuf> {
    let postgres = fs::canonicalize(folder.join("postgres")).ok()?;
    let real = postgres.parent()?;
    (postgres.is_file() && real.join("initdb").is_file()).then(|| real.to_owned())
}

/// The folders that a pattern stands for, highest version first.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in Path::new(pattern).components() {
        let wildcard = match component {
            Component::Normal(name) => name.to_str().and_then(|name| name.split_once('*')),
            _ => None,
        };
        match wildcard {
            None => found.iter_mut().for_each(|path| path.push(component)),
            Some((before, after)) => {
                found = found.iter().flat_map(|folder| matching(folder, before, after)).collect();
            }
        }
    }
    found
}

/// The entries of `folder` whose names begin and end so, highest number first.
fn matching(folder: &Path, before: &str, after: &str) -> Vec<PathBuf> {
    let mut matches: Vec<(f64, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let middle = name.strip_prefix(before)?.strip_suffix(after)?;
            let number = middle.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0.0);
            Some((number, entry.path()))
        })
        .collect();
    matches.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    matches.into_iter().map(|(_, path)| path).collect()
}

/// The version that the `postgres` in a folder says it is, or why it does not say.
fn version_of(bin_dir: &Path) -> Result<Version, String> {
    let output = Command::new(bin_dir.join("postgres"))
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("its postgres cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    parse_version(&said).ok_or_else(|| format!("its postgres does not tell its version but {:?}", said.trim()))
}

/// Reads `postgres (PostgreSQL) 15.4 (Debian 15.4-1)` and, for unfinished releases, `… 18beta1`.
fn parse_version(said: &str) -> Option<Version> {
    let number = said.split_once("(PostgreSQL) ")?.1;
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse::<u32>().ok()
    };
    let major = digits(number)?;
    let minor = number.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('.').and_then(digits);
    Some(Version { major, minor: minor.unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder with a `postgres` that only tells its version, and an `initdb`.
    fn fake(bin_dir: &Path, version: &str) {
        fs::create_dir_all(bin_dir).unwrap();
        for name in ["postgres", "initdb"] {
            let program = bin_dir.join(name);
            fs::write(&program, format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    fn search(path: &Path, places: &[PathBuf]) -> Search<'static> {
        Search {
            bin_dir: None,
            path: path.as_os_str().to_owned(),
            places: places.iter().map(|place| place.to_str().unwrap().to_owned()).collect(),
        }
    }

    #[test]
    fn versions_are_read() {
        let version = |major, minor| Some(Version { major, minor });
        assert_eq!(parse_version("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), version(15, 13));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1\n"), version(18, 0));
        assert_eq!(parse_version("postgres (PostgreSQL) 9.6.24\n"), version(9, 6));
        assert_eq!(parse_version("bash: not found"), None);
    }

    #[test]
    fn no_binaries_give_one_message_that_says_what_to_install() {
        let empty = tempfile::tempdir().unwrap();
        let message = search(empty.path(), &[empty.path().join("*/bin")]).any().unwrap_err().to_string();
        assert!(message.contains("no PostgreSQL server was found"), "{message}");
        assert!(message.contains(&platform::install_command(None)), "{message}");
        assert!(message.contains("--database-url"), "{message}");
        assert!(message.contains(&format!("Looked in PATH, {}/*/bin", empty.path().display())), "{message}");
    }

    #[test]
    fn path_comes_first_then_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for version in ["9.6", "15", "16", "17"] {
            fake(&root.join(version).join("bin"), &format!("{version}.1"));
        }
        let places = [root.join("*/bin")];
        let on_path = root.join("path");
        fs::create_dir(&on_path).unwrap();
        assert_eq!(search(&on_path, &places).any().unwrap().version.major, 17);

        std::os::unix::fs::symlink(root.join("16/bin/postgres"), on_path.join("postgres")).unwrap();
        let found = search(&on_path, &places).any().unwrap();
        assert_eq!(found, Installation { bin_dir: root.join("16/bin"), version: Version { major: 16, minor: 1 } });

        let cluster = Path::new("/cluster");
        assert_eq!(search(&on_path, &places).for_cluster(cluster, 15).unwrap().version.major, 15);
        let message = search(&on_path, &places).for_cluster(cluster, 14).unwrap_err().to_string();
        assert!(message.contains("made by PostgreSQL 14, and only 16.1 in "), "{message}");
    }

    #[test]
    fn old_versions_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("bin");
        fake(&bin, "14.9");
        let nowhere = Path::new("/nonexistent");
        let message = search(nowhere, std::slice::from_ref(&bin)).any().unwrap_err().to_string();
        assert!(message.contains("15 or newer is needed, and only 14.9 in "), "{message}");
        let message = find_installation(Some(&bin)).unwrap_err().to_string();
        assert!(message.contains("its version is 14.9"), "{message}");
        let message = find_installation(Some(root.path())).unwrap_err().to_string();
        assert!(message.contains("does not hold both postgres and initdb"), "{message}");
    }
}
