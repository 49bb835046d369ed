//! A page as Chromium tells it to a screen reader: Chromium's accessibility tree.

use std::{collections::HashMap, fmt, iter::successors, sync::Arc};

use serde_json::{Value, json};
use thirtyfour::{WebElement, cdp::Cdp, error::WebDriverResult, session::handle::SessionHandle};

/// Something that a screen reader tells of.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Such as `button` or `textbox`: Chromium's names, most of which are those of WAI-ARIA.
    pub(crate) role: String,
    pub(crate) name: String,
    /// What is told after the name: the hint and the error of a field.
    pub(crate) description: String,
    /// Its number in the browser, as long as its page stays.
    pub(super) id: i64,
    /// Itself and what it is in.
    pub(super) within: Vec<i64>,
    properties: Value,
}

impl Node {
    /// Whether it has this property, such as `disabled`, `checked`, `invalid` or `focused`.
    pub(crate) fn is(&self, property: &str) -> bool {
        let found = self.properties.as_array().into_iter().flatten().find(|it| it["name"] == property);
        found.is_some_and(|it| it["value"]["value"] == true || it["value"]["value"] == "true")
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.name)
    }
}

/// A command of the protocol of Chromium's developer tools.
pub(super) async fn devtools(session: &Arc<SessionHandle>, command: &str, parameters: Value) -> WebDriverResult<Value> {
    Cdp::new(Arc::clone(session)).send_raw(command, parameters).await
}

/// All that is told of the page, or of the node `root` and what is in it, in the order of the page.
pub(super) async fn nodes(session: &Arc<SessionHandle>, root: Option<i64>) -> WebDriverResult<Vec<Node>> {
    // Not `queryAXTree`, which is asked about a document: Chromium crashes if another one has taken its place meanwhile.
    let told = devtools(session, "Accessibility.getFullAXTree", json!({})).await?;
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().trim().to_owned();
    let told: Vec<&Value> = told["nodes"].as_array().into_iter().flatten().collect();
    let by_id: HashMap<_, _> = told.iter().map(|node| (node["nodeId"].as_str(), *node)).collect();
    let ancestors = |node| {
        let up = successors(Some(node), |node: &&Value| by_id.get(&node["parentId"].as_str()).copied());
        up.filter_map(|node| node["backendDOMNodeId"].as_i64()).collect()
    };
    let nodes = told.iter().filter(|node| node["ignored"] != true).filter_map(|node| {
        Some(Node {
            role: text(&node["role"]),
            name: text(&node["name"]),
            description: text(&node["description"]),
            id: node["backendDOMNodeId"].as_i64()?,
            within: ancestors(*node),
            properties: node["properties"].clone(),
        })
    });
    Ok(nodes.filter(|node: &Node| root.is_none_or(|root| node.within.contains(&root))).collect())
}

/// The element of a node.
pub(super) async fn element(session: &Arc<SessionHandle>, node: i64) -> WebDriverResult<WebElement> {
    // WebDriver and the developer tools have different names for elements, and meet in the page alone.
    let object = devtools(session, "DOM.resolveNode", json!({ "backendNodeId": node })).await?;
    let keep = json!({
        "objectId": object["object"]["objectId"],
        "functionDeclaration": "function () { window.bwpFound = this; }",
    });
    devtools(session, "Runtime.callFunctionOn", keep).await?;
    let take = "const found = window.bwpFound; delete window.bwpFound; return found;";
    session.execute(take, Vec::new()).await?.element()
}
