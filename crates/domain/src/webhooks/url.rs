//! Where deliveries go.

use std::fmt;

use url::{Host, Url};

use crate::fields::Fault;

/// A URL to which deliveries may go, as far as that can be told without asking what its host's addresses are.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    /// As it was sent, and is shown.
    text: String,
    url: Url,
}

/// Why deliveries do not go to a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlRefusal {
    /// It is not an https URL.
    HttpsRequired,
    /// Its form, or an address of its host. Which of them is not said: it would tell what names there are inside.
    AddressNotAllowed,
}

impl UrlRefusal {
    /// The fault of the field `url`.
    pub fn fault(self) -> Fault {
        match self {
            Self::HttpsRequired => Fault::new("https_required", "Must be an https:// URL."),
            Self::AddressNotAllowed => Fault::new(
                "address_not_allowed",
                format_args!(
                    "Must be the URL of a public host, of at most {} characters, without a user name, a password or a fragment. \
                     Its name must be known, and each of its addresses public.",
                    WebhookUrl::MOST_CHARS
                ),
            ),
        }
    }
}

impl WebhookUrl {
    /// The most characters.
    pub const MOST_CHARS: usize = 2_048;

    /// Reads a URL with the scheme https, or http, which an operator may allow.
    pub fn parse(text: String) -> Result<Self, UrlRefusal> {
        let refused = UrlRefusal::AddressNotAllowed;
        // Parsers drop these, or take them for something else.
        if text.chars().count() > Self::MOST_CHARS
            || text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return Err(refused);
        }
        let Ok(url) = Url::parse(&text) else {
            return Err(if text.starts_with("https:") || text.starts_with("http:") {
                refused
            } else {
                UrlRefusal::HttpsRequired
            });
        };
        if !matches!(url.scheme(), "https" | "http") {
            return Err(UrlRefusal::HttpsRequired);
        }
        let userinfo = !url.username().is_empty() || url.password().is_some() || authority(&text).contains('@');
        let odd = match url.host() {
            None => true,
            // Octal, hexadecimal, one number, percent signs, wide digits: all that is read as an address and does not look like one.
            Some(Host::Ipv4(address)) => host(&text) != address.to_string(),
            Some(Host::Ipv6(_) | Host::Domain(_)) => false,
        };
        // A host that is missed is looked for in the path.
        let hidden = host(&text).is_empty();
        if userinfo || odd || hidden || url.fragment().is_some() || url.port() == Some(0) {
            return Err(refused);
        }
        Ok(Self { text, url })
    }

    /// As it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As it is read, in one way of writing.
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

/// Shown without the path: it may hold a token.
impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({}://{}/…)", self.url.scheme(), self.url.host_str().unwrap_or_default())
    }
}

/// What stands between the slashes.
fn authority(text: &str) -> &str {
    let behind = text.split_once("://").map_or("", |(_, behind)| behind);
    behind.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The host as it is written.
fn host(text: &str) -> &str {
    let authority = authority(text);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_urls_are_read() {
        for text in [
            "https://example.com/hooks?x=1",
            "https://EXAMPLE.com:8443",
            "https://bücher.example/ä",
            "https://93.184.215.14/",
            "https://[2606:4700::1111]:444/",
            "http://127.0.0.1:3000/",
        ] {
            assert_eq!(WebhookUrl::parse(text.to_owned()).map(|url| url.as_str().to_owned()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn other_schemes_need_https() {
        for text in
            ["ftp://example.com/", "javascript:alert(1)", "example.com/hook", "", "file:///etc/passwd", "//example.com"]
        {
            assert_eq!(WebhookUrl::parse(text.to_owned()), Err(UrlRefusal::HttpsRequired), "{text}");
        }
    }

    #[test]
    fn forms_that_hide_something_are_refused() {
        let long = format!("https://example.com/{}", "a".repeat(WebhookUrl::MOST_CHARS));
        for text in [
            "https://user@example.com/",
            "https://user:password@example.com/",
            "https://@example.com/",
            "https://example.com/#there",
            "https://example.com/#",
            "https://2130706433/",
            "https://017700000001/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://0127.0.0.1/",
            "https://%31%32%37.0.0.1/",
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
            "https://127.0.0.1./",
            "https://exam\tple.com/",
            "https://example.com\\@inside/",
            "https:///path",
            "https://",
            "https://example.com:0/",
            &long,
        ] {
            assert_eq!(WebhookUrl::parse(text.to_owned()), Err(UrlRefusal::AddressNotAllowed), "{text}");
        }
    }

    #[test]
    fn debug_does_not_show_the_path() {
        let url = WebhookUrl::parse("https://example.com/token-in-the-path".to_owned()).expect("good");
        assert_eq!(format!("{url:?}"), "WebhookUrl(https://example.com/…)");
    }
}
