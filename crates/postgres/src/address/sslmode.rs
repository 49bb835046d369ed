//! What a URL says of TLS, in libpq's words: <https://www.postgresql.org/docs/current/libpq-ssl.html>.

use bwp_tls::{Check, Parameters, Roots};

use super::InvalidDatabaseUrl;

/// The parameters that are ours to read.
pub(super) const PARAMETERS: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/// Whether to speak TLS, and what the server must prove.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tls {
    Disable,
    Prefer,
    Always(Check),
}

impl Tls {
    /// As libpq understands it, but for three things. What libpq would pass over in silence is refused: a root certificate
    /// that is named and not looked at. `verify-full` trusts whom the system trusts if no file is named. No file is read
    /// that is not named.
    pub(super) fn said(parameters: &Parameters) -> Result<Self, InvalidDatabaseUrl> {
        let wrong = |text: &str| Err(InvalidDatabaseUrl(text.to_owned()));
        let roots = parameters.get("sslrootcert").map(Roots::named);
        let unsaid = if roots == Some(Roots::System) { "verify-full" } else { "prefer" };
        // One that is said and empty, as by a variable that is not set, is a mistake to libpq too: it might be plain text.
        let mode = parameters.said("sslmode").unwrap_or(unsaid);
        Ok(match (mode, roots) {
            ("disable", _) => Self::Disable,
            ("prefer", None) => Self::Prefer,
            ("prefer", Some(_)) => {
                return wrong("sslrootcert is not looked at with sslmode=prefer: say sslmode=verify-full");
            }
            ("require", None) => Self::Always(Check::Nothing),
            ("require" | "verify-ca", Some(Roots::System)) => {
                return wrong(
                    "sslrootcert=system goes with sslmode=verify-full alone, for anybody can have a certificate of those \
                     authorities for some name",
                );
            }
            ("require" | "verify-ca", Some(roots)) => Self::Always(Check::Authority(roots)),
            ("verify-ca", None) => {
                return wrong(
                    "sslmode=verify-ca needs the authority's certificate: name its file, sslrootcert=/path/to/ca.pem",
                );
            }
            ("verify-full", roots) => Self::Always(Check::AuthorityAndName(roots.unwrap_or(Roots::System))),
            ("allow", _) => return wrong("sslmode=allow is not supported: say sslmode=prefer"),
            (other, _) => {
                return wrong(&format!(
                    "sslmode={other} is not known: say disable, prefer, require, verify-ca or verify-full"
                ));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(query: &str) -> Result<Tls, String> {
        let parameters = Parameters::take(&format!("postgres://u:secret@h/d{query}"), &PARAMETERS);
        Tls::said(&parameters).map_err(|error| error.to_string())
    }

    fn file() -> Roots {
        Roots::File("/ca.pem".into())
    }

    #[test]
    fn the_modes_mean_what_they_mean_to_libpq() {
        for (query, meant) in [
            ("", Tls::Prefer),
            ("?sslmode=prefer", Tls::Prefer),
            ("?sslmode=disable", Tls::Disable),
            ("?sslmode=disable&sslrootcert=/ca.pem", Tls::Disable),
            ("?sslmode=require", Tls::Always(Check::Nothing)),
            ("?sslmode=require&sslrootcert=/ca.pem", Tls::Always(Check::Authority(file()))),
            ("?sslmode=verify-ca&sslrootcert=%2Fca.pem", Tls::Always(Check::Authority(file()))),
            ("?sslmode=verify-full&sslrootcert=/ca.pem", Tls::Always(Check::AuthorityAndName(file()))),
            ("?sslmode=verify-full", Tls::Always(Check::AuthorityAndName(Roots::System))),
            ("?sslrootcert=system", Tls::Always(Check::AuthorityAndName(Roots::System))),
        ] {
            assert_eq!(said(query), Ok(meant), "{query}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_to_say_instead() {
        for (query, expected) in [
            ("?sslmode=verify", "sslmode=verify is not known: say disable, prefer, require, verify-ca or verify-full"),
            ("?sslmode=", "sslmode= is not known"),
            ("?sslmode=require&sslmode=", "sslmode= is not known"),
            ("?sslmode=allow", "say sslmode=prefer"),
            ("?sslrootcert=/ca.pem", "say sslmode=verify-full"),
            ("?sslmode=prefer&sslrootcert=/ca.pem", "say sslmode=verify-full"),
            ("?sslmode=verify-ca", "sslrootcert=/path/to/ca.pem"),
            ("?sslmode=require&sslrootcert=system", "sslmode=verify-full alone"),
            ("?sslmode=verify-ca&sslrootcert=system", "sslmode=verify-full alone"),
        ] {
            let error = said(query).unwrap_err();
            assert!(error.starts_with("DATABASE_URL: ssl") && error.contains(expected), "{query}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
