//! The guides, in the order in which the header of each page lists them.

/// A page of text.
pub(super) struct Guide {
    /// The last part of its address, and the name of its file.
    pub(super) name: &'static str,
    /// What links to it say.
    pub(super) label: &'static str,
    /// Its text, with placeholders.
    pub(super) markdown: &'static str,
}

macro_rules! guides {
    ($($name:literal, $label:literal;)*) => {
        pub(super) const GUIDES: &[Guide] = &[$(Guide {
            name: $name,
            label: $label,
            markdown: include_str!(concat!("../../../../docs/guides/", $name, ".md")),
        }),*];
    };
}

guides! {
    "quickstart", "Quickstart";
    "bid-to-project", "From bid to project";
    "work-to-payment", "From work to payment";
    "scopes", "Scopes";
    "api-keys", "API keys";
    "idempotency", "Idempotency";
    "pagination", "Pagination";
    "webhooks", "Webhooks";
    "imports", "Imports and exports";
    "rate-limits", "Rate limits";
    "errors", "Errors";
    "browsers", "Browsers";
}
