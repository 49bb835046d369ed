//! The frame around every page.

use std::fmt::Write as _;

use super::{
    assets::Assets,
    catalogue,
    guides::{GUIDES, Guide},
    markdown,
};

const NAME: &str = "bwp API";
const REFERENCE: &str = "Reference";

/// What every page has: where the server is, and what it loads.
pub(super) struct Shell<'a> {
    public_url: &'a str,
    /// The path of the public URL: empty, or such as `/bwp`.
    base: &'a str,
    version: &'a str,
    assets: &'a Assets,
}

impl<'a> Shell<'a> {
    pub(super) fn new(public_url: &'a str, version: &'a str, assets: &'a Assets) -> Self {
        let authority = public_url.find("://").map_or(0, |at| at + "://".len());
        let base = public_url[authority..].find('/').map_or("", |at| &public_url[authority + at..]);
        Self { public_url, base: base.trim_end_matches('/'), version, assets }
    }

    pub(super) fn reference(&self) -> String {
        let base = escape(self.base);
        let body = format!(
            r#"<main id="main" class="reference" tabindex="-1">
<div id="reference" data-document="{base}/api/v1/openapi.json" data-api="{base}/api/v1"><p>Loading the reference …</p></div>
<noscript><p>The reference needs JavaScript. The same facts are in the <a href="{base}/api/v1/openapi.json">OpenAPI document</a>.</p></noscript>
</main>
"#
        );
        let css = self.address("swagger-ui.css");
        let (bundle, start) = (self.address("swagger-ui-bundle.js"), self.address("reference.js"));
        // Swagger UI's styles come first, so that ours can fit them to the page.
        let before = format!("<link rel=\"stylesheet\" href=\"{css}\">\n");
        let after = format!("<script src=\"{bundle}\" defer></script>\n<script src=\"{start}\" defer></script>\n");
        self.page(REFERENCE, Some(REFERENCE), [&before, &after], &body)
    }

    pub(super) fn guide(&self, guide: &Guide) -> String {
        let rendered = markdown::render(&self.filled(guide.markdown), |link| self.link(link));
        let mut sections = String::new();
        for (id, text) in &rendered.sections {
            let _ = writeln!(sections, "<li><a href=\"#{}\">{}</a></li>", escape(id), escape(text));
        }
        let (title, text) = rendered.html.split_once("</h1>").unwrap_or(("<h1>", &rendered.html));
        let body = format!(
            r#"<main id="main" class="guide" tabindex="-1">
{title}</h1>
<nav class="sections" aria-labelledby="sections">
<p id="sections">On this page</p>
<ul>
{sections}</ul>
</nav>
<div class="text">{text}</div>
</main>
"#
        );
        self.page(&rendered.title, Some(guide.label), ["", ""], &body)
    }

    pub(super) fn not_found(&self) -> String {
        self.message("Page not found", "There is no page at this address. The pages that there are stand above.")
    }

    pub(super) fn method_not_allowed(&self) -> String {
        self.message("Method not allowed", "A page can only be read, with GET or HEAD.")
    }

    fn message(&self, title: &str, text: &str) -> String {
        let body = format!(
            "<main id=\"main\" class=\"guide\" tabindex=\"-1\">\n<h1>{title}</h1>\n<div class=\"text\"><p>{text}</p></div>\n</main>\n"
        );
        self.page(title, None, ["", ""], &body)
    }

    /// The text of a guide with what stands for the placeholders.
    fn filled(&self, markdown: &str) -> String {
        markdown
            .replace("{{scopes}}", &catalogue::scopes())
            .replace("{{errors}}", &catalogue::errors())
            .replace("{{field_errors}}", &catalogue::field_errors())
            .replace("{{docs}}", &format!("{}/docs", self.base))
            .replace("{{public_url}}", self.public_url)
    }

    /// Guides name each other by file, so that the links work in the repository too.
    fn link(&self, target: &str) -> String {
        let (file, fragment) = target.find('#').map_or((target, ""), |at| target.split_at(at));
        match file.strip_suffix(".md") {
            Some(name) => format!("{}/docs/{name}{fragment}", self.base),
            None => target.to_owned(),
        }
    }

    fn address(&self, asset: &str) -> String {
        format!("{}/docs/{}", escape(self.base), self.assets.address(asset))
    }

    /// `head` goes before and behind our own stylesheet.
    fn page(&self, title: &str, current: Option<&str>, head: [&str; 2], body: &str) -> String {
        let base = escape(self.base);
        let mut links = String::new();
        let reference = std::iter::once((REFERENCE, String::new()));
        for (label, path) in reference.chain(GUIDES.iter().map(|guide| (guide.label, format!("/{}", guide.name)))) {
            let mark = if current == Some(label) { " aria-current=\"page\"" } else { "" };
            let _ = writeln!(links, "<li><a href=\"{base}/docs{path}\"{mark}>{label}</a></li>");
        }
        let [before, after] = head;
        format!(
            r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} · {NAME}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{icon}" type="image/svg+xml">
{before}<link rel="stylesheet" href="{css}">
{after}</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="site">
<a class="name" href="{base}/docs">{NAME}</a>
<nav aria-label="Documentation">
<ul>
{links}</ul>
</nav>
</header>
{body}<footer class="foot">
<p>Server version {version} · <a href="{base}/api/v1/openapi.json">OpenAPI document</a></p>
</footer>
</body>
</html>
"##,
            title = escape(title),
            icon = self.address("icon.svg"),
            css = self.address("docs.css"),
            version = escape(self.version),
        )
    }
}

/// `text` as text or as a quoted attribute in HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
