//! Files that jobs make.

use bwp_domain::{
    files::{FileName, ports::FileWriter},
    jobs::{errors_header, errors_row, ports::Lease},
};
use bytes::Bytes;

use super::{JobError, JobPorts, UNFINISHED};

/// How many bytes are written at once.
const PIECE: usize = 256 * 1024;
/// How many errors are read at once.
const ERRORS: i64 = 500;

/// A new name for a file of the job. It is noted first: a file of which nothing comes is thrown away one day.
pub(super) async fn new_file(ports: &JobPorts, lease: &Lease) -> Result<FileName, JobError> {
    let name = FileName::generate(FileName::ARTIFACTS, &*ports.environment.entropy);
    let until = ports.environment.clock.now().plus(UNFINISHED);
    ports.queue.keep(lease.tenant, &name, until).await?;
    Ok(name)
}

/// Writes a file in pieces.
pub(super) struct Pieces {
    writer: Box<dyn FileWriter>,
    /// What is not written yet.
    pub(super) buffer: Vec<u8>,
    written: u64,
}

impl Pieces {
    pub(super) async fn create(ports: &JobPorts, name: &FileName) -> Result<Self, JobError> {
        Ok(Self { writer: ports.files.create(name).await?, buffer: Vec::new(), written: 0 })
    }

    /// Writes what has come together, if it is enough.
    pub(super) async fn flush(&mut self) -> Result<(), JobError> {
        if self.buffer.len() >= PIECE { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<(), JobError> {
        let piece = std::mem::take(&mut self.buffer);
        self.written += piece.len() as u64;
        Ok(self.writer.write(Bytes::from(piece)).await?)
    }

    /// Completes the file, and gives how many bytes it has.
    pub(super) async fn complete(mut self) -> Result<u64, JobError> {
        self.write().await?;
        self.writer.complete().await?;
        Ok(self.written)
    }
}

/// Writes the file that tells of a job's errors.
pub(super) async fn errors(ports: &JobPorts, lease: &Lease) -> Result<FileName, JobError> {
    let name = new_file(ports, lease).await?;
    let mut file = Pieces::create(ports, &name).await?;
    errors_header(&mut file.buffer);
    let mut behind = 0;
    loop {
        let errors = ports.queue.errors(lease, behind, ERRORS).await?;
        let Some(last) = errors.last() else { break };
        behind = last.row;
        for error in &errors {
            errors_row(&mut file.buffer, error);
            file.flush().await?;
        }
    }
    file.complete().await?;
    Ok(name)
}
