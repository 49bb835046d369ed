//! Whether a form was sent from a page of ours.

use actix_web::{
    HttpRequest,
    http::header::{HOST, HeaderMap, ORIGIN},
};
use bwp_domain::audit::Excerpt;

/// The form was sent from a page of another origin, as far as can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignOrigin {
    /// In which way.
    pub(crate) mismatch: Mismatch,
    /// What the browser says it was sent from. It may be anything.
    pub(crate) origin: Excerpt,
    /// As what the request names this server. It may be anything.
    pub(crate) host: Excerpt,
}

/// How the origin of a form differs from that of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// The browser says that the form is another site's.
    OtherSite,
    /// It is neither the public URL's nor that of the host that was asked: something in between has changed it, or the public URL
    /// is not the one under which people come.
    OtherOrigin,
    /// The browser does not tell the origin.
    Withheld,
    /// The page was opened over http, where the public URL says https: the browser keeps no cookie of ours.
    Unencrypted,
}

/// How much of an origin is shown and logged, in characters: the name of a host has at most 253.
const MAX_SHOWN: usize = 280;

/// Refuses what a page of another origin sends.
///
/// Browsers say where a request comes from in `Sec-Fetch-Site` (Fetch Metadata) and in `Origin` (Fetch Standard, section
/// 3.1), which no page can forge. Whoever says neither is no browser of the last years, and has the form's token to show.
pub(crate) fn check_origin(request: &HttpRequest, own: &str) -> Result<(), ForeignOrigin> {
    let headers = request.headers();
    let is_foreign = !matches!(text(headers, "sec-fetch-site"), None | Some("same-origin" | "none"));
    let mismatch = match text(headers, ORIGIN.as_str()) {
        None if is_foreign => Mismatch::OtherSite,
        None => return Ok(()),
        // A page that tells no referrer tells no origin either; which site it is of, the browser says all the same.
        Some("null") if text(headers, "sec-fetch-site") == Some("same-origin") => return Ok(()),
        Some("null") => Mismatch::Withheld,
        Some(_) if is_foreign => Mismatch::OtherSite,
        // Behind a proxy the browser's origin is that of the public URL; a person may come by another name of the host.
        Some(origin) if is_of(origin, own, text(headers, HOST.as_str())) => return Ok(()),
        Some(_) => Mismatch::OtherOrigin,
    };
    Err(ForeignOrigin::of(headers, mismatch))
}

/// Why a browser that was given a cookie over https shows none: it was asked for the page over http.
pub(crate) fn without_tls(request: &HttpRequest, own: &str) -> Option<ForeignOrigin> {
    let headers = request.headers();
    let scheme = |origin: &str| Origin::parse(origin).map(|origin| origin.is_https);
    let is_so = scheme(own) == Some(true) && text(headers, ORIGIN.as_str()).and_then(scheme) == Some(false);
    is_so.then(|| ForeignOrigin::of(headers, Mismatch::Unencrypted))
}

/// What is not ASCII is nothing that a browser sends.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn is_of(origin: &str, own: &str, host: Option<&str>) -> bool {
    let Some(origin) = Origin::parse(origin) else { return false };
    Origin::parse(own).is_some_and(|own| own == origin)
        || host.and_then(|host| Origin::of_host(host, origin.is_https)).is_some_and(|host| host == origin)
}

/// An origin (RFC 6454): the scheme's own port is the same as none.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    is_https: bool,
    host: String,
    port: u16,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("https://") {
            Some(host) => Self::of_host(host, true),
            None => Self::of_host(text.strip_prefix("http://")?, false),
        }
    }

    /// A host with or without a port, as `Host` has it (RFC 9110, section 7.2).
    fn of_host(text: &str, is_https: bool) -> Option<Self> {
        let own_port = if is_https { 443 } else { 80 };
        // The colons of an address of version 6 stand in brackets.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, if port.is_empty() { own_port } else { port.parse().ok()? })
            }
            _ => (text, own_port),
        };
        let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', '\\', ' ', ',']);
        is_host.then(|| Self { is_https, host: host.to_ascii_lowercase(), port })
    }
}

impl ForeignOrigin {
    fn of(headers: &HeaderMap, mismatch: Mismatch) -> Self {
        let excerpt = |name: &str| Excerpt::of(text(headers, name).unwrap_or("not told").as_bytes(), MAX_SHOWN);
        Self { mismatch, origin: excerpt(ORIGIN.as_str()), host: excerpt(HOST.as_str()) }
    }
}

impl Mismatch {
    /// What the operator can do about it.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::OtherSite | Self::OtherOrigin => {
                "If people reach this server at that address, set BWP_PUBLIC_URL (--public-url) to it, and have the proxy pass \
                 on the Host header as it came, with its port (nginx: proxy_set_header Host $http_host)"
            }
            Self::Withheld => {
                "A proxy must pass on this server's Referrer-Policy header, and neither set another one (no-referrer) nor change \
                 Origin; a page in a sandbox, and some extensions of browsers, withhold it too"
            }
            Self::Unencrypted => {
                "BWP_PUBLIC_URL (--public-url) says https, so the browser keeps cookies over https alone: have the proxy redirect \
                 http to https, or set BWP_PUBLIC_URL to the http address if there is no TLS"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const OWN: &str = "https://bwp.example";

    fn request(headers: &[(&'static str, &str)]) -> HttpRequest {
        let request = headers.iter().fold(TestRequest::post(), |request, header| request.insert_header(*header));
        request.to_http_request()
    }

    fn check(headers: &[(&'static str, &str)]) -> Result<(), Mismatch> {
        check_origin(&request(headers), OWN).map_err(|foreign| foreign.mismatch)
    }

    #[test]
    fn our_own_pages_may() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[("Origin", OWN)]), Ok(()));
        assert_eq!(check(&[("Origin", OWN), ("Sec-Fetch-Site", "same-origin")]), Ok(()));
        assert_eq!(check(&[("Origin", "http://localhost:8080"), ("Host", "localhost:8080")]), Ok(()));
    }

    #[test]
    fn the_schemes_own_port_is_the_same_as_none() {
        for (origin, host) in [
            ("https://bwp.example:443", "elsewhere"),
            ("https://BWP.example", "elsewhere"),
            ("https://node.example", "node.example:443"),
            ("https://node.example:443", "Node.Example"),
            ("http://node.example", "node.example:80"),
            ("http://node.example:80", "node.example:"),
            ("https://[2001:db8::1]", "[2001:db8::1]:443"),
            ("https://[2001:db8::1]:8443", "[2001:DB8::1]:8443"),
        ] {
            assert_eq!(check(&[("Origin", origin), ("Host", host)]), Ok(()), "{origin} {host}");
        }
        for (origin, host) in [
            ("https://bwp.example:80", "elsewhere"),
            ("https://bwp.example:8443", "bwp.example"),
            ("http://node.example", "node.example:443"),
            ("https://node.example:443", "node.example:80"),
            ("https://node.example", "node.example:8443"),
            ("https://[2001:db8::1]", "[2001:db8::2]"),
        ] {
            assert_eq!(check(&[("Origin", origin), ("Host", host)]), Err(Mismatch::OtherOrigin), "{origin} {host}");
        }
    }

    #[test]
    fn others_may_not_and_are_told_apart() {
        for origin in [
            "https://evil.example",
            "https://bwp.example.evil.example",
            "",
            "localhost:8080",
            "https://",
            "https://localhost:8080@evil.example",
            "https://bwp.example/x",
            "http://localhost:8080:8080",
            "ftp://localhost:8080",
            "NULL",
            "é",
        ] {
            let headers = [("Origin", origin), ("Host", "localhost:8080")];
            assert_eq!(check(&headers), Err(Mismatch::OtherOrigin), "{origin}");
        }
        assert_eq!(check(&[("Origin", "null"), ("Host", "localhost:8080")]), Err(Mismatch::Withheld));
        for site in ["cross-site", "same-site", "?"] {
            assert_eq!(check(&[("Origin", OWN), ("Sec-Fetch-Site", site)]), Err(Mismatch::OtherSite));
            assert_eq!(check(&[("Sec-Fetch-Site", site)]), Err(Mismatch::OtherSite));
        }
    }

    #[test]
    fn a_page_that_was_opened_over_http_is_recognized() {
        let of = |origin| without_tls(&request(&[("Origin", origin)]), OWN).map(|foreign| foreign.mismatch);
        assert_eq!(of("http://bwp.example"), Some(Mismatch::Unencrypted));
        assert_eq!([of(OWN), of("null")], [None, None]);
        assert_eq!(without_tls(&request(&[]), OWN), None);
        assert_eq!(without_tls(&request(&[("Origin", "http://bwp.example")]), "http://bwp.example"), None);
    }

    #[test]
    fn little_is_kept_of_what_was_sent() {
        let long = format!("https://{}", "a".repeat(5_000));
        let foreign = check_origin(&request(&[("Origin", &long), ("Host", &long)]), OWN).expect_err("foreign");
        assert_eq!((foreign.origin.len(), foreign.host.len()), (MAX_SHOWN, MAX_SHOWN));
    }
}
