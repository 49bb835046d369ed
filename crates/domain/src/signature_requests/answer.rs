//! What a customer does with a link: looks at the document, and signs it or does not.

use std::net::IpAddr;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Held, SignatureRequest, SignatureStatus, SignedType, SigningLink, SigningLinks, SigningRecord, SigningToken,
    signed::fingerprint,
};
use crate::{
    bids::{self, Acceptance, Bid, BidLineItem},
    change_orders::{self, Approval, ChangeOrder, ChangeOrderItem, ChangeOrderRejection},
    clock::Timestamp,
    documents::Upload,
    execute::{Applied, Command, Context, Failure},
    fields::Fault,
    notifications::{Notice, NotificationType, notify},
    projects::Project,
    records::About,
    resource::{Filter, Record, Resource, ResourceError, Stored, Value, ports::RowReader},
    store::{StoreError, UnitOfWork},
    tenants::TimeZone,
    text::{Name, Text, excerpt},
    vault::Vault,
};

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The signer's name, typed once more.
    Typed(Name),
    /// What the signer drew: a PNG in base64.
    Drawn(Text),
}

impl Mark {
    /// The most characters of a drawing.
    const MOST: usize = 50_000;
    /// The most points of a drawing along each side.
    const WIDEST: u32 = 2_000;

    /// Reads a drawing, as a browser makes it: the `data:` URL of a PNG.
    pub fn drawn(url: &str) -> std::result::Result<Self, Fault> {
        let wrong = || Fault::new("invalid_value", "Draw your signature anew, or type your name.");
        let encoded =
            url.strip_prefix("data:image/png;base64,").filter(|text| text.len() <= Self::MOST).ok_or_else(wrong)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| wrong())?;
        // The size stands in the first chunk (PNG, section 11.2.1).
        let side = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let sides = [16, 20].map(side);
        let small = |side: Option<u32>| side.is_some_and(|side| (1..=Self::WIDEST).contains(&side));
        if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") || !sides.into_iter().all(small) {
            return Err(wrong());
        }
        Text::parse(encoded.to_owned()).map(Self::Drawn)
    }
}

/// Who answers, as far as the server can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// From where.
    pub address: Option<IpAddr>,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// When the page that is answered was shown, as the server told its form. `None` if the form does not prove it.
    pub viewed_at: Option<Timestamp>,
}

/// What a customer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The customer takes it, and agrees to sign electronically.
    Sign {
        /// The signer's name.
        name: Name,
        /// The signature.
        mark: Mark,
    },
    /// The customer does not, for this reason.
    Decline {
        /// Why.
        reason: Text,
    },
}

/// Answers a request, by its link. Of a link that is dead it is told that there is no such request, whatever became of that.
pub struct AnswerRequest {
    /// Which request.
    pub link: SigningLink,
    /// Who answers.
    pub visitor: Visitor,
    /// What.
    pub answer: Answer,
    /// The signed document, whose bytes lie in the store.
    pub signed: Option<Upload>,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// The document of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum SeenDocument {
    /// A bid, and its lines.
    Bid(Box<Stored<Bid>>, Vec<BidLineItem>),
    /// A change order, its items, and what its project is called.
    ChangeOrder(Box<Stored<ChangeOrder>>, Vec<ChangeOrderItem>, String),
}

/// A request as its link shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenRequest {
    /// Where the link leads.
    pub link: SigningLink,
    /// The request.
    pub request: SignatureRequest,
    /// Its record.
    pub record: SigningRecord,
    /// Its document.
    pub document: SeenDocument,
}

fn is_good(request: &SignatureRequest, now: Timestamp) -> bool {
    request.status.is_open() && request.expires_at.is_none_or(|end| now < end)
}

/// What a link shows, as long as it is good: looking changes nothing, for programs follow links in mails too. `None` for every dead link.
pub async fn look(
    links: &dyn SigningLinks,
    rows: &dyn RowReader,
    vault: &Vault,
    now: Timestamp,
    token: &SigningToken,
) -> std::result::Result<Option<SeenRequest>, StoreError> {
    let Some(link) = links.find(token.nonce()).await?.filter(|link| token.opens(vault, link)) else { return Ok(None) };
    let tenant = link.tenant;
    let Some(found) = rows.get(tenant, SignatureRequest::SHAPE, link.request).await? else { return Ok(None) };
    let request = found.typed::<SignatureRequest>()?.details;
    let of_it = Filter::is(SigningRecord::SHAPE, "requestId", Value::Integer(link.request));
    let records = rows.all(tenant, SigningRecord::SHAPE, &of_it, 0).await?;
    let record = records.first().map(Record::typed::<SigningRecord>).transpose()?;
    let about = request.entity_type.kind();
    let document = rows.get(tenant, about.shape, request.entity_id).await?;
    let (Some(record), Some(document), true) = (record, document, is_good(&request, now)) else { return Ok(None) };
    let of_it = Filter::is(about.parts, about.of, Value::Integer(document.id));
    let order = about.parts.field("order").map_or(0, |(at, _)| at);
    let parts = rows.all(tenant, about.parts, &of_it, order).await?;
    let document = match request.entity_type {
        SignedType::Bid => {
            let bid = document.typed::<Bid>()?;
            if !bid.details.can_be_signed(link.zone, now) {
                return Ok(None);
            }
            SeenDocument::Bid(Box::new(bid), details(&parts)?)
        }
        SignedType::ChangeOrder => {
            let order = document.typed::<ChangeOrder>()?;
            if !order.details.can_be_signed() {
                return Ok(None);
            }
            let project = rows.get_ever(tenant, Project::SHAPE, &[order.details.project_id.get()]).await?;
            let project = project.first().map(Record::typed::<Project>).transpose()?;
            let name = project.map(|project| project.details.name.to_string()).unwrap_or_default();
            SeenDocument::ChangeOrder(Box::new(order), details(&parts)?, name)
        }
    };
    Ok(Some(SeenRequest { link, request, record: record.details, document }))
}

fn details<R: Resource>(rows: &[Record]) -> std::result::Result<Vec<R>, StoreError> {
    rows.iter().map(|row| row.typed::<R>().map(|row| row.details)).collect()
}

#[async_trait]
impl Command<dyn UnitOfWork> for AnswerRequest {
    /// The request, answered.
    type Output = Record;
    type Error = ResourceError;

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let (tenant, dead) = (context.tenant, || ResourceError::NotFound(SignatureRequest::SHAPE.one));
        let found = uow.rows().even_deleted(tenant, SignatureRequest::SHAPE, &[self.link.request]).await?;
        let found = found.first().ok_or_else(dead)?.typed::<SignatureRequest>()?.details;
        let document = (found.entity_type, found.entity_id);
        // From the parent to the child, as everybody locks (MNY-13): the request comes last.
        if !lock_signable(document, self.link.zone, context, uow).await? {
            return Err(dead().into());
        }
        let held = match Held::open(self.link.request, context, uow).await {
            Err(Failure::Rejected(_)) => return Err(dead().into()),
            held => held?,
        };
        let mut record = held.record.typed::<SigningRecord>()?.details;
        if !is_good(&held.request, context.now) || record.fingerprint != fingerprint(document, tenant, uow).await? {
            return Err(dead().into());
        }
        let mut request = held.request.clone();
        self.visitor.sign(&mut record, held.row.created_at, context.now);
        let (by, told) = match &self.answer {
            Answer::Sign { name, mark } => {
                request.status = SignatureStatus::Signed;
                request.signed_at = Some(context.now);
                record.signer = Text::parse(name.to_string()).ok();
                match mark {
                    Mark::Typed(typed) => record.typed = Text::parse(typed.to_string()).ok(),
                    Mark::Drawn(image) => record.drawn = Some(image.clone()),
                }
                if let Some(upload) = &self.signed {
                    request.signed_document_id = Some(upload.apply(context, uow).await?.output.id);
                }
                (name.to_string(), "was signed")
            }
            Answer::Decline { reason } => {
                request.status = SignatureStatus::Declined;
                request.decline_reason = Some(reason.clone());
                (request.signer_name.as_ref().map(ToString::to_string).unwrap_or_default(), "was declined")
            }
        };
        let row = held.store(&request, &record, context, uow).await?;
        let decided = self.decide(document, context, uow).await?;
        let notice = Notice {
            kind: match (document.0, &self.answer) {
                (SignedType::Bid, Answer::Sign { .. }) => NotificationType::BidAccepted,
                (SignedType::Bid, Answer::Decline { .. }) => NotificationType::BidRejected,
                (SignedType::ChangeOrder, Answer::Sign { .. }) => NotificationType::ChangeOrderApproved,
                (SignedType::ChangeOrder, Answer::Decline { .. }) => NotificationType::ChangeOrderRejected,
            },
            title: format!("A {} {told} by its customer", document.0.record().one()),
            message: Some(excerpt(&by, 200)).filter(|by| !by.is_empty()),
            about: Some(About { kind: document.0.record(), id: document.1 }),
        };
        notify(context, uow, &notice, request.created_by).await?;
        Ok(Applied::telling(row, decided.events))
    }
}

impl AnswerRequest {
    /// What follows for the document, by the tables of its states (3.2, 4.2).
    async fn decide(
        &self,
        (kind, id): (SignedType, i64),
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>> {
        match (kind, &self.answer) {
            (SignedType::Bid, Answer::Sign { name, .. }) => {
                let accepted = bids::Action::Accept(Acceptance { accepted_by: name.clone() });
                bids::decide(id, &accepted, context, uow).await
            }
            (SignedType::Bid, Answer::Decline { .. }) => bids::decide(id, &bids::Action::Reject, context, uow).await,
            (SignedType::ChangeOrder, Answer::Sign { name, .. }) => {
                let approved_by = Text::parse(name.to_string()).ok();
                let approved = change_orders::Action::Approve(Approval { approved_by });
                change_orders::decide(id, &approved, context, uow).await
            }
            (SignedType::ChangeOrder, Answer::Decline { reason }) => {
                let rejected = change_orders::Action::Reject(ChangeOrderRejection { reason: reason.clone() });
                change_orders::decide(id, &rejected, context, uow).await
            }
        }
    }
}

impl Visitor {
    fn sign(&self, record: &mut SigningRecord, asked_at: Timestamp, now: Timestamp) {
        let text = |text: String| Text::parse(excerpt(text, 500)).ok();
        record.address = self.address.and_then(|address| text(address.to_string()));
        record.user_agent = self.user_agent.clone().and_then(text);
        record.viewed_at = self.viewed_at.map(|at| at.clamp(asked_at, now.max(asked_at)));
        record.answered_at = Some(now);
    }
}

/// Locks a document, and its project first. Whether it can be signed now.
async fn lock_signable(
    (kind, id): (SignedType, i64),
    zone: TimeZone,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<bool> {
    let tenant = context.tenant;
    match kind {
        SignedType::Bid => {
            let bid = uow.rows().lock(tenant, Bid::SHAPE, id).await?.map(|bid| bid.typed::<Bid>()).transpose()?;
            Ok(bid.is_some_and(|bid| bid.details.can_be_signed(zone, context.now)))
        }
        SignedType::ChangeOrder => {
            let found = uow.rows().even_deleted(tenant, ChangeOrder::SHAPE, &[id]).await?;
            let Some(found) = found.first() else { return Ok(false) };
            let project = found.typed::<ChangeOrder>()?.details.project_id;
            uow.rows().lock(tenant, Project::SHAPE, project.get()).await?;
            let order = uow.rows().lock(tenant, ChangeOrder::SHAPE, id).await?;
            let order = order.map(|order| order.typed::<ChangeOrder>()).transpose()?;
            Ok(order.is_some_and(|order| order.details.can_be_signed()))
        }
    }
}
