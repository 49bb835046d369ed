//! The address under which the world knows this server.

use std::{fmt, str::FromStr};

use url::Url;

/// The server's public URL, from configuration. It is never taken from `Host`, which the client chooses: a link in an e-mail or in
/// a problem's `type` would lead where the client likes.
///
/// It may have a path, under which a proxy has put the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    /// `url` as text, without a trailing slash.
    text: String,
}

/// Why a text is no public URL.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPublicUrl {
    /// Not a URL (WHATWG URL Standard).
    #[error("public URL `{text}`: {source}")]
    Malformed {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// Neither `http://` nor `https://`, written out.
    #[error("public URL `{0}` must begin with http:// or https://")]
    Scheme(String),
    /// A user name or a password in it would be shown to everyone.
    #[error("a public URL has no user name or password")]
    UserInfo,
    /// It could not be joined with a path.
    #[error("public URL `{0}` must have no query and no fragment")]
    QueryOrFragment(String),
    /// The URL parser would drop it silently.
    #[error("public URL {0:?} contains white space, a backslash or a control character")]
    Character(String),
}

impl PublicUrl {
    /// The URL of a path of this server, which may have a query and a fragment: `/docs/errors#conflict`. A missing slash at its
    /// beginning is added. It is joined as text and not resolved, so the public URL's own path stays in front of it.
    pub fn join(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.text)
    }

    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its origin as a browser writes it into the `Origin` header (RFC 6454 section 6.2): `https://host`, with the port unless it
    /// is the scheme's own.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Its path without a trailing slash: empty, or such as `/bwp`.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Whether browsers reach the server over TLS, so that its cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    /// Reads a public URL; slashes at its end are dropped, the host is lower-cased and a default port left out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().any(|character| character.is_whitespace() || character.is_control() || character == '\\') {
            return Err(InvalidPublicUrl::Character(text.to_owned()));
        }
        // The parser forgives a missing `//`; a person who left it out meant something else.
        let has_scheme =
            |scheme: &str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
        if !has_scheme("http://") && !has_scheme("https://") {
            return Err(InvalidPublicUrl::Scheme(text.to_owned()));
        }
        let url = Url::parse(text).map_err(|source| InvalidPublicUrl::Malformed { text: text.to_owned(), source })?;
        // The text is looked at too: of an empty user name the parser leaves no trace.
        let authority = text.split('/').nth(2).unwrap_or_default();
        if authority.contains('@') || !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidPublicUrl::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidPublicUrl::QueryOrFragment(text.to_owned()));
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidPublicUrl, PublicUrl};

    fn parse(text: &str) -> Result<PublicUrl, InvalidPublicUrl> {
        text.parse()
    }

    #[test]
    fn paths_are_joined_behind_it() {
        for (public, path, joined) in [
            ("https://api.example.com", "/docs/errors#conflict", "https://api.example.com/docs/errors#conflict"),
            ("https://api.example.com/", "/docs", "https://api.example.com/docs"),
            ("https://api.example.com/", "docs?a=b", "https://api.example.com/docs?a=b"),
            ("http://localhost:8080/bwp/", "/docs", "http://localhost:8080/bwp/docs"),
            ("http://localhost:8080/bwp//", "", "http://localhost:8080/bwp/"),
            ("HTTPS://API.Example.com:443/A", "/b", "https://api.example.com/A/b"),
            ("http://[2001:db8::1]:8080", "/", "http://[2001:db8::1]:8080/"),
            ("https://bücher.example", "/", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(parse(public).unwrap().join(path), joined, "{public}");
        }
    }

    #[test]
    fn its_parts() {
        let url = parse("https://api.example.com:8443/bwp/").unwrap();
        assert_eq!(url.to_string(), "https://api.example.com:8443/bwp");
        assert_eq!(url.origin(), "https://api.example.com:8443");
        assert_eq!(url.path(), "/bwp");
        assert!(url.is_https());
        let url = parse("http://localhost:80").unwrap();
        assert_eq!((url.as_str(), url.origin().as_str(), url.path()), ("http://localhost", "http://localhost", ""));
        assert!(!url.is_https());
    }

    #[test]
    fn what_is_none() {
        for text in
            ["", "api.example.com", "//api.example.com", "https:api.example.com", "https:/x", "ftp://x", "javascript:x"]
        {
            assert!(matches!(parse(text), Err(InvalidPublicUrl::Scheme(_))), "{text}");
        }
        for text in ["https://", "https://:80", "https://a:99999", "https://[::1", "https://a b", "https://1.2.3.999"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["https://a@b", "https://a:b@c/d", "https://@b", "https://:@b"] {
            assert!(matches!(parse(text), Err(InvalidPublicUrl::UserInfo)), "{text}");
        }
        for text in ["https://a?", "https://a/?b", "https://a#", "https://a/b#c"] {
            assert!(matches!(parse(text), Err(InvalidPublicUrl::QueryOrFragment(_))), "{text}");
        }
        for text in [" https://a", "https://a\n", "https://a\\b", "https://a/\u{0}"] {
            assert!(matches!(parse(text), Err(InvalidPublicUrl::Character(_))), "{text}");
        }
    }
}
