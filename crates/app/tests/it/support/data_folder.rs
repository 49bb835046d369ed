//! Data folders for a PostgreSQL of their own.

use std::path::PathBuf;

use tempfile::TempDir;

/// A data folder. Whatever still works in it is killed when it is dropped.
pub(crate) struct DataFolder(TempDir);

impl DataFolder {
    pub(crate) fn new() -> Self {
        // Started by root, PostgreSQL runs as another user, who passes through here.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        Self(tempfile::Builder::new().prefix("bwp-test").permissions(mode).tempdir_in("/tmp").expect("a folder"))
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn arguments(&self) -> [String; 2] {
        ["--data-dir".to_owned(), self.data_dir().to_str().expect("UTF-8").to_owned()]
    }

    /// The postmaster first, then its children: all that work in the cluster's folder.
    pub(crate) fn postgres_processes(&self) -> Vec<u32> {
        let pgdata = self.data_dir().join("postgres/data");
        let record = std::fs::read_to_string(pgdata.join("postmaster.pid")).unwrap_or_default();
        let postmaster: Option<u32> = record.lines().next().and_then(|line| line.parse().ok());
        let mut found: Vec<u32> = std::fs::read_dir("/proc")
            .expect("readable")
            .flatten()
            .filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder == pgdata))
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        found.sort_by_key(|pid| Some(*pid) != postmaster);
        found
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        for _ in 0..200 {
            let left: Vec<_> = self.postgres_processes().iter().map(ToString::to_string).collect();
            if left.is_empty() {
                return;
            }
            // Some may go by themselves meanwhile.
            let _ =
                std::process::Command::new("kill").arg("-9").args(left).stderr(std::process::Stdio::null()).status();
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
