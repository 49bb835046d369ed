//! What rustls is told.

use std::{fmt::Display, path::Path, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{PrivateKeyDer, pem::PemObject},
};

use crate::{
    roots::{Roots, certificates},
    unnamed::Unnamed,
};

/// What a server must prove by its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing. Who listens on the wire learns nothing; who sits in the middle does.
    Nothing,
    /// That one of these signed it, for whatever name.
    Authority(Roots),
    /// That one of these signed it for the name by which the server was called.
    AuthorityAndName(Roots),
}

/// What this client shows to a server that asks who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The file with its certificate, in PEM form.
    pub certificate: PathBuf,
    /// The file with the certificate's key, in PEM form and not encrypted.
    pub key: PathBuf,
}

/// Why TLS cannot be spoken as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is no good.
    #[error("{parameter}: {path}: {reason}")]
    File {
        /// The parameter that names it.
        parameter: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system trusts nobody.
    #[error(
        "this machine knows no certificate authorities: install its package with them (ca-certificates), or name a file \
         with the server's, sslrootcert=/path/to/ca.pem"
    )]
    NoSystemRoots,
    /// Anything else.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl TlsError {
    pub(crate) fn unusable(parameter: &'static str, path: &Path, reason: &dyn Display) -> Self {
        Self::File { parameter, path: path.display().to_string(), reason: reason.to_string() }
    }
}

/// How to speak TLS (1.2 or 1.3) to a server that must prove `check`. Reads the files that are named.
pub fn client_config(check: &Check, identity: Option<&Identity>) -> Result<ClientConfig, TlsError> {
    // Named here, so that no other crate's features decide it.
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let setup = |error: rustls::Error| TlsError::Setup(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(setup)?;
    let builder = match check {
        Check::AuthorityAndName(roots) => builder.with_root_certificates(roots.load()?),
        Check::Authority(roots) => {
            let verifier = Unnamed::new(&provider, Some(roots.load()?));
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
        Check::Nothing => builder.dangerous().with_custom_certificate_verifier(Arc::new(Unnamed::new(&provider, None))),
    };
    let Some(Identity { certificate, key }) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates("sslcert", certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::unusable("sslkey", key, &error))?;
    builder.with_client_auth_cert(chain, secret).map_err(|error| TlsError::unusable("sslkey", key, &error))
}
