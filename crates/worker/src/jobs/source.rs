//! The file that an import reads.

use bwp_domain::{
    csv::{Cells, Reader},
    files::{FileName, ports::FileReader},
};

use super::{JobError, JobPorts};

/// Reads rows of a file, as they come.
pub(super) struct Source {
    /// `None`: there are no bytes (left).
    bytes: Option<Box<dyn FileReader>>,
    reader: Reader,
}

impl Source {
    /// The whole file.
    pub(super) async fn open(ports: &JobPorts, name: &FileName) -> Result<Self, JobError> {
        Self::behind(ports, name, 0, 0).await
    }

    /// The file behind its first `read` bytes, which hold so many rows.
    pub(super) async fn behind(ports: &JobPorts, name: &FileName, read: u64, rows: u64) -> Result<Self, JobError> {
        let gone = || JobError::Broken("The uploaded file is gone. Upload it again.".to_owned());
        let size = ports.files.size(name).await?.ok_or_else(gone)?;
        let reader = if read == 0 { Reader::new() } else { Reader::behind(read, rows) };
        if read >= size {
            return Ok(Self { bytes: None, reader });
        }
        let range = (read > 0).then_some(read..size);
        let bytes = ports.files.open(name, range).await?.ok_or_else(gone)?;
        Ok(Self { bytes: Some(bytes), reader })
    }

    /// Adds the next rows. `false`: there are no more.
    pub(super) async fn next(&mut self, rows: &mut Vec<Cells>) -> Result<bool, JobError> {
        let Some(bytes) = &mut self.bytes else { return Ok(false) };
        let broken = |broken: bwp_domain::csv::Broken| JobError::Broken(broken.to_string());
        if let Some(piece) = bytes.next().await? {
            self.reader.read(&piece, rows).map_err(broken)?;
        } else {
            self.reader.end(rows).map_err(broken)?;
            self.bytes = None;
        }
        Ok(true)
    }
}
