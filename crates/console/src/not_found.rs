//! The page for what is not there.

use actix_web::{
    HttpRequest,
    guard::{GuardContext, fn_guard},
    http::header::{Accept, Quality},
    web::{self, Data, ServiceConfig},
};

use crate::{
    state::ConsoleState,
    trouble::{self, Trouble},
    visit::Visit,
};

/// Answers a browser with a page where nothing is. To be registered behind everything else. A program, and whoever asks below
/// `/api`, gets the answer that the server gives by default.
pub fn configure_not_found(state: Data<ConsoleState>) -> impl FnOnce(&mut ServiceConfig) {
    move |config: &mut ServiceConfig| {
        let page = async |request: HttpRequest, state: Data<ConsoleState>| {
            let visit = Visit::begin(state.clone(), request.clone()).await;
            let visit = visit.unwrap_or_else(|_| Visit::of_a_stranger(state, request));
            trouble::answer(&visit, &Trouble::NotFound)
        };
        config.service(web::resource("/{path:.*}").guard(fn_guard(is_for_a_person)).app_data(state).to(page));
    }
}

/// Programs accept `*/*`, if they say anything; browsers name HTML.
fn is_for_a_person(context: &GuardContext<'_>) -> bool {
    let path = context.head().uri.path();
    if path == "/api" || path.starts_with("/api/") {
        return false;
    }
    let html = |accept: Accept| {
        accept.iter().any(|range| range.item.essence_str() == "text/html" && range.quality > Quality::ZERO)
    };
    context.header().is_some_and(html)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::is_for_a_person;

    fn gets_a_page(path: &str, accept: &[&str]) -> bool {
        let request = TestRequest::with_uri(path);
        let request = accept.iter().fold(request, |request, accept| request.append_header(("Accept", *accept)));
        is_for_a_person(&request.to_srv_request().guard_ctx())
    }

    #[test]
    fn who_names_html_is_a_person() {
        for accept in [
            &["text/html"][..],
            &["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"],
            &["application/json, TEXT/HTML; charset=utf-8; q=0.1"],
            &["application/json", "text/html"],
        ] {
            assert!(gets_a_page("/nothing-here", accept), "{accept:?}");
        }
        for accept in [
            &[][..],
            &[""],
            &["*/*"],
            &["text/*"],
            &["application/json, text/plain, */*"],
            &["text/html;q=0, */*"],
            &["image/avif,image/webp,*/*;q=0.8"],
            &["rubbish"],
        ] {
            assert!(!gets_a_page("/nothing-here", accept), "{accept:?}");
        }
    }

    #[test]
    fn nobody_gets_a_page_below_the_api() {
        for path in ["/api", "/api/", "/api/v1/nothing", "/api/v2?x=/settings"] {
            assert!(!gets_a_page(path, &["text/html"]), "{path}");
        }
        for path in ["/", "/apis", "/settings/nothing", "/nothing/api/", "//"] {
            assert!(gets_a_page(path, &["text/html"]), "{path}");
        }
    }
}
