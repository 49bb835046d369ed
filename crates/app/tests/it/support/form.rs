//! Forms with files, byte by byte.

use reqwest::{RequestBuilder, header::CONTENT_TYPE};
use serde_json::Value;

/// A form (`multipart/form-data`) as a test writes it.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<u8>);

const BOUNDARY: &str = "b0undary-of-the-tests";

impl Form {
    /// The form of a document on a record.
    pub(crate) fn on_record(kind: &str, id: &Value) -> Self {
        Self::default().text("entityType", kind).text("entityId", &id.to_string())
    }

    /// The form whose fields are the members of an object; `file` is a file.
    pub(crate) fn of(object: &Value) -> Self {
        object.as_object().into_iter().flatten().fold(Self::default(), |form, (name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if name == "file" { form.file("file.txt", "text/plain", text.as_bytes()) } else { form.text(name, &text) }
        })
    }

    /// With a field.
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), None, value.as_bytes())
    }

    /// With the field `file`, whose file has a plain name.
    pub(crate) fn file(self, name: &str, media_type: &str, bytes: &[u8]) -> Self {
        self.part(&format!("name=\"file\"; filename=\"{name}\""), Some(media_type), bytes)
    }

    /// With a part of these parameters.
    pub(crate) fn part(mut self, parameters: &str, media_type: Option<&str>, bytes: &[u8]) -> Self {
        let media_type = media_type.map(|name| format!("Content-Type: {name}\r\n")).unwrap_or_default();
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {parameters}\r\n{media_type}\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// Its media type.
    pub(crate) fn media_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    /// Its bytes.
    pub(crate) fn bytes(mut self) -> Vec<u8> {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0
    }

    /// The request with this form as its body.
    pub(crate) fn on(self, request: RequestBuilder) -> RequestBuilder {
        request.header(CONTENT_TYPE, Self::media_type()).body(self.bytes())
    }
}
