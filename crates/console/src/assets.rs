//! The files that the pages load. All of them are in the binary.

use std::{
    hash::{DefaultHasher, Hasher},
    rc::Rc,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::CACHE_CONTROL,
    web::{self, Bytes, ServiceConfig},
};
use bwp_web::compress::GzipOnce;

const FILES: [(&str, &str, &str); 3] = [
    ("console.css", "text/css; charset=utf-8", include_str!("assets/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_str!("assets/console.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// An asset's address changes with its content, so it never goes stale.
const CACHE: &str = "public, max-age=31536000, immutable";

/// While servers of two versions are at work, one may be asked for what the other has.
const ANOTHERS: &str = "no-store";

/// What tells this content from any other that the file had or will have.
fn mark(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    format!("v={:016x}", hasher.finish())
}

/// The files' addresses.
#[derive(Debug)]
pub struct Assets([String; 3]);

impl Default for Assets {
    fn default() -> Self {
        Self(FILES.map(|(name, _, text)| format!("/assets/{name}?{}", mark(text))))
    }
}

impl Assets {
    pub(crate) fn css(&self) -> &str {
        &self.0[0]
    }

    pub(crate) fn script(&self) -> &str {
        &self.0[1]
    }

    pub(crate) fn icon(&self) -> &str {
        &self.0[2]
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    for (name, media_type, text) in FILES {
        let (mark, content) = (mark(text), Rc::new(GzipOnce::new(Bytes::from_static(text.as_bytes()))));
        let serve = move |request: HttpRequest| {
            let cache = if request.query_string() == mark { CACHE } else { ANOTHERS };
            let mut file = HttpResponse::Ok();
            file.content_type(media_type).insert_header((CACHE_CONTROL, cache));
            std::future::ready(content.answer(&request, &mut file))
        };
        config.route(&format!("/assets/{name}"), web::get().to(serve));
    }
}
