//! The files that the pages load. All of them are in the binary.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{DefaultHasher, Hasher},
    sync::Arc,
};

use actix_web::web::Bytes;
use bwp_web::compress::GzipOnce;

const OWN: [(&str, &str, &str); 3] = [
    ("docs.css", "text/css; charset=utf-8", include_str!("assets/docs.css")),
    ("reference.js", "text/javascript; charset=utf-8", include_str!("assets/reference.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// Of Swagger UI, what a page of our own needs. The rest of its distribution is not served.
const SWAGGER_UI: [(&str, &str); 2] =
    [("swagger-ui.css", "text/css; charset=utf-8"), ("swagger-ui-bundle.js", "text/javascript; charset=utf-8")];

/// The files, by name.
pub(super) struct Assets(HashMap<&'static str, Asset>);

/// One file.
pub(super) struct Asset {
    pub(super) media_type: &'static str,
    pub(super) content: GzipOnce,
    /// Tells this content from any other that the file had or will have.
    mark: u64,
}

impl Assets {
    pub(super) fn load() -> Self {
        let own = OWN.map(|(name, media_type, text)| (name, media_type, Bytes::from_static(text.as_bytes())));
        let config = Arc::new(utoipa_swagger_ui::Config::default());
        let swagger_ui = SWAGGER_UI.into_iter().filter_map(|(name, media_type)| {
            // It has both files, as a test makes sure.
            let file = utoipa_swagger_ui::serve(name, Arc::clone(&config)).ok()??;
            let content = match file.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Some((name, media_type, content))
        });
        let assets = own.into_iter().chain(swagger_ui).map(|(name, media_type, content)| {
            let mut hasher = DefaultHasher::new();
            hasher.write(&content);
            (name, Asset { media_type, content: GzipOnce::new(content), mark: hasher.finish() })
        });
        Self(assets.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Asset> {
        self.0.get(name)
    }

    /// The file's address below `/docs/`: another one for each content, so that caches may keep it for good.
    pub(super) fn address(&self, name: &str) -> String {
        let mark = self.get(name).map_or(0, |asset| asset.mark);
        format!("assets/{name}?v={mark:016x}")
    }
}
