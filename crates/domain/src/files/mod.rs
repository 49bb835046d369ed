//! Files: bytes that are too many for a row. Documents, uploads and what jobs make are kept so.
//!
//! A file has a [name](FileName) that nobody can guess and that says nothing. It is written part by part, is there as a whole or
//! not at all, and never changes. Who may have it, what it is called and what it is about stands in rows.

mod media_type;
pub mod ports;

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

pub use media_type::{MediaType, SAMPLE};

use crate::entropy::Entropy;

/// The name of a file in a store: a folder, which says what kind of file it is, and 32 random hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileName(String);

/// A text that is no name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a file")]
pub struct NoFileName;

impl FileName {
    /// The folder of what people upload as documents.
    pub const DOCUMENTS: &'static str = "documents";
    /// The folder of what is uploaded for jobs to read.
    pub const UPLOADS: &'static str = "uploads";
    /// The folder of what jobs make.
    pub const ARTIFACTS: &'static str = "artifacts";

    const DIGITS: usize = 32;

    /// A new name in one of the folders above.
    pub fn generate(folder: &'static str, entropy: &dyn Entropy) -> Self {
        let mut random = [0; Self::DIGITS / 2];
        entropy.fill(&mut random);
        Self(format!("{folder}/{:0width$x}", u128::from_be_bytes(random), width = Self::DIGITS))
    }

    /// The name as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FileName {
    type Err = NoFileName;

    fn from_str(text: &str) -> Result<Self, NoFileName> {
        let (folder, digits) = text.split_once('/').ok_or(NoFileName)?;
        let known = [Self::DOCUMENTS, Self::UPLOADS, Self::ARTIFACTS].contains(&folder);
        let random = digits.len() == Self::DIGITS && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if known && random { Ok(Self(text.to_owned())) } else { Err(NoFileName) }
    }
}

/// The SHA-256 of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileDigest([u8; 32]);

impl FileDigest {
    /// The digest that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest, to be stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// As hexadecimal digits.
impl fmt::Display for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Learns of a file's bytes as they pass: their digest, how many they are, and what they are.
#[derive(Clone, Default)]
pub struct Measure {
    hash: Sha256,
    size: u64,
    sample: Vec<u8>,
}

/// What a [`Measure`] has learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The digest of all bytes.
    pub digest: FileDigest,
    /// How many they are.
    pub size: u64,
    /// The first of them: [`SAMPLE`], or all.
    pub sample: Vec<u8>,
}

impl Measure {
    /// Takes the next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        let missing = SAMPLE.saturating_sub(self.sample.len()).min(bytes.len());
        self.sample.extend_from_slice(bytes.get(..missing).unwrap_or_default());
    }

    /// How many bytes it was given so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// What it has learned.
    pub fn end(self) -> Measured {
        Measured { digest: FileDigest(self.hash.finalize().into()), size: self.size, sample: self.sample }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            (0..).zip(bytes).for_each(|(n, byte)| *byte = n);
        }
    }

    #[test]
    fn a_name_is_opaque_and_reads_back() {
        let name = FileName::generate(FileName::DOCUMENTS, &Counting);
        assert_eq!(name.as_str(), "documents/000102030405060708090a0b0c0d0e0f");
        assert_eq!(name.as_str().parse(), Ok(name));
    }

    #[test]
    fn what_leads_elsewhere_is_no_name() {
        let digits = "0".repeat(32);
        for text in [
            String::new(),
            digits.clone(),
            format!("/{digits}"),
            format!("../{digits}"),
            format!("secrets/{digits}"),
            format!("documents/{digits}0"),
            format!("documents/../{digits}"),
            format!("documents/{}", "0".repeat(31)),
            format!("documents/{}A", "0".repeat(31)),
            format!("documents/{}#1", "0".repeat(30)),
        ] {
            assert_eq!(text.parse::<FileName>(), Err(NoFileName), "{text}");
        }
    }

    #[test]
    fn bytes_are_measured_however_they_are_parted() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(3 * SAMPLE).collect();
        let measured = |part: usize| {
            let mut measure = Measure::default();
            bytes.chunks(part).for_each(|part| measure.take(part));
            measure.end()
        };
        let whole = measured(bytes.len());
        assert_eq!((whole.size, whole.sample.len()), (bytes.len() as u64, SAMPLE));
        assert_eq!(whole.digest.as_bytes()[..], Sha256::digest(&bytes)[..]);
        for part in [1, 7, SAMPLE, SAMPLE + 1] {
            assert_eq!(measured(part), whole);
        }
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Measure::default().end().digest.to_string(), empty);
    }
}
