//! `/invoices`.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use bwp_domain::{
    clock::{Rounding, Timestamp},
    fields::{Fault, FieldErrors},
    idempotency::RenderedResponse,
    ids::TenantId,
    invoices::{
        self, Action, CreateInvoice, Entry, FromBid, FromPayApp, Invoice, InvoiceLineItem, InvoiceOfBid,
        InvoiceOfPayApp, InvoicePayment, InvoiceStatus, ReorderLines, WritePayment,
    },
    papers::PaperKind,
    parts::{MOST_PARTS, Part},
    resource::{Body, Condition, Filter, Record, Resource, ResourceError, Update, Value, family, ports::Sum},
    scopes::ScopeId,
    steps::Take,
    store::StoreError,
    tenants::TimeZone,
    text::SearchText,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::{
    disposition::disposition,
    envelope::{Envelope, Meta},
    openapi::{self, ReplyKind},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{Authorized, ItemId, JsonObject, Keyed, KeyedEmpty, Query, QueryParams, RowId, query::Values},
    resource::{Besides, Lists, Operations, filled, ids, members, named, parts, read, shown_all},
    routes::Context,
};

const TAG: Tag = Tag { name: "Invoices", description: "What customers are asked to pay, and what they have paid." };

type Caller = Authorized<AnyCredential>;
type Answer = Result<HttpResponse, Problem>;

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let all = Operations::of::<Invoice>("/invoices", TAG, Lists::Plain)
        .besides(BESIDES)
        .delete()
        .and(
            Operation::get("/invoices", list)
                .needs(&[ScopeId::InvoicesRead])
                .summary("List invoices")
                .description("A page of the tenant's invoices that fit every filter, newest first. Pages have numbers.")
                .replies(Reply::numbered::<Invoice>("A page of invoices.", "ShownInvoice", besides)),
        )
        .and(
            Operation::post("/invoices", create)
                .body(openapi::Body { schema: openapi::SchemaSource::by(create_schema), example: create_example() })
                .needs(&[ScopeId::InvoicesWrite])
                .summary("Create an invoice")
                .description("Makes a draft, with its lines.")
                .replies(full(201, "The new invoice.")),
        )
        .and(
            Operation::get("/invoices/summary", summary)
                .needs(&[ScopeId::InvoicesRead])
                .summary("Sum invoices up")
                .description("How many invoices there are and what they come to: in all, of each status, and of those that are overdue.")
                .replies(Reply::data::<Summary>("The sums.")),
        )
        .and(
            Operation::get("/invoices/{id}", get)
                .needs(&[ScopeId::InvoicesRead])
                .summary("Get an invoice")
                .description("One invoice, with its lines.")
                .replies(full(200, "The invoice.")),
        )
        .and(
            Operation::get("/invoices/{id}/pdf", pdf)
                .needs(&[ScopeId::InvoicesRead])
                .cost(50)
                .summary("Print an invoice")
                .description("A PDF of the invoice as it is now.")
                .replies(Reply::new(200, "The PDF.", ReplyKind::File("application/pdf"))),
        )
        .and(
            Operation::patch("/invoices/{id}", update)
                .body(openapi::Body::of_change(Invoice::SHAPE))
                .needs(&[ScopeId::InvoicesWrite])
                .summary("Change an invoice")
                .description("Changes the fields that are sent of a draft; `null` empties one.")
                .replies(full(200, "The invoice after the change.")),
        )
        .and(
            Operation::post("/invoices/from-bid", from_bid)
                .takes::<InvoiceOfBid>()
                .finds_others()
                .needs(&[ScopeId::InvoicesWrite])
                .summary("Create an invoice from a bid")
                .description("Makes a draft from an accepted bid: all of it, so many percent of it, or an amount.")
                .replies(full(201, "The new invoice.")),
        )
        .and(
            Operation::post("/invoices/from-pay-app", from_pay_app)
                .takes::<InvoiceOfPayApp>()
                .finds_others()
                .needs(&[ScopeId::InvoicesWrite])
                .summary("Create an invoice from a pay app")
                .description("Makes a draft of what is due of an approved pay app.")
                .replies(full(201, "The new invoice.")),
        )
        .step_alone("sent", || Action::MarkSent)
        .step_with("mark-paid", "paid", ErrorCode::ValidationFailed, Action::MarkPaid)
        .step_with("void", "voided", ErrorCode::ValidationFailed, Action::Void)
        .and(
            Operation::post("/invoices/{id}/qbo/sync", sync)
                .needs(&[ScopeId::InvoicesWrite])
                .summary("Send an invoice to the accounting program")
                .description("Queues the invoice if the tenant is connected to an accounting program; else the answer says why not.")
                .replies(Reply::accepted::<Sync>("Whether it is queued.")),
        )
        .and(
            Operation::get("/invoices/{id}/payments", payments)
                .needs(&[ScopeId::InvoicesRead])
                .summary("List payments of an invoice")
                .description("All payments of the invoice, voided ones too, by their time.")
                .replies(Reply::rows::<InvoicePayment>(200, "The payments.")),
        )
        .and(ledger(Operation::post("/invoices/{id}/payments", add_payment), 201, "Enter a payment of an invoice", "Enters what was paid, at most what is left to pay.").body(openapi::Body::of_new(InvoicePayment::SHAPE)))
        .and(ledger(Operation::patch("/invoices/{id}/payments/{paymentId}", change_payment), 200, "Change a payment of an invoice", "Changes the fields that are sent.").body(openapi::Body::of_change(InvoicePayment::SHAPE)))
        .and(ledger(Operation::delete("/invoices/{id}/payments/{paymentId}", void_payment), 200, "Void a payment of an invoice", "The payment stays, and counts for nothing."))
        .and(
            Operation::post("/invoices/{id}/lines/reorder", reorder)
                .body(openapi::Body { schema: openapi::SchemaSource::by(order_schema), example: json!({ "orderedIds": [43, 42] }) })
                .needs(&[ScopeId::InvoicesWrite])
                .summary("Reorder the lines of an invoice")
                .description("Puts the lines of a draft into an order. Send every line once.")
                .replies(Reply::rows::<InvoiceLineItem>(200, "The lines, in their order.")),
        );
    let send = all.send("SentInvoice", |id, sending| Take { id, action: Action::Send(sending) });
    let mut all = all.and(send.of_step::<Action>("send")).into_operations();
    let lines = Operations::of::<InvoiceLineItem>("/invoices/{id}/lines", TAG, Lists::Plain).items("lineId");
    all.extend(lines.writes_parts::<InvoiceLineItem>().into_operations());
    all
}

fn ledger(operation: Operation, status: u16, summary: &'static str, description: &'static str) -> Operation {
    operation.needs(&[ScopeId::InvoicesMarkPaid]).summary(summary).description(description).replies(Reply::pair::<
        InvoicePayment,
        Invoice,
    >(
        status,
        ("payment", "invoice"),
        "PaymentOfInvoice",
        "ShownInvoice",
        besides,
    ))
}

fn full(status: u16, description: &'static str) -> Reply {
    Reply::row_with::<Invoice>(status, description, "InvoiceInFull", || {
        merged(
            besides(),
            json!({ "lineItems": {
            "type": "array",
            "items": { "$ref": "#/components/schemas/InvoiceLineItem" },
            "description": "Its lines, in their order.",
        } }),
        )
    })
    .with::<InvoiceLineItem>()
}

/// What answers show of an invoice besides its fields.
fn besides() -> Json {
    json!({
        "tenantId": { "type": "integer", "format": "int64", "description": "The tenant.", "required": true },
        "isOverdue": { "type": "boolean", "description": "Whether it was to be paid before today, and is not." },
    })
}

/// The same, for what the kit answers.
const BESIDES: Besides = Besides {
    name: "ShownInvoice",
    schema: besides,
    members: |context, (tenant, zone), record| View::new(context, tenant, zone).members(record),
};

fn merged(mut one: Json, other: Json) -> Json {
    if let (Some(one), Json::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

/// How the invoices of a caller are shown, whatever it is that shows them.
struct View<'a> {
    context: &'a Context,
    tenant: i64,
    zone: TimeZone,
    now: Timestamp,
}

impl<'a> View<'a> {
    fn of(context: &'a Context, caller: &Caller) -> Self {
        let tenant = caller.credential().tenant();
        Self::new(context, tenant.id, tenant.time_zone)
    }

    fn new(context: &'a Context, tenant: TenantId, zone: TimeZone) -> Self {
        Self { context, tenant: tenant.get(), zone, now: context.state.environment.clock.now() }
    }

    fn members(&self, record: &Record) -> Result<Map<String, Json>, StoreError> {
        let overdue = record.typed::<Invoice>()?.details.is_overdue(self.zone, self.now);
        Ok(named([("tenantId", json!(self.tenant)), ("isOverdue", json!(overdue))]))
    }

    fn invoice(&self, record: &Record, more: Map<String, Json>) -> Result<Json, StoreError> {
        let mut all = self.members(record)?;
        all.extend(more);
        members(Invoice::SHAPE, record, all).map(Json::Object)
    }

    fn with_lines(&self, record: &Record, lines: &[Record]) -> Result<Json, StoreError> {
        self.invoice(record, named([("lineItems", shown_all::<InvoiceLineItem>(lines)?)]))
    }

    /// The answer to a change, to be kept for its repetitions. What was just stored can be shown.
    fn rendered(&self, status: StatusCode, shown: Result<Json, StoreError>) -> RenderedResponse {
        let data = shown.unwrap_or_default();
        Envelope { data, meta: Meta::of(self.context.request_id()) }.rendered(status)
    }
}

async fn pdf(context: Context, caller: Caller, id: RowId) -> Answer {
    let (state, zone) = (&context.state, caller.credential().tenant().time_zone);
    let (one, now) = (Invoice::SHAPE.one, state.environment.clock.now());
    let printed = state.papers.print(PaperKind::Invoice, id.known(one)?, caller.tenant(), zone, now).await?;
    let printed = printed.ok_or(ResourceError::NotFound(one))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/pdf"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(true, &printed.file_name)))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(printed.bytes))
}

// ---------------------------------------------------------------- lists

/// The most rows of a page.
const MOST_ROWS: u32 = 200;

/// The query of the list: the only one whose pages have numbers.
struct ListQuery {
    page: u32,
    page_size: u32,
    filter: Filter,
}

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        let whole = |name: &'static str, most: u32, default: u32, description: &'static str, values: &mut Values| {
            let schema = move || {
                let mut schema = json!({ "type": "integer", "minimum": 1, "default": default });
                if most < u32::MAX {
                    schema["maximum"] = json!(most);
                }
                (description.to_owned(), schema)
            };
            let read = move |text: &str| match text.parse() {
                _ if text.is_empty() => Ok(default),
                Ok(number) if (1..=most).contains(&number) => Ok(number),
                _ if most < u32::MAX => Err(format!("Send a whole number from 1 to {most}.")),
                _ => Err("Send a whole number of 1 or more.".to_owned()),
            };
            values.take_by(name, schema, read).unwrap_or(default)
        };
        let page = whole("page", u32::MAX, 1, "Which page.", values);
        let page_size = whole("pageSize", MOST_ROWS, 25, "How many rows a page has.", values);
        let mut filter = Filter::all();
        let place = |name| Invoice::SHAPE.field(name).map_or(0, |(at, _)| at);
        let statuses = values.take_by("status", statuses_schema, statuses);
        statuses.flatten().into_iter().for_each(|words| filter.add(Condition::OneOf(place("status"), words)));
        for name in ["projectId", "contactId"] {
            let schema =
                move || (format!("Only invoices whose `{name}` is this."), json!({ "type": ["integer", "null"] }));
            let id = values.take_by(name, schema, |text| match text {
                "" | "null" => Ok(None),
                text => text.parse::<i64>().map(Some).map_err(|_| "Send a whole number.".to_owned()),
            });
            id.flatten().into_iter().for_each(|id| filter.add(Condition::Is(place(name), Value::Integer(id))));
        }
        let due = place("dueDate");
        if let Some(before) = moment("dueBefore", "Only invoices that are due before this moment.", values) {
            filter.add(Condition::Before(due, before));
        }
        if let Some(after) = moment("dueAfter", "Only invoices that are due at this moment or later.", values) {
            filter.add(Condition::AtLeast(due, Value::Moment(after)));
        }
        let search = || {
            let text = "Only invoices in whose number, contact or project this text is found, in any case.";
            (text.to_owned(), json!({ "type": "string", "pattern": openapi::TEXT_PATTERN }))
        };
        let found = values.take_by("q", search, |text| SearchText::parse(text).map_err(|fault| fault.message));
        found.flatten().into_iter().for_each(|text| filter.add(Condition::Search(text)));
        Self { page, page_size, filter }
    }
}

fn statuses_schema() -> (String, Json) {
    let words: Vec<_> = InvoiceStatus::ALL.iter().map(|status| status.as_str()).collect();
    let text = format!("Only invoices whose `status` is one of these, with commas between them: {}.", words.join(", "));
    (text, json!({ "type": "string" }))
}

fn statuses(text: &str) -> Result<Option<Vec<String>>, String> {
    let words: Vec<_> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.iter().any(|word| word.parse::<InvoiceStatus>().is_err()) {
        let known: Vec<_> = InvoiceStatus::ALL.iter().map(|status| status.as_str()).collect();
        return Err(format!("Send some of {}, with commas between them.", known.join(", ")));
    }
    Ok(Some(words).filter(|words| !words.is_empty()))
}

fn moment(name: &'static str, description: &'static str, values: &mut Values) -> Option<Timestamp> {
    let schema = move || (description.to_owned(), json!({ "type": "string", "format": "date-time" }));
    let read = |text: &str| match text {
        "" => Ok(None),
        text => Timestamp::parse_rfc3339(text, Rounding::Up)
            .map(Some)
            .ok_or_else(|| "Send an RFC 3339 date-time, such as 2026-01-31T08:00:00Z; write a `+` as %2B.".to_owned()),
    };
    values.take_by(name, schema, read).flatten()
}

async fn list(context: Context, caller: Caller, query: Query<ListQuery>) -> Answer {
    let Query(ListQuery { page, page_size, filter }) = query;
    let offset = i64::from(page - 1) * i64::from(page_size);
    let rows = &context.state.rows;
    let found = rows.numbered_page(caller.tenant(), Invoice::SHAPE, &filter, offset, i64::from(page_size)).await?;
    let total = rows.count(caller.tenant(), Invoice::SHAPE, &filter).await?;
    let view = View::of(&context, &caller);
    let data = found.iter().map(|record| view.invoice(record, Map::new())).collect::<Result<Vec<_>, _>>()?;
    let meta = json!({
        "request_id": context.request_id(),
        "pagination": { "page": page, "pageSize": page_size, "total": total },
    });
    Ok(HttpResponse::Ok().json(json!({ "data": data, "meta": meta })))
}

async fn get(context: Context, caller: Caller, id: RowId) -> Answer {
    let id = id.known(Invoice::SHAPE.one)?;
    let record = context.state.rows.get(caller.tenant(), Invoice::SHAPE, id).await?;
    let record = record.ok_or(ResourceError::NotFound(Invoice::SHAPE.one))?;
    let lines = parts::<InvoiceLineItem>(&context, caller.tenant(), InvoiceLineItem::OF, id).await?;
    let data = View::of(&context, &caller).with_lines(&record, &lines)?;
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

// ---------------------------------------------------------------- writing

fn create_example() -> Json {
    json!({
        "invoice": { "projectId": 42, "contactId": 42, "issueDate": null, "taxRate": "8.125" },
        "lines": [{ "description": "Service call", "unitPrice": "285.00" }],
    })
}

fn create_schema(schemas: &mut openapi::Schemas) -> String {
    let invoice = openapi::Body::of_new(Invoice::SHAPE).schema.put(schemas);
    let line = openapi::Body::of_new(InvoiceLineItem::SHAPE).schema.put(schemas);
    schemas.insert(
        "CreateInvoiceWithLines",
        json!({
            "type": "object",
            "description": "An invoice and its lines.",
            "required": ["invoice"],
            "additionalProperties": false,
            "properties": {
                "invoice": { "$ref": format!("#/components/schemas/{invoice}") },
                "lines": { "type": "array", "maxItems": MOST_PARTS, "items": { "$ref": format!("#/components/schemas/{line}") } },
            },
        }),
    );
    "CreateInvoiceWithLines".to_owned()
}

async fn create(context: Context, caller: Caller, keyed: Keyed, body: JsonObject) -> Answer {
    let fingerprint = body.fingerprint;
    let command = sent(body)?;
    let view = View::of(&context, &caller);
    let render =
        |(invoice, lines): &(Record, Vec<Record>)| view.rendered(StatusCode::CREATED, view.with_lines(invoice, lines));
    let state = context.state.clone();
    caller.execute(&state, keyed.with(fingerprint), command, render).await
}

/// The invoice and the lines of a body, or everything that is wrong with either.
fn sent(mut body: JsonObject) -> Result<CreateInvoice, Problem> {
    let mut errors = body.errors.clone();
    let nothing = || JsonObject { members: Map::new(), errors: FieldErrors::new(), fingerprint: body.fingerprint };
    let of = |value: Json| match value {
        Json::Object(members) => Ok(JsonObject { members, ..nothing() }),
        _ => Err(Fault::new("invalid_type", "Must be an object.")),
    };
    let mut draft = |part: Result<JsonObject, Fault>, shape, name: String| match part {
        Ok(object) => match read(shape, &Body::New, &object) {
            Ok(draft) => Some(draft),
            Err(problem) => {
                errors.extend(problem.into_field_errors().within(&name));
                None
            }
        },
        Err(fault) => {
            errors.push(name, fault);
            None
        }
    };
    let invoice = match body.members.remove("invoice") {
        Some(invoice) => draft(of(invoice), Invoice::SHAPE, "invoice".to_owned()),
        None => draft(Err(Fault::new("required", "This field is required.")), Invoice::SHAPE, "invoice".to_owned()),
    };
    let mut lines = Vec::new();
    match body.members.remove("lines") {
        None => {}
        Some(Json::Array(sent)) if sent.len() <= MOST_PARTS => {
            for (n, line) in sent.into_iter().enumerate() {
                lines.extend(draft(of(line), InvoiceLineItem::SHAPE, format!("lines[{n}]")));
            }
        }
        Some(Json::Array(sent)) => {
            let message = format!("Has {} lines; an invoice may have at most {MOST_PARTS}.", sent.len());
            errors.push("lines", Fault::new("too_long", message));
        }
        Some(_) => errors.push("lines", Fault::new("invalid_type", "Must be a list of lines.")),
    }
    for name in body.members.keys() {
        errors.push_with(name, || Fault::new("unknown_field", "There is no such field. Send `invoice` and `lines`."));
    }
    match invoice {
        Some(invoice) if errors.is_empty() => Ok(CreateInvoice { invoice, lines }),
        _ => Err(Problem::invalid(errors)),
    }
}

async fn update(context: Context, caller: Caller, keyed: Keyed, id: RowId, body: JsonObject) -> Answer {
    let (draft, fingerprint) = (read(Invoice::SHAPE, &Body::Change, &body)?, body.fingerprint);
    let id = id.known(Invoice::SHAPE.one)?;
    let lines = parts::<InvoiceLineItem>(&context, caller.tenant(), InvoiceLineItem::OF, id).await?;
    let view = View::of(&context, &caller);
    let render = |record: &Record| view.rendered(StatusCode::OK, view.with_lines(record, &lines));
    let command = Update { family: family::<Invoice>(), id, draft };
    let state = context.state.clone();
    caller.execute(&state, keyed.with(fingerprint), command, render).await
}

async fn from_bid(context: Context, caller: Caller, keyed: Keyed, body: JsonObject) -> Answer {
    let asked = filled::<InvoiceOfBid>(&body, ErrorCode::ValidationFailed)?;
    let view = View::of(&context, &caller);
    let render =
        |(invoice, lines): &(Record, Vec<Record>)| view.rendered(StatusCode::CREATED, view.with_lines(invoice, lines));
    let state = context.state.clone();
    caller.execute(&state, keyed.with(body.fingerprint), FromBid(asked), render).await
}

async fn from_pay_app(context: Context, caller: Caller, keyed: Keyed, body: JsonObject) -> Answer {
    let asked = filled::<InvoiceOfPayApp>(&body, ErrorCode::ValidationFailed)?;
    let view = View::of(&context, &caller);
    let render =
        |(invoice, lines): &(Record, Vec<Record>)| view.rendered(StatusCode::CREATED, view.with_lines(invoice, lines));
    let state = context.state.clone();
    caller.execute(&state, keyed.with(body.fingerprint), FromPayApp(asked), render).await
}

// ---------------------------------------------------------------- accounting

/// Whether an invoice is on its way to the accounting program.
#[derive(Serialize, ToSchema)]
#[schema(as = InvoiceSync)]
struct Sync {
    /// Whether it is queued.
    queued: bool,
    /// Why it is not: `not_connected`, `draft` or `voided`.
    #[schema(example = "not_connected")]
    reason: &'static str,
}

/// No tenant can be connected to an accounting program yet, and the answer says so (MNY-33).
async fn sync(context: Context, caller: Caller, _key: KeyedEmpty, id: RowId) -> Answer {
    let record = context.state.rows.get(caller.tenant(), Invoice::SHAPE, id.known(Invoice::SHAPE.one)?).await?;
    let record = record.ok_or(ResourceError::NotFound(Invoice::SHAPE.one))?;
    let reason = match record.typed::<Invoice>()?.details.status {
        InvoiceStatus::Draft => "draft",
        InvoiceStatus::Voided => "voided",
        InvoiceStatus::Sent | InvoiceStatus::Partial | InvoiceStatus::Paid => "not_connected",
    };
    let answer = Envelope { data: Sync { queued: false, reason }, meta: Meta::of(context.request_id()) };
    Ok(HttpResponse::Accepted().json(answer))
}

// ---------------------------------------------------------------- payments

async fn payments(context: Context, caller: Caller, id: RowId) -> Answer {
    let (id, rows) = (id.known(Invoice::SHAPE.one)?, &context.state.rows);
    rows.get(caller.tenant(), Invoice::SHAPE, id).await?.ok_or(ResourceError::NotFound(Invoice::SHAPE.one))?;
    let shape = InvoicePayment::SHAPE;
    let order = shape.field("paidAt").map_or(0, |(at, _)| at);
    let found = rows.all(caller.tenant(), shape, &Filter::is(shape, "invoiceId", Value::Integer(id)), order).await?;
    let data = found.iter().map(|payment| members(shape, payment, Map::new())).collect::<Result<Vec<_>, _>>()?;
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}

async fn add_payment(context: Context, caller: Caller, keyed: Keyed, id: RowId, body: JsonObject) -> Answer {
    let draft = read(InvoicePayment::SHAPE, &Body::New, &body)?;
    let entry = Entry::Add(draft);
    entered(context, caller, keyed.with(body.fingerprint), StatusCode::CREATED, &id, entry).await
}

async fn change_payment(
    context: Context,
    caller: Caller,
    keyed: Keyed,
    id: RowId,
    payment: ItemId,
    body: JsonObject,
) -> Answer {
    let draft = read(InvoicePayment::SHAPE, &Body::Change, &body)?;
    let entry = Entry::Change(payment.known(InvoicePayment::SHAPE.one)?, draft);
    entered(context, caller, keyed.with(body.fingerprint), StatusCode::OK, &id, entry).await
}

async fn void_payment(context: Context, caller: Caller, keyed: KeyedEmpty, id: RowId, payment: ItemId) -> Answer {
    let entry = Entry::Void(payment.known(InvoicePayment::SHAPE.one)?);
    entered(context, caller, keyed.0, StatusCode::OK, &id, entry).await
}

async fn entered(
    context: Context,
    caller: Caller,
    keyed: Option<bwp_domain::idempotency::KeyedRequest>,
    status: StatusCode,
    id: &RowId,
    entry: Entry,
) -> Answer {
    let command = WritePayment { invoice: id.known(Invoice::SHAPE.one)?, entry };
    let view = View::of(&context, &caller);
    let render = |(payment, invoice): &(Record, Record)| {
        let shown = members(InvoicePayment::SHAPE, payment, Map::new())
            .and_then(|payment| Ok(json!({ "payment": payment, "invoice": view.invoice(invoice, Map::new())? })));
        view.rendered(status, shown)
    };
    let state = context.state.clone();
    caller.execute(&state, keyed, command, render).await
}

// ---------------------------------------------------------------- lines

fn order_schema(schemas: &mut openapi::Schemas) -> String {
    let id = json!({ "type": "integer", "exclusiveMinimum": 0 });
    schemas.insert(
        "InvoiceLineOrder",
        json!({
            "type": "object",
            "description": "The lines of an invoice, in their order.",
            "required": ["orderedIds"],
            "additionalProperties": false,
            "properties": { "orderedIds": { "type": "array", "minItems": 1, "maxItems": MOST_PARTS, "items": id } },
        }),
    );
    "InvoiceLineOrder".to_owned()
}

async fn reorder(context: Context, caller: Caller, keyed: Keyed, id: RowId, mut body: JsonObject) -> Answer {
    let mut errors = body.errors.clone();
    let sent = match body.members.remove("orderedIds") {
        None => bwp_domain::fields::Field::Absent,
        Some(Json::Array(sent)) => bwp_domain::fields::Field::Value(sent),
        Some(_) => {
            errors.push("orderedIds", Fault::new("invalid_type", "Must be a list of ids."));
            bwp_domain::fields::Field::Value(vec![json!(1)])
        }
    };
    for name in body.members.keys() {
        errors.push_with(name, || Fault::new("unknown_field", "There is no such field. Send `orderedIds`."));
    }
    let sent = ids("orderedIds", sent, 1..=MOST_PARTS, &mut errors);
    errors.or(()).map_err(Problem::invalid)?;
    let sent = sent.into_iter().map(|id| i64::try_from(id).unwrap_or(i64::MAX)).collect();
    let command = ReorderLines { invoice: id.known(Invoice::SHAPE.one)?, ids: sent };
    let view = View::of(&context, &caller);
    let render = |lines: &Vec<Record>| view.rendered(StatusCode::OK, shown_all::<InvoiceLineItem>(lines));
    let state = context.state.clone();
    caller.execute(&state, keyed.with(body.fingerprint), command, render).await
}

// ---------------------------------------------------------------- sums

/// Invoices, summed up.
#[derive(Serialize, ToSchema)]
#[schema(as = InvoiceSummary)]
struct Summary {
    /// All but those that are voided.
    totals: Totals,
    /// Of each status.
    by_status: Vec<OfStatus>,
    /// Those that were to be paid before today, and are not.
    overdue: Overdue,
}

/// Sums over invoices.
#[derive(Serialize, ToSchema)]
#[schema(as = InvoiceTotals)]
struct Totals {
    /// How many.
    #[schema(minimum = 0, example = 12)]
    count: i64,
    /// What they come to.
    #[schema(example = "12500.00")]
    total: String,
    /// What was paid of them.
    #[schema(example = "10000.00")]
    amount_paid: String,
    /// What is left to pay.
    #[schema(example = "2500.00")]
    balance_due: String,
}

/// Sums over the invoices of one status.
#[derive(Serialize, ToSchema)]
#[schema(as = InvoicesOfStatus)]
struct OfStatus {
    /// The status.
    #[schema(example = "sent")]
    status: &'static str,
    #[serde(flatten)]
    sums: Totals,
}

/// Sums over overdue invoices.
#[derive(Serialize, ToSchema)]
#[schema(as = OverdueInvoices)]
struct Overdue {
    /// How many.
    #[schema(minimum = 0, example = 2)]
    count: i64,
    /// What is left to pay.
    #[schema(example = "2500.00")]
    balance_due: String,
}

async fn summary(context: Context, caller: Caller) -> Answer {
    let today = caller.credential().tenant().time_zone.today(context.state.environment.clock.now());
    let sums = invoices::summary(&*context.state.rows, caller.tenant(), today).await?;
    let at = |sum: &Sum, at: usize| sum.sums.get(at).map(ToString::to_string).unwrap_or_default();
    let totals =
        |sum: &Sum| Totals { count: sum.count, total: at(sum, 0), amount_paid: at(sum, 1), balance_due: at(sum, 2) };
    let data = Summary {
        totals: totals(&sums.totals),
        by_status: sums
            .by_status
            .iter()
            .map(|(status, sum)| OfStatus { status: status.as_str(), sums: totals(sum) })
            .collect(),
        overdue: Overdue { count: sums.overdue.count, balance_due: at(&sums.overdue, 2) },
    };
    Ok(Envelope { data, meta: Meta::of(context.request_id()) }.ok())
}
