//! What looks into PDFs: poppler's programs and qpdf.

use std::{fs, path::PathBuf, process::Command};

use bwp_domain::papers::Paper;

/// A PDF in a folder of its own. With `BWP_PDF_SAMPLES` it is kept there under its name, for people to look at.
pub(crate) struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// Prints a document, and makes sure that the file is sound.
pub(crate) fn printed(name: &str, paper: &Paper) -> File {
    let bytes = bwp_pdf::render(paper).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{name}.pdf"));
    fs::write(&path, &bytes).unwrap();
    if let Ok(kept) = std::env::var("BWP_PDF_SAMPLES") {
        fs::write(PathBuf::from(kept).join(format!("{name}.pdf")), &bytes).unwrap();
    }
    let file = File { _folder: folder, path, bytes };
    let checked = file.run("qpdf", &["--check"], &[]);
    assert!(checked.contains("No syntax or stream encoding errors found"), "{name}: {checked}");
    file
}

impl File {
    fn run(&self, program: &str, before: &[&str], behind: &[&str]) -> String {
        let output = Command::new(program).args(before).arg(&self.path).args(behind).output();
        let output = output.unwrap_or_else(|error| panic!("{program} (scripts/test installs it): {error}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{program}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// The text of all pages as it stands, page by page.
    pub(crate) fn pages(&self) -> Vec<String> {
        let text = self.run("pdftotext", &["-layout"], &["-"]);
        text.trim_end_matches('\u{c}').split('\u{c}').map(str::to_owned).collect()
    }

    /// The words of all pages, with one blank between two.
    pub(crate) fn words(&self) -> String {
        let text = self.run("pdftotext", &["-raw"], &["-"]);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What poppler says of the file: title, tags, pages.
    pub(crate) fn info(&self) -> String {
        self.run("pdfinfo", &[], &[])
    }

    /// The tags with their text, as those get them who do not see the page.
    pub(crate) fn structure(&self) -> String {
        self.run("pdfinfo", &["-struct-text"], &[])
    }

    /// Whether it says that it is PDF/UA-1, which it only does if all that can be checked is as that wants it.
    pub(crate) fn is_accessible(&self) -> bool {
        self.run("pdfinfo", &["-meta"], &[]).contains("pdfuaid:part")
    }
}
