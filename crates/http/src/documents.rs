//! `/documents`.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::{StatusCode, header},
};
use bwp_domain::{
    documents::{Document, Upload, file_of, over_quota},
    fields::{Fault, FieldErrors},
    files::{
        FileName, Measure, MediaType,
        ports::{FileWriter, StoredBytes},
    },
    idempotency::Fingerprint,
    records::{About, RecordType},
    resource::{Draft, FieldType, Record, Resource, Value, family},
    scopes::ScopeId,
    text::Text,
};
use futures_util::stream;
use serde_json::{Map, Value as Json, json};

use crate::{
    disposition::disposition,
    openapi::{Body, ReplyKind, SchemaSource},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{
        Authorized, Call, Extract, Form, Keyed, Part, Query, QueryParams, RowId,
        query::{Param, Values},
    },
    resource::{Lists, Operations, found, rendered},
    routes::Context,
};

const TAG: Tag = Tag { name: "Documents", description: "Files on records: contracts, drawings, photos." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    Operations::of::<Document>("/documents", TAG, Lists::Full)
        .list()
        .and(
            Operation::post("/documents", upload)
                .body(Body { schema: SchemaSource::by(form_schema), example: form_example() })
                .needs(&[ScopeId::DocumentsWrite])
                .summary("Upload a document")
                .description(
                    "A form (`multipart/form-data`) with a file and what it is on. Send the file last: then a mistake elsewhere is told \
                     before the file is read. What it holds is found by its bytes. The same bytes are kept once, however often \
                     they are uploaded. A file that is too large is refused with 413, one beyond what your organization may keep \
                     with 409. A repetition under the same `Idempotency-Key` sends the same file and fields.",
                )
                .replies(Reply::row::<Document>(201, "The new document.")),
        )
        .count()
        .get()
        .update()
        .delete()
        .exports()
        .bulk()
        .and(
            Operation::get("/documents/{id}/download", download)
                .needs(&[ScopeId::DocumentsRead])
                .summary("Download a document")
                .description(
                    "The file's bytes, or with `Range` a part of them (206). PDF and images are shown in the browser with \
                     `inline=true`; everything else is an attachment, whatever is asked for.",
                )
                .replies(Reply::new(200, "The bytes.", ReplyKind::File("*/*"))),
        )
        .into_operations()
}

/// What a form may have besides its file.
const TEXTS: [&str; 4] = ["entityType", "entityId", "category", "description"];
const FILE: &str = "file";

fn form_schema(schemas: &mut crate::openapi::Schemas) -> String {
    let name = "UploadDocument";
    let text = |most: usize, doc: &str| json!({ "type": "string", "maxLength": most, "description": doc });
    let schema = json!({
        "type": "object",
        "description": "A file, and what it is on.",
        "required": ["entityType", "entityId", FILE],
        "properties": {
            "entityType": { "type": "string", "enum": RecordType::WORDS, "description": "What kind of record it is on." },
            "entityId": { "type": "integer", "exclusiveMinimum": 0, "description": "The id of the record that it is on." },
            "category": text(64, "What it is, such as `contract`, `permit`, `drawing` or `photo`."),
            "description": text(2_000, "What it shows."),
            FILE: { "type": "string", "contentMediaType": "application/octet-stream", "description": "The file, with its name." },
        },
        "additionalProperties": false,
    });
    schemas.insert(name, schema);
    name.to_owned()
}

fn form_example() -> Json {
    json!({ "entityType": "contact", "entityId": 1, "category": "drawing", FILE: "text" })
}

/// What was read of a form.
#[derive(Default)]
struct Read {
    /// What it says besides the file.
    texts: Map<String, Json>,
    errors: FieldErrors,
    file: Option<ReadFile>,
}

/// A file that was read and is not complete in the store.
struct ReadFile {
    name: Text,
    media_type: MediaType,
    bytes: StoredBytes,
    writer: Box<dyn FileWriter>,
}

async fn upload(
    context: Context,
    caller: Authorized<AnyCredential>,
    keyed: Keyed,
    mut form: Form,
) -> Result<HttpResponse, Problem> {
    let state = context.state.clone();
    let quota = state.file_limits.quota;
    if let Some(quota) = quota
        && state.file_usage.used(caller.tenant()).await? >= quota
    {
        return Err(over_quota(quota).into());
    }
    let mut read = Read::default();
    while let Some(part) = form.next().await? {
        read.take(&context, part).await?;
    }
    let (about, draft, ReadFile { name, media_type, bytes, writer }) = read.end()?;
    writer.complete().await?;
    // All of it has arrived, and lies in the store: from here on the time counts again.
    drop(form);
    let texts = TEXTS.map(|name| read.texts.get(name));
    // The same upload is one of the same fields and the same bytes, however they are parted.
    let said = json!([texts, *name, bytes.digest.to_string()]).to_string();
    let keyed = keyed.with(Fingerprint::of("POST", "/documents", said.as_bytes()));
    let stored = bytes.name.clone();
    let kept = AtomicBool::new(false);
    let command = Upload { about, name, media_type, bytes, draft, quota };
    let render = |document: &Record| {
        kept.store(names(document, &stored), Ordering::Relaxed);
        rendered(&context, StatusCode::CREATED, Document::SHAPE, document)
    };
    let answer = caller.execute(&state, keyed, command, render).await;
    // Of a failure of ours it is not known what became of the document: then the bytes stay.
    let unneeded = match &answer {
        Ok(_) => !kept.load(Ordering::Relaxed),
        Err(problem) => problem.status().is_client_error(),
    };
    if unneeded && let Err(error) = state.files.delete(&stored).await {
        tracing::warn!(%error, "a file that nothing names could not be deleted");
    }
    answer
}

/// Whether the document's bytes lie under this name.
fn names(document: &Record, name: &FileName) -> bool {
    let path = Document::SHAPE.field("storagePath").and_then(|(at, _)| document.values.get(at));
    matches!(path, Some(Value::Text(path)) if path == name.as_str())
}

impl Read {
    async fn take(&mut self, context: &Context, mut part: Part) -> Result<(), Problem> {
        let name = part.name().to_owned();
        let refused = if self.texts.contains_key(&name) || name == FILE && self.file.is_some() {
            Some(Fault::new("repeated", "Stands in the form more than once. Send it once."))
        } else if name == FILE {
            return self.take_file(context, part).await;
        } else {
            (!TEXTS.contains(&name.as_str())).then(|| Fault::new("unknown_field", "There is no such field."))
        };
        if let Some(fault) = refused {
            self.errors.push(name, fault);
            return part.pass_over().await;
        }
        match part.text().await? {
            // An empty field of a form is one that was not filled in.
            Some(text) if text.is_empty() => {}
            Some(text) if name == "entityId" => {
                let number = text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number));
                self.texts.insert(name, number);
            }
            Some(text) => {
                self.texts.insert(name, json!(text));
            }
            None => self.errors.push(name, Fault::new("invalid_value", "Must be a text in UTF-8, and not so long.")),
        }
        Ok(())
    }

    /// Reads the file and writes it to the store, part by part. What the fields before it say is wrong is told first.
    async fn take_file(&mut self, context: &Context, mut part: Part) -> Result<(), Problem> {
        let name = match Document::file_name(&part.file_name().unwrap_or_default()) {
            Ok(name) => name,
            Err(fault) => {
                self.errors.push(FILE, fault);
                return Err(Problem::invalid(std::mem::take(&mut self.errors)));
            }
        };
        if ["entityType", "entityId"].iter().all(|field| self.texts.contains_key(*field)) {
            self.fields()?;
        }
        let state = &context.state;
        let stored = FileName::generate(FileName::DOCUMENTS, &*state.environment.entropy);
        let mut writer = state.files.create(&stored).await?;
        let mut measure = Measure::default();
        let most = state.file_limits.max_bytes;
        while let Some(bytes) = part.next().await? {
            measure.take(&bytes);
            if measure.size() > most as u64 {
                let detail = format!("The file is too large. It may have at most {most} bytes.");
                return Err(Problem::bad_request(StatusCode::PAYLOAD_TOO_LARGE, detail));
            }
            writer.write(bytes).await?;
        }
        let measured = measure.end();
        let media_type = MediaType::of(&measured.sample, &name);
        let bytes = StoredBytes { name: stored, digest: measured.digest, size: measured.size };
        self.file = Some(ReadFile { name, media_type, bytes, writer });
        Ok(())
    }

    /// All that the form says, if nothing of it is wrong.
    fn end(&mut self) -> Result<(About, Draft, ReadFile), Problem> {
        let file = self.file.take();
        if file.is_none() {
            self.errors.push(FILE, Fault::new("required", "This field is required: the file, with its name."));
        }
        let (about, draft) = self.fields()?;
        let lost = || Problem::invalid(FieldErrors::one(FILE, Fault::new("required", "This field is required.")));
        file.map(|file| (about, draft, file)).ok_or_else(lost)
    }

    /// What the fields say that have arrived, if nothing of it is wrong.
    fn fields(&mut self) -> Result<(About, Draft), Problem> {
        let mut errors = std::mem::take(&mut self.errors);
        let mut draft = Draft::default();
        let mut read = |name: &str, errors: &mut FieldErrors| -> Option<Value<'static>> {
            let (at, field) = Document::SHAPE.field(name)?;
            match self.texts.get(name).map(|sent| field.read(sent)) {
                Some(Ok(value)) => {
                    draft.set(at, value.clone());
                    Some(value)
                }
                Some(Err(fault)) => {
                    errors.push(name, fault);
                    None
                }
                None if TEXTS[..2].contains(&name) => {
                    errors.push(name, Fault::new("required", "This field is required."));
                    None
                }
                None => None,
            }
        };
        let [kind, id, ..] = TEXTS.map(|name| read(name, &mut errors));
        let about = kind.and_then(RecordType::from_value).zip(id.and_then(|id| id.as_integer()));
        match about.filter(|_| errors.is_empty()) {
            Some((kind, id)) => Ok((About { kind, id }, draft)),
            None => Err(Problem::invalid(errors)),
        }
    }
}

/// `inline`.
const INLINE: Param<bool> = Param {
    name: "inline",
    description: "Whether a browser may show the file instead of saving it: PDF and images only.",
    schema: || json!({ "type": "boolean", "default": false }),
    parse: |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("Send true or false.".to_owned()),
    },
};

struct DownloadQuery {
    inline: bool,
}

impl QueryParams for DownloadQuery {
    fn read(values: &mut Values) -> Self {
        Self { inline: values.take(&INLINE).unwrap_or_default() }
    }
}

/// What a request says of the part of a file that it wants.
struct Wanted {
    range: Option<String>,
    if_range: Option<String>,
    if_none_match: Option<String>,
}

impl Extract for Wanted {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        let text = |request: &HttpRequest, name| {
            request.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok()).map(str::to_owned)
        };
        Ok(Self {
            range: text(call.request, header::RANGE),
            if_range: text(call.request, header::IF_RANGE),
            if_none_match: text(call.request, header::IF_NONE_MATCH),
        })
    }
}

async fn download(
    context: Context,
    caller: Authorized<AnyCredential>,
    id: RowId,
    query: Query<DownloadQuery>,
    wanted: Wanted,
) -> Result<HttpResponse, Problem> {
    let document = found(family::<Document>(), &context, &caller, id).await?.typed::<Document>()?.details;
    let lost = || Problem::new(ErrorCode::NotFound, "The bytes of this document are lost.");
    let name = file_of(&document).ok_or_else(lost)?;
    // The same bytes have the same name, and others have others.
    let tag = format!("\"{}\"", name.as_str().rsplit('/').next().unwrap_or_default());
    let media_type = MediaType::stored(document.mime_type.to_string());
    let size = u64::try_from(document.file_size).unwrap_or_default();
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::ETAG, tag.clone()))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if wanted.if_none_match.as_deref().is_some_and(|tags| tags == "*" || tags.split(',').any(|one| weak(one) == tag)) {
        return Ok(answer.status(StatusCode::NOT_MODIFIED).finish());
    }
    let asked = wanted.range.filter(|_| wanted.if_range.is_none_or(|one| one == tag));
    let Ok(range) = asked.as_deref().map_or(Ok(None), |range| part(range, size)) else {
        let detail = format!("The file has {size} bytes: send a `Range` that begins before its end.");
        let problem = Problem::bad_request(StatusCode::RANGE_NOT_SATISFIABLE, detail);
        let all = header::HeaderValue::try_from(format!("bytes */{size}"));
        return Err(all.map_or(problem.clone(), |all| problem.with_header(header::CONTENT_RANGE, all)));
    };
    let reader = context.state.files.open(&name, range.clone()).await?.ok_or_else(lost)?;
    if let Some(Range { start, end }) = &range {
        answer
            .status(StatusCode::PARTIAL_CONTENT)
            .insert_header((header::CONTENT_RANGE, format!("bytes {start}-{}/{size}", end - 1)));
    }
    let inline = query.0.inline && media_type.is_safe_inline();
    let disposition = disposition(inline, &document.original_filename);
    let length = range.map_or(size, |range| range.end - range.start);
    let bytes = stream::unfold(reader, |mut reader| async move {
        let next = reader.next().await.transpose()?;
        Some((next, reader))
    });
    Ok(answer
        .insert_header((header::CONTENT_TYPE, media_type.as_str().to_owned()))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .body(SizedStream::new(length, bytes)))
}

/// A tag of `If-None-Match`, which compares weakly (RFC 9110, section 13.1.2).
fn weak(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// No byte of the file is in the range.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NotSatisfiable;

/// The part of a file of so many bytes that a `Range` asks for (RFC 9110, section 14). `None`: all of it, which is also the answer to
/// what is not understood and to several ranges at once.
fn part(range: &str, size: u64) -> Result<Option<Range<u64>>, NotSatisfiable> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(first), _) if last.is_empty() => (first, size),
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (None, Some(last)) if first.is_empty() => (size.saturating_sub(last), size),
        _ => return Ok(None),
    };
    if start < end { Ok(Some(start..end)) } else { Err(NotSatisfiable) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_is_a_part_all_or_nothing() {
        let whole = Ok(None);
        for (range, expected) in [
            ("bytes=0-0", Ok(Some(0..1))),
            ("bytes=0-", Ok(Some(0..10))),
            ("bytes=3-5", Ok(Some(3..6))),
            ("bytes=3-999", Ok(Some(3..10))),
            ("bytes=-4", Ok(Some(6..10))),
            ("bytes=-99", Ok(Some(0..10))),
            ("bytes=10-", Err(NotSatisfiable)),
            ("bytes=10-20", Err(NotSatisfiable)),
            ("bytes=-0", Err(NotSatisfiable)),
            ("bytes=5-3", whole.clone()),
            ("bytes=-", whole.clone()),
            ("bytes=a-b", whole.clone()),
            ("bytes=+1-2", whole.clone()),
            ("bytes=0-1,3-4", whole.clone()),
            ("lines=1-2", whole.clone()),
            ("bytes=0-18446744073709551615", Ok(Some(0..10))),
            ("bytes=99999999999999999999-", whole.clone()),
        ] {
            assert_eq!(part(range, 10), expected, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Err(NotSatisfiable));
    }

    #[test]
    fn names_stand_twice() {
        assert_eq!(disposition(false, "plan.pdf"), "attachment; filename=\"plan.pdf\"; filename*=UTF-8''plan.pdf");
        assert_eq!(
            disposition(true, "a\"b\r\nc ü%.pdf"),
            "inline; filename=\"a_b__c __.pdf\"; filename*=UTF-8''a%22b%0D%0Ac%20%C3%BC%25.pdf"
        );
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_header(name: String) {
            let header = disposition(false, &name);
            prop_assert!(header.bytes().all(|b| matches!(b, b' '..=b'~')));
            prop_assert_eq!(header.matches('"').count(), 2);
            let written = header.split("UTF-8''").last().unwrap_or_default();
            let read = percent_encoding::percent_decode_str(written).decode_utf8().expect("UTF-8");
            prop_assert_eq!(read, name);
        }
    }
}
