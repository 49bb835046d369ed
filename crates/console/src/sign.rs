//! The page where a customer signs a bid or a change order, by a secret link. It needs no account. Looking changes nothing: programs
//! follow links in mails before people do. Every link that is not good any more is answered alike.

use std::rc::Rc;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bwp_domain::{
    bids::{Bid, BidLineItem},
    change_orders::{ChangeOrder, ChangeOrderItem},
    clock::Timestamp,
    documents::{Document, Upload},
    execute::execute,
    fields::{Fault, FieldErrors},
    files::{
        FileName, Measure, MediaType,
        ports::{FileError, StoredBytes},
    },
    idempotency::RenderedResponse,
    papers::{Printed, paragraphs},
    principal::{Caller, Principal},
    records::About,
    resource::{Draft, Money, Quantity, Record, Resource, ResourceError, Value},
    scopes::ScopeSet,
    signature_requests::{
        Answer as Answered, AnswerRequest, Mark, SeenDocument, SeenRequest, SigningToken, Visitor, asked_paper, look,
        signed_paper,
    },
    store::StoreError,
    text::{Name, Text, at_most},
    wording::{day, dollars},
};
use maud::{Markup, html};

use crate::{
    access::Access,
    form::Form,
    layout::token,
    routes::{Answer, Entry, UNPROCESSABLE},
    trouble::{Trouble, rejected},
    visit::Visit,
    widgets::{TextField, faults, isolated, messages, refusal, trouble},
};

const PATH: &str = "/sign";

/// The parameter that carries the token. Paths are logged; parameters are not.
const TOKEN: &str = "token";
/// Asks for the document as a PDF.
const PDF: &str = "pdf";
/// When the page was shown.
const SHOWN: &str = "shown";
/// The button that does not sign.
const DECLINE: &str = "decline";

pub(crate) fn entries() -> Vec<Entry> {
    vec![Entry::get(PATH, Access::Anyone, show), Entry::post(PATH, Access::Anyone, answer)]
}

async fn seen(visit: &Visit) -> Result<Option<SeenRequest>, Trouble> {
    let Some(token) = SigningToken::parse(&visit.query(TOKEN)) else { return Ok(None) };
    let state = &visit.state;
    let now = state.environment.clock.now();
    Ok(look(&*state.signing_links, &*state.rows, &state.vault, now, &token).await?)
}

async fn show(visit: Rc<Visit>) -> Answer {
    Ok(match seen(&visit).await? {
        Some(seen) if !visit.query(PDF).is_empty() => pdf(&visit, &seen).await?,
        Some(seen) => page(&visit, StatusCode::OK, &seen, &FieldErrors::new(), &html! {}, None),
        None => dead(&visit),
    })
}

/// The document as a PDF, as it is signed.
async fn pdf(visit: &Visit, seen: &SeenRequest) -> Answer {
    let (state, link) = (&visit.state, &seen.link);
    let paper = asked_paper(&*state.rows, link.tenant, link.request).await?.ok_or(Trouble::NotFound)?;
    let printed = state.papers.print_composed(paper).await.map_err(|error| Trouble::Internal(error.to_string()))?;
    let safe = |c: char| if c.is_ascii_graphic() && c != '"' { c } else { '-' };
    let name: String = printed.file_name.chars().map(safe).collect();
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CONTENT_TYPE, "application/pdf"));
    answer.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    Ok(answer.body(printed.bytes))
}

/// One answer for all: who guesses, or comes late, learns nothing of what became of a request.
fn dead(visit: &Visit) -> HttpResponse {
    let main = html! {
        h1 { "This link is not good (any more)" }
        p {
            "What it led to was answered, changed or taken back, or its time is over. Ask the company that sent it: it may send \
             another one."
        }
    };
    visit.page(StatusCode::NOT_FOUND, "Signature", &main)
}

async fn answer(visit: Rc<Visit>, form: Form) -> Answer {
    let Some(seen) = seen(&visit).await? else { return Ok(dead(&visit)) };
    let answered = match read(&form) {
        Ok(answered) => answered,
        Err(errors) => return Ok(page(&visit, UNPROCESSABLE, &seen, &errors, &html! {}, Some(&form))),
    };
    let state = &visit.state;
    let now = state.environment.clock.now();
    let visitor = Visitor {
        address: visit.address(),
        user_agent: visit.user_agent().map(str::to_owned),
        viewed_at: shown_at(&visit, &seen, &form),
    };
    let principal = Principal::Operator(seen.link.tenant);
    let caller = Caller { principal, address: visit.address(), needs: ScopeSet::EMPTY };
    let signs = matches!(answered, Answered::Sign { .. });
    let signed = match &answered {
        Answered::Sign { name, mark } => {
            let done = signed_paper(&state.papers, &seen, &visitor, (name, mark), now).await;
            match done.map_err(|error| Trouble::Internal(error.to_string()))? {
                Some(printed) => Some(kept(&visit, &seen, printed).await?),
                None => return Ok(dead(&visit)),
            }
        }
        Answered::Decline { .. } => None,
    };
    let stored = signed.as_ref().map(|upload| upload.bytes.name.clone());
    let command = AnswerRequest { link: seen.link.clone(), visitor, answer: answered, signed };
    let nothing = |_: &Record| RenderedResponse::default();
    match execute(&*state.store, &state.environment, &caller, None, &command, nothing).await {
        Ok(_) => Ok(done(&visit, &seen, signs)),
        Err(error) => {
            let refused = rejected(error)?;
            // Of a failure of ours it is not known what became of the document: then the bytes stay.
            if let Some(stored) = stored
                && let Err(error) = state.files.delete(&stored).await
            {
                tracing::warn!(%error, "a file that nothing names could not be deleted");
            }
            Ok(match refused {
                // It was changed or answered since the page was shown.
                ResourceError::NotFound(_) | ResourceError::Unread(_) => dead(&visit),
                ResourceError::Invalid(errors) => page(&visit, UNPROCESSABLE, &seen, &errors, &html! {}, Some(&form)),
                ResourceError::Conflict(why) | ResourceError::Forbidden(why) => {
                    let note = refusal(&format!("Nothing was changed. {why}"));
                    page(&visit, StatusCode::CONFLICT, &seen, &FieldErrors::new(), &note, Some(&form))
                }
            })
        }
    }
}

/// Keeps the signed document: its bytes lie in the store before the transaction that names them.
async fn kept(visit: &Visit, seen: &SeenRequest, printed: Printed) -> Result<Upload, Trouble> {
    let state = &visit.state;
    let failed = |error: FileError| Trouble::Store(StoreError::Unavailable(error.to_string()));
    let mut measure = Measure::default();
    measure.take(&printed.bytes);
    let measured = measure.end();
    let name = FileName::generate(FileName::DOCUMENTS, &*state.environment.entropy);
    let mut writer = state.files.create(&name).await.map_err(failed)?;
    writer.write(printed.bytes.into()).await.map_err(failed)?;
    writer.complete().await.map_err(failed)?;
    let mut draft = Draft::default();
    draft.put(Document::SHAPE, "category", Value::Text("signed".into()));
    Ok(Upload {
        about: About { kind: seen.request.entity_type.record(), id: seen.request.entity_id },
        media_type: MediaType::of(&measured.sample, &printed.file_name),
        name: Text::parse(printed.file_name).map_err(|fault| Trouble::Internal(fault.message))?,
        bytes: StoredBytes { name, digest: measured.digest, size: measured.size },
        draft,
        quota: None,
    })
}

/// What a form answers, or all that is wrong with it.
fn read(form: &Form) -> Result<Answered, FieldErrors> {
    let mut errors = FieldErrors::new();
    if form.has(DECLINE) {
        let reason = form.get("reason").trim().to_owned();
        if reason.is_empty() {
            return Err(FieldErrors::one("reason", Fault::new("required", "Say in a few words why.")));
        }
        return at_most(2_000, Text::parse)(reason)
            .map(|reason| Answered::Decline { reason })
            .map_err(|fault| FieldErrors::one("reason", fault));
    }
    let name = at_most(255, Name::parse)(form.get("name").trim().to_owned())
        .map_err(|_| errors.push("name", Fault::new("required", "Enter your full name, in 255 characters at most.")));
    let drawn = form.get("drawn").trim();
    let mark = if drawn.is_empty() {
        let typed = at_most(255, Name::parse)(form.get("signature").trim().to_owned()).map(Mark::Typed);
        typed.map_err(|_| Fault::new("required", "Type your name as your signature, or draw it."))
    } else {
        Mark::drawn(drawn)
    };
    let mark = mark.map_err(|fault| errors.push("signature", fault));
    if !form.has("agree") {
        let message = "Tick the box to sign electronically. Without it nothing is signed.";
        errors.push("agree", Fault::new("required", message));
    }
    match (name, mark) {
        (Ok(name), Ok(mark)) => errors.or(Answered::Sign { name, mark }),
        _ => Err(errors),
    }
}

/// What the customer is told once it is done.
fn done(visit: &Visit, seen: &SeenRequest, signs: bool) -> HttpResponse {
    let title = title(seen);
    let main = html! {
        @if signs {
            h1 { "You have signed " (title.0) " " span.nowrap { (isolated(&title.1)) } }
            p { (isolated(seen.link.company.as_str())) " has your signature, over " strong { (dollars(title.2)) } ". You can close this page." }
        } @else {
            h1 { "You have declined " (title.0) " " span.nowrap { (isolated(&title.1)) } }
            p { (isolated(seen.link.company.as_str())) " is told, with your reason. You can close this page." }
        }
        p.quiet { "Fingerprint of the document (SHA-256): " code { (&*seen.record.fingerprint) } }
    };
    visit.ok("Thank you", &main)
}

/// What it is called, its number, and what it comes to.
fn title(seen: &SeenRequest) -> (&'static str, String, Money) {
    match &seen.document {
        SeenDocument::Bid(bid, _) => ("bid", bid.details.bid_number.to_string(), bid.details.total),
        SeenDocument::ChangeOrder(order, ..) => {
            ("change order", order.details.change_order_number.to_string(), order.details.total_amount)
        }
    }
}

fn page(
    visit: &Visit,
    status: StatusCode,
    seen: &SeenRequest,
    errors: &FieldErrors,
    note: &Markup,
    filled: Option<&Form>,
) -> HttpResponse {
    let (what, number, total) = title(seen);
    let company = seen.link.company.as_str();
    let capital = if what == "bid" { "Bid" } else { "Change order" };
    let to = visit.link(&format!("{PATH}?{TOKEN}={}", visit.query(TOKEN)));
    let main = html! {
        (trouble(errors))
        (note)
        div.head {
            p { strong { (isolated(company)) } }
            span.state { "Waits for your signature" }
        }
        @match &seen.document {
            SeenDocument::Bid(bid, lines) => (bid_to_read(seen, &bid.details, lines)),
            SeenDocument::ChangeOrder(order, items, project) => (order_to_read(seen, &order.details, items, project)),
        }
        p { a.button.second href=(format!("{to}&{PDF}=1")) download { "Download PDF" } }
        h2 { "Sign" }
        form.narrow method="post" action=(to) {
            (token(visit))
            (shown(visit, seen))
            (signature(seen, errors, filled))
            p.actions { button type="submit" { (verb(seen)) " " (dollars(total)) } }
            p.quiet {
                "We keep your name, the time, your network address and a fingerprint of the document with your signature."
            }
        }
        details open[!messages(errors, "reason").is_empty()] {
            summary { "Decline …" }
            form.narrow method="post" action=(to) {
                (token(visit))
                (shown(visit, seen))
                @let wrong = messages(errors, "reason");
                @let ids = if wrong.is_empty() { "reason-hint" } else { "reason-hint reason-wrong" };
                div.field {
                    label for="reason" { "Why not" }
                    p.hint id="reason-hint" { (isolated(company)) " reads it." }
                    textarea id="reason" name="reason" rows="3" aria-describedby=(ids)
                        aria-invalid=[(!wrong.is_empty()).then_some("true")] {
                        (filled.map_or("", |form| form.get("reason")))
                    }
                    (faults("reason", &wrong))
                }
                p.actions { button.second type="submit" name=(DECLINE) value="1" { "Decline this " (what) } }
            }
        }
        details {
            summary { "Fingerprint of the document" }
            p { "SHA-256 of what you sign: " code.fingerprint { (&*seen.record.fingerprint) } }
        }
        p.quiet { "This page is only for you: do not pass the link on." }
    };
    visit.page(status, &format!("{capital} {number} from {company}"), &main)
}

fn verb(seen: &SeenRequest) -> &'static str {
    match seen.document {
        SeenDocument::Bid(..) => "Sign and accept",
        SeenDocument::ChangeOrder(..) => "Sign and approve",
    }
}

fn shown_claim(seen: &SeenRequest, millis: i64) -> String {
    format!("signing page of request {} of tenant {}, shown at {millis}", seen.link.request, seen.link.tenant)
}

/// When the page is shown. The browser sends it back, for looking stores nothing; with the proof it can send no other moment.
fn shown(visit: &Visit, seen: &SeenRequest) -> Markup {
    let millis = visit.state.environment.clock.now().unix_millis();
    let proof = visit.state.vault.prove(&shown_claim(seen, millis)).unwrap_or_default();
    let value = format!("{millis}.{}", URL_SAFE_NO_PAD.encode(proof));
    html! { input type="hidden" name=(SHOWN) value=(value); }
}

/// When the page that is answered was shown, if the form proves it.
fn shown_at(visit: &Visit, seen: &SeenRequest, form: &Form) -> Option<Timestamp> {
    let (millis, proof) = form.get(SHOWN).split_once('.')?;
    let (millis, proof): (i64, _) = (millis.parse().ok()?, URL_SAFE_NO_PAD.decode(proof).ok()?);
    let is_ours = visit.state.vault.has_proved(&shown_claim(seen, millis), &proof);
    is_ours.then(|| Timestamp::from_unix_millis(millis))
}

fn signature(seen: &SeenRequest, errors: &FieldErrors, filled: Option<&Form>) -> Markup {
    let known = seen.request.signer_name.as_deref().map_or("", |name| name);
    let name = TextField {
        name: "name",
        label: "Your full name",
        value: filled.map_or(known, |form| form.get("name")),
        hint: "As it stands on contracts.",
        autocomplete: "name",
        ..TextField::REQUIRED
    };
    let typed = TextField {
        name: "signature",
        label: "Type your name as your signature",
        value: filled.map_or("", |form| form.get("signature")),
        hint: "It counts like one by hand.",
        required: false,
        ..TextField::REQUIRED
    };
    let wrong = messages(errors, "agree");
    html! {
        (name.show(errors))
        (typed.show(errors))
        div.field data-draw="drawn" hidden {
            p.hint { "Or draw it, with a finger or a mouse." }
            canvas width="560" height="160" role="img" aria-label="Your signature, as you draw it" {}
            p { button.second type="button" { "Clear the drawing" } }
            input type="hidden" id="drawn" name="drawn";
        }
        div.choice {
            input type="checkbox" id="agree" name="agree" value="1"
                checked[filled.is_some_and(|form| form.has("agree"))]
                aria-invalid=[(!wrong.is_empty()).then_some("true")]
                aria-describedby=[(!wrong.is_empty()).then_some("agree-wrong")];
            label for="agree" { "I agree to sign electronically, and I may sign for the customer." }
        }
        (faults("agree", &wrong))
    }
}

fn for_whom(seen: &SeenRequest, until: Option<String>) -> Markup {
    html! {
        p.quiet {
            @if let Some(name) = &seen.request.signer_name { "For " (isolated(name)) ". " }
            @if let Some(until) = until { "Valid until " (until) "." }
        }
    }
}

fn bid_to_read(seen: &SeenRequest, bid: &Bid, lines: &[BidLineItem]) -> Markup {
    let each = |line: &BidLineItem| dollars(Money::rounded(line.sell_unit_price.decimal()).unwrap_or_default());
    html! {
        h1 {
            "Bid " span.nowrap { (isolated(&bid.bid_number)) }
            @if let Some(name) = &bid.name { ": " (isolated(name)) }
        }
        (for_whom(seen, bid.valid_until.map(|until| day(until, seen.link.zone))))
        h2 { "What you would sign" }
        table.rows role="table" {
            thead role="rowgroup" { tr role="row" {
                @for column in ["Item", "Quantity", "Unit price", "Total"] { th scope="col" role="columnheader" { (column) } }
            } }
            tbody role="rowgroup" {
                @for line in lines {
                    tr role="row" {
                        th scope="row" role="rowheader" { (item(line.mark_name.as_ref(), &line.description)) }
                        td role="cell" data-label="Quantity" { (quantity(line.quantity)) }
                        td role="cell" data-label="Unit price" { (each(line)) }
                        td role="cell" data-label="Total" { (dollars(line.total)) }
                    }
                }
            }
        }
        dl.sums {
            dt { "Subtotal" } dd { (dollars(bid.subtotal)) }
            @if bid.discount_amount > Money::ZERO { dt { "Discount" } dd { "−" (dollars(bid.discount_amount)) } }
            @if bid.tax_amount != Money::ZERO { dt { "Sales tax" } dd { (dollars(bid.tax_amount)) } }
            dt { strong { "Bid total" } } dd { strong { (dollars(bid.total)) } }
        }
        @for (heading, text) in [("Terms", &bid.terms), ("Payment", &bid.payment_terms_text)] {
            @let read = text.as_ref().map(|text| paragraphs(text)).unwrap_or_default();
            @if !read.is_empty() {
                h3 { (heading) }
                @for paragraph in read {
                    p { (isolated(&paragraph.spans.iter().map(|span| span.text.as_str()).collect::<String>())) }
                }
            }
        }
    }
}

fn order_to_read(seen: &SeenRequest, order: &ChangeOrder, items: &[ChangeOrderItem], project: &str) -> Markup {
    let nothing = Text::default();
    html! {
        h1 {
            "Change order " span.nowrap { (isolated(&order.change_order_number)) } ": " (isolated(&order.title))
        }
        p.quiet { "Of the project " (isolated(project)) "." }
        (for_whom(seen, None))
        @if let Some(text) = &order.description { p { (isolated(text)) } }
        h2 { "What you would sign" }
        table.rows role="table" {
            thead role="rowgroup" { tr role="row" {
                @for column in ["Item", "Quantity", "Amount"] { th scope="col" role="columnheader" { (column) } }
            } }
            tbody role="rowgroup" {
                @for part in items {
                    tr role="row" {
                        th scope="row" role="rowheader" {
                            (item(part.mark_name.as_ref(), part.description.as_ref().unwrap_or(&nothing)))
                        }
                        td role="cell" data-label="Quantity" { (quantity(part.quantity)) }
                        td role="cell" data-label="Amount" { (dollars(part.amount.unwrap_or_default())) }
                    }
                }
            }
        }
        dl.sums { dt { strong { "Change to the contract" } } dd { strong { (dollars(order.total_amount)) } } }
    }
}

fn item(mark: Option<&Text>, description: &Text) -> Markup {
    html! {
        @if let Some(mark) = mark { (isolated(mark)) " " }
        (isolated(description))
        @if mark.is_none() && description.is_empty() { "Item" }
    }
}

/// A quantity, without decimals that say nothing.
fn quantity(quantity: Option<Quantity>) -> String {
    quantity.unwrap_or(Quantity::ONE).decimal().normalize().to_string()
}
