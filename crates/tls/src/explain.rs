//! What to do about an error.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError};

/// What went wrong between this client and a server, and what to do about it. `None` if it was not TLS.
pub fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    let text = match find(error)? {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::InvalidMessage(_) => {
            "the server does not speak TLS here: look at the host and the port".to_owned()
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server wants a certificate from its clients: name one, sslcert=/path/to/client.pem and \
             sslkey=/path/to/client.key"
                .to_owned()
        }
        rustls::Error::AlertReceived(alert) => {
            format!("the server broke off the TLS handshake ({alert:?}): its log says why")
        }
        rustls::Error::PeerIncompatible(why) => {
            format!("the server speaks no TLS that this client does: TLS 1.2 or newer is needed ({why:?})")
        }
        other => format!("TLS failed: {other}"),
    };
    Some(text)
}

fn certificate(error: &CertificateError) -> String {
    use CertificateError as Why;
    match error {
        Why::UnknownIssuer | Why::BadSignature => {
            "the server's certificate is signed by no authority that is trusted: name the file with its authority, \
             sslrootcert=/path/to/ca.pem"
                .to_owned()
        }
        Why::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            format!(
                "the server's certificate is not for {} but for {names}: call the server by a name that its certificate \
                 has as subjectAltName",
                expected.to_str()
            )
        }
        Why::Expired | Why::ExpiredContext { .. } => {
            "the server's certificate has expired: renew it (or this machine's clock is wrong)".to_owned()
        }
        Why::NotValidYet | Why::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: look at the clocks of both machines".to_owned()
        }
        Why::Revoked => "the server's certificate was revoked: replace it".to_owned(),
        other => {
            let why = format!("{other:?}");
            // webpki's own errors come without their type.
            if why.contains("CaUsedAsEndEntity") {
                "the server shows the certificate of an authority as its own: make one for the server that is no authority \
                 (basicConstraints=CA:FALSE), signed by it"
                    .to_owned()
            } else if why.contains("UnsupportedCertVersion") {
                "the server's certificate is not of X.509 version 3: make one that is, with a subjectAltName".to_owned()
            } else {
                format!("the server's certificate is no good: {other}")
            }
        }
    }
}

/// The error of rustls in a chain of causes.
fn find<'a>(mut error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    loop {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // What an `io::Error` is made of is not its source: that is its source's.
        error = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => inner,
            None => error.source()?,
        };
    }
}
