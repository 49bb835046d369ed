//! A person at the pages: a browser without a window, that keeps cookies and sends forms.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder, Response, header, redirect};

use super::{World, attempt_bwp, feed_bwp};

/// The password of everybody in tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A browser.
pub(crate) struct Person {
    http: reqwest::Client,
    url: String,
    cookies: BTreeMap<String, String>,
}

/// A page, as it was answered.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl World {
    /// Makes a user of a tenant with the usual password, or of who has an account with the address.
    pub(crate) async fn user(&self, tenant: &str, email: &str, role: &str) {
        let url = self.database.url();
        let create =
            ["--json", "--database-url", &url, "user", "create", "--tenant", tenant, "--email", email, "--role", role];
        let mut done = feed_bwp(&[&create[..], &["--password-stdin"]].concat(), PASSWORD).await;
        if String::from_utf8_lossy(&done.stderr).contains("--existing-account") {
            done = attempt_bwp(&[&create[..], &["--existing-account"]].concat()).await;
        }
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A browser in which nobody is signed in.
    pub(crate) fn person(&self) -> Person {
        Person::at(&self.server.url)
    }

    /// A browser in which a new user of the world's tenant is signed in.
    pub(crate) async fn signed_in(&self, email: &str, role: &str) -> Person {
        self.user(&self.tenant, email, role).await;
        let mut person = self.person();
        let page = person.sign_in(email, PASSWORD).await;
        assert_eq!((page.status, page.location()), (303, "/"), "{}", page.text);
        person
    }
}

impl Person {
    pub(crate) fn at(url: &str) -> Self {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        Self { http, url: url.to_owned(), cookies: BTreeMap::new() }
    }

    /// A request as the browser sends it.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) }
    }

    /// Sends a request, and keeps the cookies of its answer.
    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Page {
        self.keep(request.send().await.expect("the server answers")).await
    }

    async fn keep(&mut self, answer: Response) -> Page {
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("ASCII");
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Page { status, headers, text: answer.text().await.expect("a body") }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a form with these fields alone.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.request(Method::POST, path).form(fields);
        self.send(request).await
    }

    /// Opens the page `shown`, and sends a form of it to `path`: its token, its number if it has one, and these fields.
    pub(crate) async fn fill(&mut self, shown: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(shown).await;
        let token = page.hidden("csrf").to_owned();
        let nonce = page.text.contains("name=\"form\"").then(|| page.hidden("form").to_owned());
        let mut all = vec![("csrf", token.as_str())];
        all.extend(nonce.as_deref().map(|nonce| ("form", nonce)));
        all.extend(fields);
        self.post(path, &all).await
    }

    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Page {
        self.fill("/sign-in", "/sign-in", &[("email", email), ("password", password)]).await
    }

    /// What the browser keeps under this name.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }
}

impl Page {
    /// Where it sends the browser on to.
    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The page without the marks around texts that somebody chose.
    pub(crate) fn words(&self) -> String {
        self.text.replace("<bdi>", "").replace("</bdi>", "")
    }

    /// The value of a hidden field.
    #[track_caller]
    pub(crate) fn hidden(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&start).unwrap_or_else(|| panic!("no field {name}: {}", self.text));
        rest.split('"').next().expect("quoted")
    }
}
