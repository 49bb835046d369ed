//! The pages that explain the API: a reference and guides, served by the same binary, with nothing loaded from elsewhere.
//!
//! The guides are the markdown files in `docs/guides/`. They are compiled in and rendered once, when the server starts.
//! What the code knows best (scopes, error codes) is written into them from there. The reference is Swagger UI over the
//! OpenAPI document.

mod assets;
mod catalogue;
mod guides;
mod markdown;
mod page;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HeaderValue},
    },
    web,
};
use bwp_web::{compress::GzipOnce, content_security_policy::PAGE_POLICY};

use self::{assets::Assets, guides::GUIDES, page::Shell};

/// Browsers and caches may show a page for five minutes without asking again.
const PAGE_CACHE: &str = "public, max-age=300";
/// An asset's address changes with its content, so it never goes stale.
const ASSET_CACHE: &str = "public, max-age=31536000, immutable";

/// Every page and every file that the pages load, ready to be sent.
pub struct DocsPages {
    reference: GzipOnce,
    guides: HashMap<&'static str, GzipOnce>,
    not_found: GzipOnce,
    method_not_allowed: GzipOnce,
    assets: Assets,
}

impl DocsPages {
    /// Renders the pages.
    ///
    /// `public_url` is the address under which clients reach the server, without a slash at the end, such as
    /// `https://example.com/bwp`. Its path stands before every link. `version` is the server's, shown at the foot of
    /// each page.
    pub fn new(public_url: &str, version: &str) -> Self {
        let assets = Assets::load();
        let shell = Shell::new(public_url, version, &assets);
        Self {
            reference: GzipOnce::new(shell.reference()),
            guides: GUIDES.iter().map(|guide| (guide.name, GzipOnce::new(shell.guide(guide)))).collect(),
            not_found: GzipOnce::new(shell.not_found()),
            method_not_allowed: GzipOnce::new(shell.method_not_allowed()),
            assets,
        }
    }

    /// The answer to a GET of what follows `/docs/`.
    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let path = request.match_info().get("path").unwrap_or_default();
        if let Some(name) = path.strip_prefix("assets/") {
            return match self.assets.get(name) {
                Some(asset) => {
                    let mut response = HttpResponse::Ok();
                    response.insert_header((CACHE_CONTROL, ASSET_CACHE)).content_type(asset.media_type);
                    asset.content.answer(request, &mut response)
                }
                None => page(request, StatusCode::NOT_FOUND, &self.not_found),
            };
        }
        let found = if path.is_empty() {
            Some(&self.reference)
        } else {
            self.guides.get(path.strip_suffix('/').unwrap_or(path))
        };
        match found {
            Some(found) => page(request, StatusCode::OK, found),
            None => page(request, StatusCode::NOT_FOUND, &self.not_found),
        }
    }
}

/// Registers `/docs` and everything below it.
///
/// HEAD is answered where the surface routes it as GET ([`bwp_web::head::answer_like_get`]).
pub fn configure(config: &mut web::ServiceConfig, pages: Arc<DocsPages>) {
    config.service(
        web::resource(["/docs", "/docs/{path:.*}"])
            .app_data(web::Data::from(pages))
            .get(get)
            .default_service(web::to(refuse_method)),
    );
}

async fn get(request: HttpRequest, pages: web::Data<DocsPages>) -> HttpResponse {
    pages.answer(&request)
}

async fn refuse_method(request: HttpRequest, pages: web::Data<DocsPages>) -> HttpResponse {
    let mut response = page(&request, StatusCode::METHOD_NOT_ALLOWED, &pages.method_not_allowed);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn page(request: &HttpRequest, status: StatusCode, content: &GzipOnce) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.content_type(ContentType::html()).insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY));
    if status == StatusCode::OK {
        response.insert_header((CACHE_CONTROL, PAGE_CACHE));
    }
    content.answer(request, &mut response)
}
