//! Whether a form was sent from a page of ours.

use actix_web::{
    HttpRequest,
    http::header::{HOST, ORIGIN},
};

/// The form was sent from a page of another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ForeignOrigin;

/// Refuses what a page of another origin sends.
///
/// Browsers say where a request comes from in `Sec-Fetch-Site` (Fetch Metadata) and in `Origin` (Fetch Standard, section
/// 3.1), which no page can forge. Whoever says neither is no browser of the last years, and has the form's token to show.
pub(crate) fn check_origin(request: &HttpRequest, own: &str) -> Result<(), ForeignOrigin> {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    match text("sec-fetch-site") {
        None | Some("same-origin" | "none") => {}
        Some(_) => return Err(ForeignOrigin),
    }
    match text(ORIGIN.as_str()) {
        None => Ok(()),
        // Behind a proxy the browser's origin is that of the public URL; a person may come by another name of the host.
        Some(origin) if origin == own || is_host(origin, text(HOST.as_str())) => Ok(()),
        Some(_) => Err(ForeignOrigin),
    }
}

fn is_host(origin: &str, host: Option<&str>) -> bool {
    let of_origin = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    of_origin.is_some() && of_origin == host
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn check(headers: &[(&'static str, &str)]) -> Result<(), ForeignOrigin> {
        let request = headers.iter().fold(TestRequest::post(), |request, header| request.insert_header(*header));
        check_origin(&request.to_http_request(), "https://bwp.example")
    }

    #[test]
    fn our_own_pages_may() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[("Origin", "https://bwp.example")]), Ok(()));
        assert_eq!(check(&[("Origin", "https://bwp.example"), ("Sec-Fetch-Site", "same-origin")]), Ok(()));
        assert_eq!(check(&[("Origin", "http://localhost:8080"), ("Host", "localhost:8080")]), Ok(()));
    }

    #[test]
    fn others_may_not() {
        for origin in ["https://evil.example", "null", "https://bwp.example.evil.example", "", "localhost:8080"] {
            assert_eq!(check(&[("Origin", origin), ("Host", "localhost:8080")]), Err(ForeignOrigin), "{origin}");
        }
        for site in ["cross-site", "same-site", "?"] {
            assert_eq!(check(&[("Origin", "https://bwp.example"), ("Sec-Fetch-Site", site)]), Err(ForeignOrigin));
        }
    }
}
