//! A person at a real browser: headless Chromium with a profile of its own, led through `ChromeDriver`.
//!
//! What is on a page is found as a screen reader finds it, by role and name, so what a test can reach is what everyone
//! can reach.

mod accessibility;
mod axe;
mod part;
mod process;
mod view;

use std::{
    collections::BTreeSet,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use thirtyfour::{Cookie, TypingData, session::handle::SessionHandle};

use self::{part::Part, process::Process};
use super::Server;

pub(crate) use view::View;

/// A browser at a server, and what its page shows. Ended when dropped.
pub(crate) struct Browser {
    page: Part,
    /// The server's address.
    origin: String,
    session: Arc<SessionHandle>,
    process: Process,
}

/// What is done to the page as a whole is done to the browser.
impl Deref for Browser {
    type Target = Part;

    fn deref(&self) -> &Part {
        &self.page
    }
}

impl Browser {
    /// A browser that has visited nothing yet, in [`View::WIDE_LIGHT`].
    pub(crate) async fn start(server: &Server) -> Self {
        let (process, session) = Process::start().await;
        let browser = Self { page: Part::page(Arc::clone(&session)), origin: server.url.clone(), session, process };
        browser.show(View::WIDE_LIGHT).await;
        browser
    }

    /// Goes to a path of the server, or to an address.
    pub(crate) async fn open(&self, path: &str) {
        let address = if path.starts_with('/') { format!("{}{path}", self.origin) } else { path.to_owned() };
        self.session.goto(&address).await.expect(&address);
    }

    /// Presses the browser's own button *Back*.
    pub(crate) async fn back(&self) {
        self.session.back().await.expect("a page before this one");
    }

    /// Presses the browser's own button *Reload*.
    pub(crate) async fn reload(&self) {
        self.session.refresh().await.expect("a page");
    }

    /// The path and query of the page's address.
    pub(crate) async fn path(&self) -> String {
        let url = self.session.current_url().await.expect("a page");
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// The page as it is now, as HTML.
    pub(crate) async fn html(&self) -> String {
        self.session.source().await.expect("a page")
    }

    /// Presses a key, or keys together (`Key::Control + "c"`), wherever the focus is.
    pub(crate) async fn key(&self, keys: impl Into<TypingData>) {
        let focused = self.session.active_element().await.expect("a page");
        focused.send_keys(keys).await.expect("a page");
    }

    /// What has the focus, as `button Sign in`; `RootWebArea` and the page's title if nothing has.
    pub(crate) async fn focused(&self) -> String {
        let nodes = self.nodes().await;
        nodes.iter().rfind(|node| node.is("focused")).map(ToString::to_string).unwrap_or_default()
    }

    /// What was copied last. From now on the server's pages may read it too.
    pub(crate) async fn clipboard(&self) -> String {
        let permissions =
            json!({ "origin": self.origin, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.devtools("Browser.grantPermissions", permissions).await;
        let read = "navigator.clipboard.readText().then(arguments[0], error => arguments[0](`no text: ${error}`))";
        let text = self.session.execute_async(read, Vec::new()).await.expect("a clipboard");
        text.convert().expect("text")
    }

    /// Lets pages run scripts, or forbids it, from the next page on.
    pub(crate) async fn allow_scripts(&self, allowed: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed })).await;
    }

    /// The cookies that the browser has for the server.
    pub(crate) async fn cookies(&self) -> Vec<Cookie> {
        self.session.get_all_cookies().await.expect("a page of the server")
    }

    /// Sends a form from the page as a script in it would, with the token of the page's own forms, and gives the answer's
    /// status.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> i64 {
        let script = "
            const [path, fields, done] = arguments;
            const body = new URLSearchParams(fields);
            body.set('csrf', document.querySelector('input[name=csrf]').value);
            fetch(path, { method: 'POST', body }).then(answer => done(answer.status), error => done(String(error)));";
        let sent =
            self.session.execute_async(script, vec![json!(path), json!(fields)]).await.expect("a page with a form");
        sent.convert().expect("a status")
    }

    /// The addresses and titles of the pages that *Back* and *Forward* lead to.
    pub(crate) async fn history(&self) -> Vec<String> {
        let history = self.devtools("Page.getNavigationHistory", json!({})).await;
        let entry = |entry: &Value| format!("{} {}", entry["url"], entry["title"]);
        history["entries"].as_array().expect("entries").iter().map(entry).collect()
    }

    /// What the browser complained of since this was last asked: scripts' errors, what a policy forbade, files that
    /// were not there. That a page itself was answered with an error is none.
    pub(crate) async fn complaints(&self) -> BTreeSet<String> {
        let log = self.session.browser_log().await.expect("a log").into_iter();
        let of_page = |message: &str| {
            let address = message.split(' ').next().unwrap_or_default();
            message.contains("Failed to load resource: the server responded")
                && Path::new(address).extension().is_none()
        };
        log.map(|entry| entry.message).filter(|message| !of_page(message)).collect()
    }

    /// Ends the browser, and gives the files that it leaves, with what is in them.
    pub(crate) fn close(self) -> Vec<(PathBuf, Vec<u8>)> {
        self.process.end()
    }

    /// A command of the protocol of Chromium's developer tools.
    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        accessibility::devtools(&self.session, command, parameters).await.expect(command)
    }
}
