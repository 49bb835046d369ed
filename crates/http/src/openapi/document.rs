//! The whole document.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use bwp_domain::idempotency::IdempotencyKey;
use bwp_web::compress::GzipOnce;
use serde_json::{Map, Value, json};

use super::{Input, KeyUse, ReplyKind, Schemas, example::example};
use crate::{
    envelope::{Meta, Pagination},
    mutation::REPLAYED,
    oauth,
    operation::{Operation, Reply, Tag},
    problem::{ErrorCode, Problem, ProblemDetails},
    rate_limit,
    request::IDEMPOTENCY_HEADER,
    routes::{self, BASE_PATH},
};

/// The document as it is served.
pub struct Document(GzipOnce);

impl Document {
    pub(crate) fn answer(&self, request: &HttpRequest) -> HttpResponse {
        self.0.answer(request, HttpResponse::Ok().content_type("application/json"))
    }

    /// The document as text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

const INTRODUCTION: &str = "\
A REST API for the business data of subcontractors.

Every call is sent with an API key, `Authorization: Bearer bwp_live_…`; each operation names the scopes that the key \
needs. Start with the [quickstart](quickstart). See also: [scopes](scopes), [idempotency](idempotency), \
[pagination](pagination), [rate limits](rate-limits), [errors](errors).";

/// The document of a server that clients reach under `public_url`.
pub fn document(public_url: &str, version: &str) -> Document {
    let mut schemas = Schemas::default();
    let problem = schemas.put::<ProblemDetails<'static>>();
    schemas.put::<Meta<'static>>();
    schemas.put::<Pagination>();
    let mut paths = Map::new();
    let mut tags: Vec<Tag> = Vec::new();
    for operation in routes::operations() {
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
        let path = paths.entry(operation.path.as_ref()).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = describe(&operation, &mut schemas);
    }
    oauth::describe(&mut paths, &mut schemas);
    tags.push(oauth::TAG);
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "bwp API",
            "version": version,
            "summary": "The v1 API: contacts and more, for a tenant's own programs.",
            "description": links(INTRODUCTION, public_url),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": format!("{public_url}{BASE_PATH}"), "description": "This server" }],
        "security": [{ "bearerAuth": [] }],
        "tags": tags.iter().map(|tag| json!({ "name": tag.name, "description": tag.description })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearerAuth": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "bwp_live_… or bwp_test_…",
                    "description": "An API key of the tenant. The scopes of each operation are those that the key needs.",
                },
                "oauth2": oauth::security_scheme(public_url),
            },
            "parameters": { "IdempotencyKey": idempotency_parameter() },
            "headers": headers(),
            "responses": problems(&problem, public_url),
            "schemas": schemas.into_sorted(),
        },
    });
    Document(GzipOnce::new(serde_json::to_vec_pretty(&document).unwrap_or_default()))
}

fn links(text: &str, public_url: &str) -> String {
    text.replace("](", &format!("]({public_url}/docs/"))
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let input = &operation.input;
    let mut parameters = input.parameters.clone();
    match input.key {
        KeyUse::None => {}
        KeyUse::Ignored => parameters.push(ignored_idempotency_parameter()),
        KeyUse::Used => parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" })),
    }
    let scopes: Vec<&str> = input.scopes.iter().map(|scope| scope.as_str()).collect();
    let mut description = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.tag.name],
        "security": [{ "bearerAuth": scopes }, { "oauth2": scopes }],
        "x-rate-limit-cost": operation.cost,
        "parameters": parameters,
        "responses": responses(operation, schemas),
    });
    if let Some(body) = &input.body {
        let name = body.schema.put(schemas);
        let media_type = if input.is_form { "multipart/form-data" } else { "application/json" };
        description["requestBody"] = json!({
            "required": !input.body_optional,
            "content": { media_type: {
                "schema": { "$ref": format!("#/components/schemas/{name}") },
                "example": body.example,
            } },
        });
    }
    description
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    if let Some(reply) = &operation.reply {
        responses.insert(reply.status.to_string(), success(reply, operation.input.key == KeyUse::Used, schemas));
    }
    for status in refusals(&operation.input) {
        let reference = json!({ "$ref": format!("#/components/responses/{}", response_name(status)) });
        responses.insert(status.as_str().to_owned(), reference);
    }
    Value::Object(responses)
}

fn success(reply: &Reply, keyed: bool, schemas: &mut Schemas) -> Value {
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    if keyed {
        headers[REPLAYED] = json!({ "$ref": format!("#/components/headers/{REPLAYED}") });
    }
    rate_limit::refer(&mut headers);
    let mut response = json!({ "description": reply.description, "headers": headers });
    let (source, list, extra) = match &reply.kind {
        ReplyKind::Nothing => return response,
        ReplyKind::File(media_type) => {
            response["content"] = json!({ *media_type: { "schema": { "type": "string", "format": "binary" } } });
            return response;
        }
        ReplyKind::One(source) => (source, false, vec![]),
        ReplyKind::Page(source) => (source, true, vec!["pagination"]),
        ReplyKind::Many(source) => (source, true, vec!["requested", "returned"]),
        ReplyKind::All(source) | ReplyKind::Numbered(source) => (source, true, vec![]),
    };
    let item = json!({ "$ref": format!("#/components/schemas/{}", source.put(schemas)) });
    let data = if list { json!({ "type": "array", "items": item }) } else { item };
    let mut meta = json!({ "$ref": "#/components/schemas/ResponseMeta" });
    if !extra.is_empty() {
        meta = json!({ "allOf": [meta, { "type": "object", "required": extra }] });
        if extra.contains(&"requested") {
            meta["allOf"][1]["properties"] = json!({
                "requested": { "type": "integer", "description": "How many different ids were asked for." },
                "returned": { "type": "integer", "description": "How many of them there are." },
            });
        }
    }
    if matches!(reply.kind, ReplyKind::Numbered(_)) {
        meta = numbered_meta(schemas);
    }
    let mut shown = json!({ "data": example(schemas, &data), "meta": example(schemas, &meta) });
    if let Some(fields) = shown["meta"].as_object_mut() {
        let is_numbered = matches!(reply.kind, ReplyKind::Numbered(_));
        fields.retain(|name, _| name == "request_id" || is_numbered || extra.contains(&name.as_str()));
    }
    response["content"] = json!({ "application/json": {
        "schema": { "type": "object", "required": ["data", "meta"], "properties": { "data": data, "meta": meta } },
        "example": shown,
    } });
    response
}

/// What is said about a page of pages that have numbers.
fn numbered_meta(schemas: &mut Schemas) -> Value {
    let number = |least: u32, example: u32, description: &str| json!({ "type": "integer", "minimum": least, "example": example, "description": description });
    schemas.insert(
        "NumberedPageMeta",
        json!({
            "type": "object",
            "description": "What is said about a page of pages that have numbers.",
            "required": ["request_id", "pagination"],
            "properties": {
                "request_id": { "type": "string", "description": "The request's id, as in `X-Request-Id`.", "example": "req_01JD0C9Z3T7QWERTYV5K8M2N4P" },
                "pagination": {
                    "type": "object",
                    "description": "Which page it is.",
                    "required": ["page", "pageSize", "total"],
                    "properties": {
                        "page": number(1, 1, "Which page."),
                        "pageSize": number(1, 25, "How many rows a page has."),
                        "total": number(0, 128, "How many rows there are on all pages."),
                    },
                },
            },
        }),
    );
    json!({ "$ref": "#/components/schemas/NumberedPageMeta" })
}

/// The statuses of the errors that an operation answers with.
fn refusals(input: &Input) -> Vec<StatusCode> {
    let mut statuses = vec![StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
    if input.has_id {
        statuses.push(StatusCode::NOT_FOUND);
    }
    if input.body.is_some() {
        statuses.push(StatusCode::REQUEST_TIMEOUT);
    }
    if input.key == KeyUse::Used || input.conflicts {
        statuses.push(StatusCode::CONFLICT);
    }
    if input.body.is_some() {
        statuses.extend([StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE]);
    }
    if input.body.is_some() || input.query_refusal == Some(ErrorCode::ValidationFailed) {
        statuses.push(StatusCode::UNPROCESSABLE_ENTITY);
    }
    statuses.extend([
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ]);
    statuses
}

/// The statuses of errors, and the codes that come with each.
const PROBLEMS: &[(StatusCode, &[ErrorCode])] = &[
    (StatusCode::BAD_REQUEST, &[ErrorCode::BadRequest]),
    (StatusCode::UNAUTHORIZED, &[ErrorCode::Unauthorized]),
    (
        StatusCode::FORBIDDEN,
        &[ErrorCode::ScopeInsufficient, ErrorCode::TenantSuspended, ErrorCode::SubscriptionInactive],
    ),
    (StatusCode::NOT_FOUND, &[ErrorCode::NotFound]),
    (StatusCode::REQUEST_TIMEOUT, &[ErrorCode::BadRequest]),
    (StatusCode::CONFLICT, &[ErrorCode::Conflict, ErrorCode::IdempotencyKeyReused]),
    (StatusCode::PAYLOAD_TOO_LARGE, &[ErrorCode::BadRequest]),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, &[ErrorCode::BadRequest]),
    (StatusCode::UNPROCESSABLE_ENTITY, &[ErrorCode::ValidationFailed]),
    (StatusCode::TOO_MANY_REQUESTS, &[ErrorCode::RateLimited]),
    (StatusCode::INTERNAL_SERVER_ERROR, &[ErrorCode::InternalError]),
    (StatusCode::SERVICE_UNAVAILABLE, &[ErrorCode::ServiceUnavailable]),
];

fn response_name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Problem").replace(' ', "")
}

fn problems(schema: &str, public_url: &str) -> Value {
    let mut responses = Map::new();
    for (status, codes) in PROBLEMS {
        let meanings: Vec<String> =
            codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
        let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
        if *status == StatusCode::UNAUTHORIZED {
            headers["WWW-Authenticate"] = json!({ "$ref": "#/components/headers/WWW-Authenticate" });
        }
        if matches!(*status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
        }
        if *status != StatusCode::UNAUTHORIZED {
            rate_limit::refer(&mut headers);
        }
        let examples: Map<String, Value> = codes
            .iter()
            .map(|code| (code.as_str().to_owned(), json!({ "value": problem_example(*code, *status, public_url) })))
            .collect();
        let response = json!({
            "description": meanings.join(" "),
            "headers": headers,
            "content": { Problem::MEDIA_TYPE: {
                "schema": { "$ref": format!("#/components/schemas/{schema}") },
                "examples": examples,
            } },
        });
        responses.insert(response_name(*status), response);
    }
    Value::Object(responses)
}

fn problem_example(code: ErrorCode, status: StatusCode, public_url: &str) -> Value {
    let mut problem = json!({
        "type": format!("{public_url}/docs/errors#{}", code.as_str()),
        "title": code.title(),
        "status": status.as_u16(),
        "detail": code.advice(),
        "code": code,
        "request_id": "req_01JD0C9Z3T7QWERTYV5K8M2N4P",
    });
    if code == ErrorCode::ValidationFailed {
        let message = "Must be an e-mail address, such as name@example.com.";
        problem["errors"] = json!([{ "field": "email", "code": "invalid_format", "message": message }]);
    }
    problem
}

fn idempotency_parameter() -> Value {
    json!({
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "required": false,
        "description": "Any visible text that is new for each new operation; a UUID is a good choice. The same request \
                        under the same key has one effect and, for 24 hours, one answer; another request under the same \
                        key is refused.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": IdempotencyKey::MAX_CHARS,
            "pattern": "^[!-~]+$",
        },
        "example": "4be07f0e-6f0c-4f0e-9d3c-0e7a3a1f6c55",
    })
}

fn ignored_idempotency_parameter() -> Value {
    json!({
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "required": false,
        "description": "Ignored: the operation changes nothing.",
        "schema": { "type": "string" },
    })
}

fn headers() -> Value {
    let mut headers = json!({
        "X-Request-Id": {
            "description": "The request's id: new for each request, and in every line that the server logs about it.",
            "schema": { "type": "string" },
            "example": "req_01JD0C9Z3T7QWERTYV5K8M2N4P",
        },
        REPLAYED: {
            "description": "`true` if the answer was given before, to the first request with this idempotency key.",
            "schema": { "type": "string", "enum": ["true"] },
            "example": "true",
        },
        "Retry-After": {
            "description": "How many seconds to wait before sending the request again.",
            "schema": { "type": "integer", "minimum": 0 },
            "example": 1,
        },
        "WWW-Authenticate": {
            "description": "How to authenticate (RFC 6750).",
            "schema": { "type": "string" },
            "example": "Bearer",
        },
    });
    if let Some(headers) = headers.as_object_mut() {
        headers.extend(rate_limit::described().into_iter().map(|(name, header)| (name.to_owned(), header)));
    }
    headers
}
