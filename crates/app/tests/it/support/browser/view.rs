//! The screens that a page is looked at on.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::Browser;

/// A width and a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// In CSS pixels.
    pub(crate) width: u16,
    pub(crate) dark: bool,
}

impl View {
    /// A desktop's, with light colours.
    pub(crate) const WIDE_LIGHT: Self = Self { width: 1440, dark: false };

    /// A phone's and a desktop's, each in light and dark. The one that a browser starts with comes last.
    pub(crate) const ALL: [Self; 4] = [
        Self { width: 360, dark: false },
        Self { width: 360, dark: true },
        Self { width: 1440, dark: true },
        Self::WIDE_LIGHT,
    ];

    fn theme(self) -> &'static str {
        if self.dark { "dark" } else { "light" }
    }
}

impl Browser {
    /// Shows this page and the next ones on such a screen.
    pub(crate) async fn show(&self, view: View) {
        let mobile = view.width < 600;
        let screen = json!({ "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": mobile });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        let theme = json!({ "features": [{ "name": "prefers-color-scheme", "value": view.theme() }] });
        self.devtools("Emulation.setEmulatedMedia", theme).await;
    }

    /// Holds the page, on every screen, against all that holds for every page: nobody is kept from using it (axe-core's
    /// rules), it need not be scrolled sideways, nothing in it failed to load or to run. Leaves pictures of it for
    /// people to look at, `target/screenshots/{name}-{width}-{theme}.png`.
    pub(crate) async fn check(&self, name: &str) {
        self.check_without(name, &[]).await;
    }

    /// Like [`check`](Self::check), but axe-core does not look at what these CSS selectors find.
    pub(crate) async fn check_without(&self, name: &str, without: &[&str]) {
        let wrong = self.faults(name, without).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// What [`check_without`](Self::check_without) finds.
    pub(crate) async fn faults(&self, name: &str, without: &[&str]) -> Vec<String> {
        let mut wrong = Vec::new();
        for view in View::ALL {
            self.show(view).await;
            let (width, theme) = (view.width, view.theme());
            let place = format!("{name} at {width} px, {theme}");
            let needed = self.number("return document.documentElement.scrollWidth").await;
            if needed > i64::from(width) {
                wrong.push(format!("{place}: is {needed} px wide"));
            }
            wrong.extend(self.axe(without).await.into_iter().map(|violation| format!("{place}: {violation}")));
            self.screenshot(&format!("{name}-{width}-{theme}")).await;
        }
        wrong.extend(self.complaints().await.into_iter().map(|complaint| format!("{name}: {complaint}")));
        wrong
    }

    /// Whether the page, on screens of these widths, need not be scrolled sideways. Leaves pictures of it.
    pub(crate) async fn fits(&self, name: &str, widths: &[u16]) -> Vec<String> {
        let mut wrong = Vec::new();
        for &width in widths {
            self.show(View { width, dark: false }).await;
            let needed = self.number("return document.documentElement.scrollWidth").await;
            if needed > i64::from(width) {
                wrong.push(format!("{name} at {width} px: is {needed} px wide"));
            }
            self.screenshot(&format!("{name}-{width}")).await;
        }
        wrong
    }

    /// Takes a picture of the whole page.
    async fn screenshot(&self, name: &str) {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let (width, height) = (&metrics["cssLayoutViewport"]["clientWidth"], &metrics["cssContentSize"]["height"]);
        let height = height.as_f64().expect("a number").min(5000.0);
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let picture =
            self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true, "clip": clip })).await;
        let picture = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
        std::fs::create_dir_all(folder()).expect("a folder");
        std::fs::write(folder().join(format!("{name}.png")), picture).expect("written");
    }

    async fn number(&self, script: &str) -> i64 {
        self.session.execute(script, Vec::new()).await.expect(script).convert().expect("a whole number")
    }
}

/// Not in the repository.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots")
}
