use std::{
    cell::RefCell,
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use actix_web::{
    App,
    http::{Method, StatusCode, header},
    test::{TestRequest, call_service, init_service, read_body},
    web::Bytes,
};
use bwp_domain::scopes::ScopeId;

use super::*;
use crate::problem::ErrorCode;

const PUBLIC_URL: &str = "https://example.com/bwp";

fn pages() -> Arc<DocsPages> {
    Arc::new(DocsPages::new(PUBLIC_URL, "1.2.3"))
}

/// Every page, by the path at its public address.
fn all(pages: &DocsPages) -> Vec<(String, String)> {
    let text = |page: &Bytes| String::from_utf8(page.to_vec()).unwrap();
    let mut all: Vec<_> = pages.guides.iter().map(|(name, page)| (format!("/bwp/docs/{name}"), text(page))).collect();
    all.push(("/bwp/docs".to_owned(), text(&pages.reference)));
    all.push(("/bwp/docs/none".to_owned(), text(&pages.not_found)));
    all.push(("/bwp/docs/none".to_owned(), text(&pages.method_not_allowed)));
    all
}

/// The values of an attribute.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!(" {attribute}=\"");
    page.split(&begin).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The address, the status and the body of a path as the server sees it.
async fn get(path: &str) -> (StatusCode, header::HeaderMap, Bytes) {
    let pages = pages();
    let app = init_service(App::new().configure(|config| configure(config, pages))).await;
    let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
    (response.status(), response.headers().clone(), read_body(response).await)
}

#[test]
fn every_error_code_has_its_section() {
    let pages = pages();
    let page = String::from_utf8(pages.guides["errors"].to_vec()).unwrap();
    for code in ErrorCode::ALL {
        assert!(page.contains(&format!("<h3 id=\"{}\">{} <a ", code.as_str(), code.title())), "{code:?}");
    }
    for status in ["405", "408", "413", "414", "415"] {
        assert!(page.contains(&format!("<td><code>{status} ")), "{status}");
    }
}

#[test]
fn every_scope_is_in_the_catalogue() {
    let pages = pages();
    let page = String::from_utf8(pages.guides["scopes"].to_vec()).unwrap();
    for scope in ScopeId::ALL {
        let row = format!(
            "<td><code>{scope}</code></td><td><code>{}</code></td><td>{}</td>",
            scope.family(),
            scope.meaning()
        );
        assert!(page.contains(&row), "{scope}");
    }
}

#[test]
fn every_code_of_a_field_error_is_explained() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut explained: HashSet<_> = catalogue::FIELD_ERRORS.iter().map(|(code, _)| (*code).to_owned()).collect();
    // These are of query parameters and are answered with `bad_request`, which lists no fields.
    explained.extend(["repeated", "unknown_parameter"].map(str::to_owned));
    let mut made = 0;
    for folder in ["domain/src", "http/src"] {
        for file in files(&crates.join(folder), "rs").into_iter().filter(|file| !file.ends_with("tests.rs")) {
            let text = fs::read_to_string(&file).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            for rest in shipped.split("Fault::new(").skip(1) {
                let Some(code) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                made += 1;
                assert!(explained.contains(code), "`{code}` in {} is not in FIELD_ERRORS", file.display());
            }
        }
    }
    assert!(made > 5, "the search finds nothing");
}

/// The files below a folder whose names have this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path, extension) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let pages = pages();
    let all = all(&pages);
    let find = |path: &str| all.iter().find(|(at, _)| at == path).map(|(_, page)| page);
    for (at, page) in &all {
        for link in values(page, "href").into_iter().chain(values(page, "src")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let path = path.split('?').next().unwrap();
            if path == "/bwp/api/v1/openapi.json" || path.starts_with("https://www.rfc-editor.org/") {
                continue;
            }
            if let Some(asset) = path.strip_prefix("/bwp/docs/assets/") {
                assert!(pages.assets.get(asset).is_some(), "{at} loads {link}");
                continue;
            }
            let target = if path.is_empty() { Some(page) } else { find(path) };
            let target = target.unwrap_or_else(|| panic!("{at} links to {link}"));
            assert!(fragment.is_empty() || values(target, "id").contains(&fragment), "{at} links to {link}");
        }
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_nothing_is_inline() {
    for (at, page) in all(&pages()) {
        let loaded = page.lines().filter(|line| line.starts_with("<link") || line.starts_with("<script"));
        for address in loaded.flat_map(|line| [values(line, "href"), values(line, "src")].concat()) {
            assert!(address.starts_with("/bwp/docs/assets/"), "{at} loads {address}");
        }
        assert_eq!(page.matches("<script").count(), page.matches("<script src=").count(), "{at}");
        for none in ["<style", " style=", " onclick=", "{{", "<img", "<iframe"] {
            assert!(!page.contains(none), "{at} has {none}");
        }
    }
    let css = include_str!("assets/docs.css");
    assert!(!css.contains("url(") && !css.contains("@import"));
}

#[test]
fn ids_are_unique_and_each_page_has_one_title() {
    for (at, page) in all(&pages()) {
        let ids = values(&page, "id");
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{at}: {ids:?}");
        assert_eq!(page.matches("<title>").count(), 1, "{at}");
        assert_eq!(page.matches("<main id=\"main\"").count(), 1, "{at}");
        assert!(page.contains("<html lang=\"en\">"), "{at}");
    }
}

#[test]
fn the_public_url_is_where_problems_point() {
    let page = String::from_utf8(pages().guides["errors"].to_vec()).unwrap();
    assert!(page.contains("https://example.com/bwp/docs/errors#not_found"));
}

#[actix_web::test]
async fn pages_and_files_are_served() {
    for path in ["/docs", "/docs/", "/docs/quickstart", "/docs/errors", "/docs/errors/"] {
        let (status, headers, body) = get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "text/html; charset=utf-8", "{path}");
        assert_eq!(headers.get(header::CONTENT_SECURITY_POLICY).unwrap(), PAGE_POLICY, "{path}");
        assert!(body.starts_with(b"<!DOCTYPE html>"), "{path}");
    }
    for (name, media_type, least) in [
        ("docs.css", "text/css; charset=utf-8", 1_000),
        ("icon.svg", "image/svg+xml", 100),
        ("reference.js", "text/javascript; charset=utf-8", 500),
        ("swagger-ui.css", "text/css; charset=utf-8", 100_000),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8", 1_000_000),
    ] {
        let (status, headers, body) = get(&format!("/docs/assets/{name}?v=1")).await;
        assert_eq!((status, body.len() > least), (StatusCode::OK, true), "{name}");
        assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), media_type, "{name}");
        assert_eq!(headers.get(header::CACHE_CONTROL).unwrap(), ASSET_CACHE, "{name}");
    }
}

#[actix_web::test]
async fn an_unknown_page_is_404() {
    for path in [
        "/docs/none",
        "/docs/assets/none.js",
        "/docs/assets/",
        "/docs/assets/../mod.rs",
        "/docs//errors",
        "/docs/errors/x",
    ] {
        let (status, headers, body) = get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "text/html; charset=utf-8", "{path}");
        assert!(!headers.contains_key(header::CACHE_CONTROL), "{path}");
        assert!(String::from_utf8(body.to_vec()).unwrap().contains("Page not found"), "{path}");
    }
}

#[actix_web::test]
async fn a_page_can_only_be_read() {
    let pages = pages();
    let app = init_service(App::new().configure(|config| configure(config, pages))).await;
    for path in ["/docs", "/docs/errors", "/docs/assets/docs.css"] {
        let request = TestRequest::with_uri(path).method(Method::POST).to_request();
        let response = call_service(&app, request).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(response.headers().get(header::ALLOW).unwrap(), "GET, HEAD", "{path}");
    }
}

#[test]
fn a_server_without_a_path_has_short_links() {
    let pages = DocsPages::new("http://127.0.0.1:8080", "1.2.3");
    let page = String::from_utf8(pages.reference.to_vec()).unwrap();
    assert!(page.contains("data-document=\"/api/v1/openapi.json\""), "{page}");
    assert!(page.contains("<a href=\"/docs/errors\">Errors</a>"), "{page}");
}

#[test]
fn the_checklist_for_a_new_family_quotes_real_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/adding-a-resource.md")).unwrap();
    let quotes: Vec<_> = page.split("```rust\n// ").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(quotes.len() > 5, "the page quotes {}", quotes.len());
    for quote in quotes {
        let (file, code) = quote.split_once('\n').unwrap();
        let source = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(code), "docs/adding-a-resource.md: no longer in {file}:\n{code}");
    }
}

#[test]
fn links_between_the_repositorys_texts_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut texts: Vec<_> = ["README.md", "CONTRIBUTING.md", "migrations/README.md"].map(|file| root.join(file)).into();
    texts.extend(files(&root.join("docs"), "md"));
    let render = |file: &Path| {
        let links = RefCell::new(Vec::new());
        let rendered = markdown::render(&fs::read_to_string(file).unwrap(), |link| {
            links.borrow_mut().push(link.to_owned());
            link.to_owned()
        });
        (rendered.html, links.into_inner())
    };
    for text in &texts {
        let guide = text.parent().is_some_and(|folder| folder.ends_with("docs/guides"));
        for link in render(text).1 {
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            if file.contains("://") || file.starts_with("{{") {
                continue;
            }
            let target = if file.is_empty() { text.clone() } else { text.parent().unwrap().join(file) };
            assert!(target.exists(), "{} links to {link}", text.display());
            // The sections of guides are partly made by the code; another test sees them whole.
            if !fragment.is_empty() && !guide {
                let there = values(&render(&target).0, "id").contains(&fragment);
                assert!(there, "{} links to {link}", text.display());
            }
        }
    }
}
