//! axe-core: what about a page keeps people from using it.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};

use super::Browser;

/// WCAG 2.0 to 2.2, levels A and AA, and axe-core's own advice.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// Runs in the page, after axe-core itself. axe-core is put there by the driver, which the page's policy does not bind.
const RUN: &str = "
const [tags, without, done] = arguments;
const context = { include: [['html']], exclude: without.map(selector => [selector]) };
// Colours on their way from one to the other are neither.
const still = Promise.allSettled(document.getAnimations().map(animation => animation.finished));
Promise.race([still, new Promise(enough => setTimeout(enough, 1000))])
    .then(() => axe.run(context, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }))
    .then(found => done({ violations: found.violations, passed: found.passes.length }))
    .catch(error => done({ error: String(error) }));
";

impl Browser {
    /// Each violation of a rule on the page as it is shown, with where it is. What the CSS selectors in
    /// `without` find is not looked at.
    pub(super) async fn axe(&self, without: &[&str]) -> Vec<String> {
        let loaded = self.session.execute("return typeof axe !== 'undefined'", Vec::new()).await.expect("a page");
        if !loaded.convert::<bool>().expect("a boolean") {
            self.session.execute(axe_core(), Vec::new()).await.expect("axe-core is loaded");
        }
        let found = self.session.execute_async(RUN, vec![json!(TAGS), json!(without)]).await.expect("axe-core runs");
        let found = found.json();
        assert!(found["passed"].as_i64().is_some_and(|passed| passed > 0), "axe-core has looked at nothing: {found}");
        found["violations"].as_array().expect("a list").iter().map(describe).collect()
    }
}

fn describe(violation: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut told = format!("{} ({}): {}", text(&violation["id"]), text(&violation["impact"]), text(&violation["help"]));
    for node in violation["nodes"].as_array().into_iter().flatten() {
        let summary = text(&node["failureSummary"]).replace('\n', " ");
        let _ = write!(told, "\n    {} {}\n      {summary}", node["target"], text(&node["html"]));
    }
    told
}

fn axe_core() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/axe.min.js");
    std::fs::read_to_string(file).expect("target/tools/axe.min.js (scripts/test puts it there)")
}
