//! What every store of files must do, over a folder.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bwp_domain::{
    entropy::Entropy,
    files::{
        FileName,
        ports::{FileReader, FileStore},
    },
};
use bwp_files::Files;
use bytes::Bytes;
use tempfile::TempDir;

struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn name(number: u8) -> FileName {
    FileName::generate(FileName::DOCUMENTS, &Fixed(number))
}

fn files() -> (TempDir, Files) {
    let folder = tempfile::tempdir().expect("a folder");
    let files = Files::in_folder(folder.path().join("files"));
    (folder, files)
}

/// Bytes that differ from place to place.
fn part(number: usize, size: usize) -> Bytes {
    (0..size).map(|at| u8::try_from((number * 31 + at) % 251).expect("below 251")).collect()
}

async fn read(mut reader: Box<dyn FileReader>) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(bytes) = reader.next().await.expect("readable") {
        all.extend_from_slice(&bytes);
    }
    all
}

async fn write(files: &Files, name: &FileName, parts: &[Bytes]) {
    let mut writer = files.create(name).await.expect("begun");
    for part in parts {
        writer.write(part.clone()).await.expect("written");
    }
    writer.complete().await.expect("complete");
}

/// Every file in the folder, whatever it is.
fn lying_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { lying_in(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn what_is_written_is_read() {
    let (folder, files) = files();
    // More than is sent to a store at once, in parts of every size, and nothing at all.
    let parts: Vec<Bytes> =
        (0..40).map(|number| part(number, 1 + number * 10_007)).chain([part(41, 13_000_000)]).collect();
    let whole = parts.concat();
    write(&files, &name(1), &parts).await;
    write(&files, &name(2), &[]).await;
    let open =
        async |name: FileName, range| read(files.open(&name, range).await.expect("answers").expect("there")).await;
    assert_eq!(files.size(&name(1)).await, Ok(Some(whole.len() as u64)));
    assert!(open(name(1), None).await == whole, "as it was written");
    for (from, to) in [(0, 1), (5, 70_000), (whole.len() - 1, whole.len()), (0, whole.len())] {
        assert!(open(name(1), Some(from as u64..to as u64)).await == whole[from..to], "{from}..{to}");
    }
    assert_eq!((files.size(&name(2)).await, open(name(2), None).await), (Ok(Some(0)), Vec::new()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder.path().join("files").metadata().expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "nobody else enters");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_and_deleted_once_and_again() {
    let (_folder, files) = files();
    assert_eq!(files.size(&name(1)).await, Ok(None));
    assert!(files.open(&name(1), None).await.expect("answers").is_none());
    files.delete(&name(1)).await.expect("no error");
    write(&files, &name(1), &[part(1, 10)]).await;
    for _ in 0..2 {
        files.delete(&name(1)).await.expect("deleted");
        assert_eq!(files.size(&name(1)).await, Ok(None));
    }
}

#[tokio::test]
async fn nobody_sees_a_file_before_it_is_whole_and_nothing_stays_of_one_that_never_is() {
    let (folder, files) = files();
    let mut writer = files.create(&name(1)).await.expect("begun");
    for number in 0..3 {
        writer.write(part(number, 5_000_000)).await.expect("written");
        assert_eq!(files.size(&name(1)).await, Ok(None));
        assert!(files.open(&name(1), None).await.expect("answers").is_none());
    }
    assert_eq!(lying_in(folder.path()).len(), 1, "it is on the disk and not in memory");
    drop(writer);
    // That is done aside.
    while !lying_in(folder.path()).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(files.size(&name(1)).await, Ok(None));
}

#[tokio::test]
async fn a_reader_goes_on_with_a_file_that_is_deleted_meanwhile() {
    let (_folder, files) = files();
    let whole = part(1, 3_000_000);
    write(&files, &name(1), std::slice::from_ref(&whole)).await;
    let mut reader = files.open(&name(1), None).await.expect("answers").expect("there");
    let first = reader.next().await.expect("readable").expect("not the end");
    files.delete(&name(1)).await.expect("deleted");
    assert!([first.to_vec(), read(reader).await].concat() == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_write_at_once() {
    let (folder, files) = files();
    let files = Arc::new(files);
    let tasks = (0..16_u8).map(|number| {
        let files = Arc::clone(&files);
        tokio::spawn(async move { write(&files, &name(number), &[part(usize::from(number), 300_000)]).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("written");
    }
    assert_eq!(lying_in(folder.path()).len(), 16);
    for number in 0..16 {
        let reader = files.open(&name(number), None).await.expect("answers").expect("there");
        assert!(read(reader).await == part(usize::from(number), 300_000));
    }
}

#[test]
fn a_place_is_a_folder_or_a_bucket() {
    for place in ["files", "/var/lib/bwp/files", "file:///var/lib/bwp/files"] {
        assert!(Files::at(place).is_ok(), "{place}");
    }
    for place in ["http://example.com/files", "ftp://x", "file://relative", "s3://"] {
        assert!(Files::at(place).is_err(), "{place}");
    }
}
