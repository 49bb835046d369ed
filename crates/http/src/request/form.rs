//! Forms with files: `multipart/form-data` (RFC 7578), read part by part and never whole.

use std::{cell::Cell, rc::Rc};

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{
    dev::Payload,
    error::PayloadError,
    http::{StatusCode, header},
    web::Bytes,
};
use bwp_web::body::{self, BodyError, BodyStream, StreamLimits};
use futures_util::StreamExt;

use super::{Call, Extract, json::too_much};
use crate::{
    openapi,
    problem::{ErrorCode, Problem},
};

/// A form that is arriving.
pub(crate) struct Form {
    parts: Multipart,
    /// Why its body did not arrive, which the reader of parts cannot tell.
    broken: Rc<Cell<Option<BodyError>>>,
}

/// A part of a form.
pub(crate) struct Part {
    field: Field,
    broken: Rc<Cell<Option<BodyError>>>,
}

/// The bytes of a form besides its file: its other fields, and what stands between all of them.
const BESIDES: usize = 256 * 1024;

impl Form {
    /// The next part, whose bytes are to be read before the one behind it.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, Problem> {
        match self.parts.next().await {
            None => Ok(None),
            Some(Ok(field)) => Ok(Some(Part { field, broken: Rc::clone(&self.broken) })),
            Some(Err(error)) => Err(malformed(&self.broken, &error)),
        }
    }
}

impl Part {
    /// The most bytes of a text.
    const MOST_TEXT: usize = 48 * 1024;

    /// The field's name.
    pub(crate) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// What its file is called, as the client says.
    pub(crate) fn file_name(&self) -> Option<String> {
        let disposition = self.field.content_disposition()?;
        let extended = disposition.get_filename_ext().and_then(|name| String::from_utf8(name.value.clone()).ok());
        // Browsers write three characters so, and no others (HTML, section 4.10.22.8).
        let plain = || {
            let name = disposition.get_filename()?;
            Some(name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
        };
        extended.or_else(plain)
    }

    /// The next bytes.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        self.field.next().await.transpose().map_err(|error| malformed(&self.broken, &error))
    }

    /// Reads on to its end.
    pub(crate) async fn pass_over(&mut self) -> Result<(), Problem> {
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// All of it, as text. `None` if it is none.
    pub(crate) async fn text(&mut self) -> Result<Option<String>, Problem> {
        let mut bytes = Vec::new();
        while let Some(more) = self.next().await? {
            if more.len() > Self::MOST_TEXT - bytes.len() {
                self.pass_over().await?;
                return Ok(None);
            }
            bytes.extend_from_slice(&more);
        }
        Ok(String::from_utf8(bytes).ok())
    }
}

fn malformed(broken: &Cell<Option<BodyError>>, error: &MultipartError) -> Problem {
    match (broken.take(), error) {
        (Some(broken), _) => too_much(broken),
        (None, MultipartError::Incomplete) => too_much(BodyError::Incomplete),
        (None, error) => Problem::new(ErrorCode::BadRequest, format!("The form is not well-formed: {error}.")),
    }
}

impl Extract for Form {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        check_media_type(call)?;
        let length = body::content_length(call.request);
        let max_bytes = call.state.file_limits.max_bytes.saturating_add(BESIDES);
        let limits = StreamLimits { max_bytes, deadline: call.state.body_limits.deadline };
        call.body_read = true;
        let payload = std::mem::replace(call.payload, Payload::None);
        let stream = BodyStream::new(payload, length, limits).map_err(too_much)?;
        let broken = Rc::<Cell<_>>::default();
        let told = Rc::clone(&broken);
        let bytes = stream.map(move |part| {
            part.map_err(|error| {
                told.set(Some(error));
                PayloadError::Incomplete(None)
            })
        });
        Ok(Self { parts: Multipart::new(call.request.headers(), bytes), broken })
    }

    fn describe(input: &mut openapi::Input) {
        input.is_form = true;
    }
}

fn check_media_type(call: &Call<'_>) -> Result<(), Problem> {
    let headers = call.request.headers();
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let plain = !headers.contains_key(header::CONTENT_ENCODING);
    if plain && essence.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(());
    }
    let detail = "Send a form: `Content-Type: multipart/form-data` with its boundary, and no `Content-Encoding`.";
    Err(Problem::bad_request(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}
