//! Parameters of a URL that another parser must not see.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What a URL says after its `?` under names that were asked for, and the URL without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The URL without them. May hold a password.
    pub rest: String,
    /// What a further parameter is put behind it with: `?` or `&`.
    pub separator: char,
    taken: Vec<(String, String)>,
}

impl Parameters {
    /// None, of a text that has none.
    pub fn none(text: &str) -> Self {
        Self { rest: text.to_owned(), separator: '?', taken: Vec::new() }
    }

    /// Takes these out of `url`.
    pub fn take(url: &str, names: &[&str]) -> Self {
        let (front, query) = split(url);
        let (mut rest, mut taken) = (front.to_owned(), Vec::new());
        let mut separator = '?';
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name);
            if names.contains(&name.as_ref()) {
                taken.push((name.into_owned(), decoded(value).into_owned()));
            } else {
                rest.push(separator);
                rest.push_str(pair);
                separator = '&';
            }
        }
        Self { rest, separator, taken }
    }

    /// The value under a name. Of many the last; an empty one is none, as in libpq.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.said(name).filter(|value| !value.is_empty())
    }

    /// The value under a name, empty or not. Of many the last.
    pub fn said(&self, name: &str) -> Option<&str> {
        self.taken.iter().rev().find(|(taken, _)| taken == name).map(|(_, value)| value.as_str())
    }
}

/// What stands before the `?`, and what after it. One in a password, before the `@`, does not count; nor does an `@` in a path,
/// such as that of a file that a parameter names.
fn split(url: &str) -> (&str, Option<&str>) {
    let start = url.find("://").map_or(0, |scheme| scheme + 3);
    let user = url[start..].find('@').filter(|at| !url[start..start + at].contains('/'));
    let host = user.map_or(start, |at| start + at + 1);
    match url[host..].find('?') {
        Some(at) => (&url[..host + at], Some(&url[host + at + 1..])),
        None => (url, None),
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_taken_and_the_rest_stays_as_it_is() {
        let url =
            "postgres://u:p%3F?q@h,i/d?sslmode=require&options=-c%20a%3Db&sslrootcert=%2Fa%20b&sslmode=&sslcert=x";
        let parameters = Parameters::take(url, &["sslmode", "sslrootcert", "sslkey"]);
        assert_eq!(parameters.rest, "postgres://u:p%3F?q@h,i/d?options=-c%20a%3Db&sslcert=x");
        assert_eq!(parameters.get("sslrootcert"), Some("/a b"));
        assert_eq!(parameters.get("sslmode"), None, "the last one is empty");
        assert_eq!((parameters.said("sslmode"), parameters.separator), (Some(""), '&'));
        assert_eq!(parameters.get("sslkey"), None);
    }

    #[test]
    fn a_url_without_parameters_stays_as_it_is() {
        for url in ["postgres://u:p?w@h/d", "postgres:///d", "postgres://h", "", "redis://h:1/0?protocol=resp3"] {
            assert_eq!(Parameters::take(url, &["sslmode"]).rest, url);
        }
        assert_eq!(Parameters::take("postgres://h/d?sslmode=require", &["sslmode"]).rest, "postgres://h/d");
        assert_eq!(Parameters::take("postgres://u:p?w@h/d", &["sslmode"]).separator, '?');
    }

    #[test]
    fn a_file_may_have_any_name() {
        let parameters = Parameters::take("rediss://h:6379?sslrootcert=/etc/tls/redis@prod.pem", &["sslrootcert"]);
        assert_eq!(
            (parameters.get("sslrootcert"), &*parameters.rest),
            (Some("/etc/tls/redis@prod.pem"), "rediss://h:6379")
        );
    }
}
