//! Whom a server's certificate must be signed by.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::TlsError;

/// Certificate authorities that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those that the operating system trusts.
    System,
    /// Those in a file, in PEM form.
    File(PathBuf),
}

impl Roots {
    /// As `sslrootcert` names them: `system`, or a file.
    pub fn named(name: &str) -> Self {
        if name == "system" { Self::System } else { Self::File(name.into()) }
    }

    pub(crate) fn load(&self) -> Result<Arc<RootCertStore>, TlsError> {
        match self {
            Self::System => system(),
            Self::File(path) => of_file(path).map(Arc::new),
        }
    }
}

/// Reading them takes some milliseconds: once, and only if somebody asks.
fn system() -> Result<Arc<RootCertStore>, TlsError> {
    static LOADED: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = LOADED.get() {
        return Ok(Arc::clone(roots));
    }
    let mut roots = RootCertStore::empty();
    // Among many there may be one that cannot be read, or is too odd; the others count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsError::NoSystemRoots);
    }
    Ok(Arc::clone(LOADED.get_or_init(|| Arc::new(roots))))
}

fn of_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("sslrootcert", path)? {
        let unusable = |error: rustls::Error| TlsError::unusable("sslrootcert", path, &error);
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(roots)
}

/// The certificates in a file that this parameter names: one at least.
pub(crate) fn certificates(parameter: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unusable = |error: rustls::pki_types::pem::Error| TlsError::unusable(parameter, path, &error);
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(unusable)?.collect();
    match certificates.map_err(unusable)? {
        none if none.is_empty() => Err(TlsError::unusable(parameter, path, &"it holds no certificate in PEM form")),
        some => Ok(some),
    }
}

/// The file in which the operating system keeps the authorities that it trusts, if it does so.
pub fn system_file() -> Option<PathBuf> {
    openssl_probe::probe().cert_file
}
