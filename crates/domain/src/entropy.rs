//! Randomness, as a port.

/// Where unpredictable bytes come from.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Entropy: Send + Sync {
    /// Fills `bytes` from a source fit for secrets. MUST NOT return with any byte left as it was by a failure:
    /// a source that cannot answer ends the process.
    fn fill(&self, bytes: &mut [u8]);
}
