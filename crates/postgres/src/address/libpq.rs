//! What the programs of PostgreSQL are told of the database.

use std::fmt::Write;

use bwp_tls::{Check, Parameters, Roots, system_file};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    InvalidDatabaseUrl, is_url, parameters, parsed,
    sslmode::{PARAMETERS, Tls},
};

/// A database, for `pg_dump` and the other programs over libpq.
pub struct ForLibpq {
    /// For `--dbname`. Every user of the machine can read it: the password is not in it.
    pub name: String,
    /// For `PGPASSWORD`.
    pub password: Option<Vec<u8>>,
}

/// The same database for the programs over libpq. Where the URL leaves a default to us that libpq has not, that is written
/// out.
///
/// # Errors
/// The URL is none, or its password cannot be told from the rest.
pub fn for_libpq(url: &str) -> Result<ForLibpq, InvalidDatabaseUrl> {
    let parameters = parameters(url);
    let mut config = parsed(&parameters.rest)?;
    let Some(password) = config.get_password().map(<[u8]>::to_vec) else {
        return Ok(ForLibpq { name: with_tls(&parameters.rest, &parameters)?, password: None });
    };
    let rest =
        if is_url(url) { url_without_password(&parameters.rest) } else { pairs_without_password(&parameters.rest) };
    // What the driver reads from the rest is all but the password, or a password may be left in it.
    let mut other = parsed(&rest)?;
    if other.get_password().is_some() || *other.password("") != *config.password("") {
        let text = "the password cannot be told from the rest: write its special characters as %40 and so on";
        return Err(InvalidDatabaseUrl(text.to_owned()));
    }
    Ok(ForLibpq { name: with_tls(&rest, &parameters)?, password: Some(password) })
}

/// What stays as it is in a URL's parameter that is a path.
const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// Puts back what a URL said of TLS.
fn with_tls(rest: &str, parameters: &Parameters) -> Result<String, InvalidDatabaseUrl> {
    if !is_url(rest) {
        return Ok(rest.to_owned());
    }
    let mut said: Vec<(&str, String)> =
        PARAMETERS.iter().filter_map(|name| Some((*name, parameters.said(name)?.to_owned()))).collect();
    // Those before version 16 do not know what the system trusts.
    if Tls::said(parameters)? == Tls::Always(Check::AuthorityAndName(Roots::System)) {
        said.retain(|(name, _)| !["sslmode", "sslrootcert"].contains(name));
        let roots = system_file().map_or_else(|| "system".into(), |file| file.display().to_string());
        said.extend([("sslmode", "verify-full".to_owned()), ("sslrootcert", roots)]);
    }
    // Nothing is taken: this tells what a parameter is put behind it with.
    let Parameters { rest: mut url, mut separator, .. } = Parameters::take(rest, &[]);
    for (name, value) in said {
        let _ = write!(url, "{separator}{name}={}", utf8_percent_encode(&value, &PATH));
        separator = '&';
    }
    Ok(url)
}

/// To the driver, what stands before the first `@` is who connects, whatever is in it.
fn url_without_password(url: &str) -> String {
    let start = url.find("://").map_or(0, |scheme| scheme + 3);
    let bare = match url[start..].split_once('@') {
        Some((who, place)) => {
            let user = who.split_once(':').map_or(who, |(user, _)| user);
            format!("{}{user}@{place}", &url[..start])
        }
        None => url.to_owned(),
    };
    Parameters::take(&bare, &["password"]).rest
}

/// The form `host=h password='a b'`.
fn pairs_without_password(text: &str) -> String {
    let (mut kept, mut rest) = (Vec::new(), text);
    while let Some((key, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let (value, next) = behind.split_at(end_of_value(behind));
        if key.trim() != "password" {
            kept.push(format!("{}={value}", key.trim()));
        }
        rest = next;
    }
    kept.join(" ")
}

/// Where the value ends with which the text begins.
fn end_of_value(text: &str) -> usize {
    let quoted = text.starts_with('\'');
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(usize::from(quoted)) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' if quoted => return at + 1,
            space if !quoted && space.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(url: &str) -> String {
        for_libpq(url).expect(url).name
    }

    /// Every form in which a password can be said.
    fn forms(password: &str) -> Vec<String> {
        let encoded = utf8_percent_encode(password, NON_ALPHANUMERIC).to_string();
        let escaped: String = password.chars().flat_map(|character| ['\\', character]).collect();
        let mut forms = vec![
            format!("postgres://u:{encoded}@h1:5432/d"),
            format!("postgres://u:{encoded}@h1:5432,h2:5433/d"),
            format!("postgresql://u:{encoded}@h1,h2,[::1]:5434/d?target_session_attrs=read-write"),
            format!("postgres://u:{encoded}@%2Frun%2Fpostgresql/d"),
            format!("postgres://u:{encoded}@/d?host=/run/postgresql&sslmode=verify-full"),
            format!("postgres://u:{encoded}@h:5432/d?sslmode=require&sslrootcert=/etc/db@prod.pem"),
            format!("postgres://u@h1:5432,h2:5433/d?password={encoded}"),
            format!("postgres://u@h1:5432,h2:5433/d?connect_timeout=3&p%61ssword={encoded}&sslmode=require"),
            format!("postgres://h1,h2:5433/d?password={encoded}&user=u"),
            format!("postgres://u:{encoded}@h1,h2/d?password={encoded}"),
            format!("postgres://u:{encoded}@h1,h2/d?password=another&password={encoded}"),
            format!("host=h1,h2 port=5432,5433 user=u password='{escaped}' dbname=d"),
            format!("password = '{escaped}' host = h1,h2 port=5432 user=u dbname='d e'"),
            format!("host=h user=u password={escaped}"),
            format!("password='{escaped}'host=h user=u password={escaped} dbname=d sslmode=require"),
        ];
        // Not everything must be encoded.
        if !password.contains(['@', '%', '/', '?']) {
            forms.push(format!("postgres://u:{password}@h1:5432,h2:5433/d"));
        }
        if !password.contains(['@', '%', '&']) {
            forms.push(format!("postgres://u@h1:5432,h2:5433/d?password={password}"));
        }
        if !password.contains(['\'', '\\']) {
            forms.push(format!("host=h1,h2 password='{password}' user=u"));
        }
        forms
    }

    proptest! {
        #[test]
        fn no_form_leaves_the_password_in_the_name(password in "[ -~äß]{8,24}") {
            for form in forms(&password) {
                let ForLibpq { name, password: apart } = for_libpq(&form).expect(&form);
                prop_assert_eq!(apart.as_deref(), Some(password.as_bytes()), "{}", form);
                let encoded = utf8_percent_encode(&password, NON_ALPHANUMERIC).to_string();
                let escaped: String = password.chars().flat_map(|character| ['\\', character]).collect();
                for written in [&password, &encoded, &escaped] {
                    prop_assert!(!name.contains(written), "{}: {}", form, name);
                }
                prop_assert!(!name.contains("another") && !name.contains("password"), "{}: {}", form, name);
            }
        }
    }

    #[test]
    fn all_else_stays_as_it_is() {
        for (url, expected) in [
            ("postgres://u:p@h/d", "postgres://u@h/d"),
            ("postgres://u:p@h1:1,h2:2/d?options=-c%20a%3Db", "postgres://u@h1:1,h2:2/d?options=-c%20a%3Db"),
            ("postgres://u@h/d?password=p&connect_timeout=1", "postgres://u@h/d?connect_timeout=1"),
            ("postgres://u:p/q@h/d", "postgres://u@h/d"),
            (
                "postgres://h:1/d?sslmode=require&sslrootcert=/a@b",
                "postgres://h:1/d?sslmode=require&sslrootcert=/a%40b",
            ),
            ("postgres:///d?host=/run", "postgres:///d?host=/run"),
            ("host=h dbname=d", "host=h dbname=d"),
            ("dbname='a \\' b=c' password = p  host=h", "dbname='a \\' b=c' host=h"),
            ("password=p host=h dbname=a?&&sslmode=b?", "host=h dbname=a?&&sslmode=b?"),
        ] {
            assert_eq!(name(url), expected);
        }
    }

    #[test]
    fn libpq_is_told_what_it_does_not_know() {
        for (url, expected) in [
            ("postgres://h/d?sslmode=verify-full", "postgres://h/d?sslmode=verify-full&sslrootcert="),
            (
                "postgres://h/d?sslrootcert=system&connect_timeout=1",
                "postgres://h/d?connect_timeout=1&sslmode=verify-full&sslrootcert=",
            ),
        ] {
            let name = name(url);
            assert!(name.starts_with(expected) && name.len() > expected.len(), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in ["postgres://u:secret@h/d?nothing=1", "host=h password=secret nothing=1", "mysql://u:secret@h/d"] {
            let said = for_libpq(url).err().expect(url).to_string();
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
