//! What a person does on a page.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use thirtyfour::{By, Key, WebElement, error::WebDriverResult, session::handle::SessionHandle};

use super::{
    super::PATIENCE,
    accessibility::{self, Node},
};

/// Makes a page note that it is about to be replaced. Null where scripts are forbidden, whose listeners hear nothing.
const WATCH: &str = "window.bwpLeaves = null; \
    const probe = new EventTarget(); \
    probe.addEventListener('probe', () => { window.bwpLeaves = false; }); \
    probe.dispatchEvent(new Event('probe')); \
    navigation.addEventListener('navigate', (event) => { window.bwpLeaves ||= !event.hashChange; });";

/// How long after a press a page may notice that it is about to be replaced: a form is sent by a task of its own.
const TURN: Duration = Duration::from_millis(50);

/// What takes an answer.
const FIELDS: &[&str] =
    &["textbox", "searchbox", "combobox", "listbox", "spinbutton", "checkbox", "radio", "switch", "Date", "DateTime"];
/// What does something.
const CONTROLS: &[&str] = &["button", "link", "DisclosureTriangle", "tab", "menuitem"];

/// A page, or a part of it such as a row of a table.
///
/// What is looked for is waited for. More than one of the same role and name in the part fails the test, as it would
/// leave a person at a loss.
pub(crate) struct Part {
    session: Arc<SessionHandle>,
    root: Option<i64>,
}

impl Part {
    pub(super) fn page(session: Arc<SessionHandle>) -> Self {
        Self { session, root: None }
    }

    /// All that a screen reader tells of it now.
    pub(crate) async fn nodes(&self) -> Vec<Node> {
        accessibility::nodes(&self.session, self.root).await.expect("a page")
    }

    /// The names of all that have this role now.
    pub(crate) async fn names(&self, role: &str) -> Vec<String> {
        self.nodes().await.into_iter().filter(|node| node.role == role).map(|node| node.name).collect()
    }

    /// Its text, as it is seen.
    pub(crate) async fn text(&self) -> String {
        self.text_when("has a text", |text| !text.is_empty()).await
    }

    /// Waits until its text has this in it.
    pub(crate) async fn sees(&self, expected: &str) {
        self.text_when(&format!("shows `{expected}`"), |text| text.contains(expected)).await;
    }

    /// Waits until its text has this in it no more.
    pub(crate) async fn sees_no(&self, gone: &str) {
        self.text_when(&format!("shows no `{gone}`"), |text| !text.is_empty() && !text.contains(gone)).await;
    }

    async fn text_when(&self, wanted: &str, is_it: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            // A page that is just being replaced has none.
            let text = self.seen().await.unwrap_or_default();
            if is_it(&text) {
                return text;
            }
            assert!(began.elapsed() < PATIENCE, "no page that {wanted}{}", self.state().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn seen(&self) -> WebDriverResult<String> {
        match self.root {
            Some(root) => accessibility::element(&self.session, root).await?.text().await,
            None => self.session.find(By::Tag("body")).await?.text().await,
        }
    }

    /// The part of this role that has this text in it or as its name: a `row` of a table, a `dialog`, a `group` of fields.
    pub(crate) async fn within(&self, role: &str, text: &str) -> Self {
        let has_it = |nodes: Vec<Node>| {
            let with_text: HashSet<_> =
                nodes.iter().filter(|node| node.name.contains(text)).flat_map(|node| node.within.clone()).collect();
            nodes.into_iter().filter(|node| node.role == role && with_text.contains(&node.id)).collect()
        };
        let (node, _) = self.find(has_it, &format!("{role} with `{text}`")).await;
        Self { session: Arc::clone(&self.session), root: Some(node.id) }
    }

    /// What has this role and this name.
    pub(crate) async fn node(&self, role: &str, name: &str) -> Node {
        self.named(&[role], name).await.0
    }

    /// The field with this label.
    pub(crate) async fn field(&self, label: &str) -> Node {
        self.named(FIELDS, label).await.0
    }

    /// What the field with this label holds.
    pub(crate) async fn value(&self, label: &str) -> String {
        self.named(FIELDS, label).await.1.value().await.expect("a value").unwrap_or_default()
    }

    /// Types into the field with this label, in place of what is there.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let (_, field) = self.named(FIELDS, label).await;
        // As a person does it, so that a script in the page is told.
        let all = if cfg!(target_os = "macos") { Key::Command } else { Key::Control } + "a";
        field.send_keys(all).await.expect("a text field");
        field.send_keys(Key::Backspace).await.expect("a text field");
        field.send_keys(text).await.expect("a text field");
    }

    /// Ticks the box with this label, or takes the tick away; or chooses the radio button.
    pub(crate) async fn tick(&self, label: &str, ticked: bool) {
        let (_, field) = self.named(FIELDS, label).await;
        if field.is_selected().await.expect("a box") != ticked {
            field.click().await.expect("a box that can be reached");
        }
    }

    /// Chooses what the list with this label offers under `option`.
    pub(crate) async fn choose(&self, label: &str, option: &str) {
        let (_, field) = self.named(FIELDS, label).await;
        for offered in field.find_all(By::Tag("option")).await.expect("a list") {
            if offered.text().await.expect("text") == option {
                return offered.click().await.expect("an option that can be chosen");
            }
        }
        panic!("`{label}` does not offer `{option}`");
    }

    /// Presses the button, or follows the link, of this name.
    pub(crate) async fn press(&self, name: &str) {
        let (node, control) = self.named(CONTROLS, name).await;
        let before = self.document().await;
        self.session.execute(WATCH, Vec::new()).await.expect("a page");
        if let Err(error) = control.click().await {
            panic!("{node} cannot be pressed: {error}{}", self.state().await);
        }
        // Most of these lead to another page, and what is asked next is about that. Some work in the page itself.
        let began = Instant::now();
        while self.document().await == before {
            tokio::time::sleep(TURN).await;
            // A page that is just being replaced says nothing, nor does one without scripts, in which nothing works by itself.
            let leaves = self.session.execute("return window.bwpLeaves", Vec::new()).await;
            let stays = leaves.and_then(|leaves| leaves.convert::<Option<bool>>()).is_ok_and(|it| it == Some(false));
            if stays || began.elapsed() > PATIENCE {
                break;
            }
        }
        // ChromeDriver waits for the rest of the page before the next command.
        let _ = self.session.title().await;
    }

    /// What tells the document that is shown from the ones before it. `None` while there is none.
    async fn document(&self) -> Option<String> {
        let frames = accessibility::devtools(&self.session, "Page.getFrameTree", json!({})).await.ok()?;
        frames["frameTree"]["frame"]["loaderId"].as_str().map(str::to_owned)
    }

    /// The one that has one of these roles, and this name.
    async fn named(&self, roles: &[&str], name: &str) -> (Node, WebElement) {
        let is_it = |node: &Node| roles.contains(&&*node.role) && node.name == name;
        self.find(|nodes| nodes.into_iter().filter(is_it).collect(), &format!("{} `{name}`", roles.join("/"))).await
    }

    /// The only one that `choice` leaves, once it does.
    async fn find(&self, choice: impl Fn(Vec<Node>) -> Vec<Node>, wanted: &str) -> (Node, WebElement) {
        let began = Instant::now();
        loop {
            let failure = match accessibility::nodes(&self.session, self.root).await.map(&choice).as_deref() {
                Ok([node]) => match accessibility::element(&self.session, node.id).await {
                    Ok(element) => return (node.clone(), element),
                    Err(error) => error.to_string(),
                },
                Ok(found) => format!("there are {}", found.len()),
                Err(error) => error.to_string(),
            };
            // What goes wrong while a page is being replaced goes well on the next one.
            assert!(began.elapsed() < PATIENCE, "not the one {wanted}: {failure}{}", self.state().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// For a failed test: where the browser is, and what is there.
    async fn state(&self) -> String {
        let url = self.session.current_url().await.map(String::from).unwrap_or_default();
        let nodes = accessibility::nodes(&self.session, None).await.unwrap_or_default();
        let quiet =
            ["StaticText", "InlineTextBox", "generic", "LabelText", "paragraph", "ListMarker", "cell", "rowheader"];
        let nodes = nodes.iter().filter(|node| !quiet.contains(&&*node.role) && !node.name.is_empty());
        nodes.fold(format!("\nat {url}, which shows:"), |told, node| format!("{told}\n  {node}"))
    }
}
