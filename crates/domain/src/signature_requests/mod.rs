//! Requests for a signature: a customer answers a bid or a change order on a page of the server, by a secret link (MNY-30).

mod answer;
mod due;
mod links;
mod paper;
mod signed;
mod steps;

use std::time::Duration;

pub use answer::{Answer, AnswerRequest, Mark, SeenDocument, SeenRequest, Visitor, look};
pub use due::{Attend, Due, DueRequests, attend_due};
pub use links::{SigningLink, SigningLinks, SigningToken, signing_url};
pub use paper::{asked_paper, signed_paper};
pub use signed::SignedType;
pub use steps::{Ask, Resend, Void};

pub(crate) use signed::changed;

use crate::{
    clock::Timestamp,
    execute::{Context, Failure},
    ids::{AccountId, SignatureRequestId, TenantId},
    resource::{
        AnyJson, Condition, Draft, Filter, Record, Resource, ResourceError, Rules, Stored, Told, Value, family, insert,
        store,
    },
    steps::locked,
    store::{StoreError, UnitOfWork},
    text::{Email, Text},
    users::AnyUser,
    words,
};
use signed::fingerprint;

words! {
    /// How far a request is.
    pub enum SignatureStatus {
        /// It is made, and its mail is not out.
        Pending = "pending",
        /// The customer has its link.
        Sent = "sent",
        /// The customer has signed.
        Signed = "signed",
        /// The customer does not sign.
        Declined = "declined",
        /// It was taken back, or its document was changed or decided otherwise.
        Voided = "voided",
        /// Its time is over.
        Expired = "expired",
    }
}

impl SignatureStatus {
    /// Whether its link is good.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Sent)
    }
}

/// A request that a customer signs a bid or a change order.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "signature request", asks, shows("signingUrl"))]
#[resource(read(SignaturesRead), write(SignaturesSend), delete(SignaturesSend))]
pub struct SignatureRequest {
    /// What is to be signed: a bid or a change order.
    #[field(once, filter, example = "bid")]
    pub entity_type: SignedType,
    /// The id of that.
    #[field(once, filter, example = "42")]
    pub entity_id: i64,
    /// How far it is.
    #[field(ignored, default = "pending", filter)]
    pub status: SignatureStatus,
    /// Who is to sign. Unless it is sent, the contact of the document.
    #[field(once, most = 255, example = "Ann Example")]
    pub signer_name: Option<Text>,
    /// To whom the link goes. Unless it is sent, to the contact of the document.
    #[field(once, example = "ann@example.com")]
    pub signer_email: Option<Email>,
    /// When the mail with the link went out.
    #[field(ignored)]
    pub sent_at: Option<Timestamp>,
    /// When it was signed.
    #[field(ignored)]
    pub signed_at: Option<Timestamp>,
    /// The signed document, among the documents of what was signed.
    #[field(ignored)]
    pub signed_document_id: Option<i64>,
    /// What the mail says.
    #[field(once, minor, most = 10_000)]
    pub message: Option<Text>,
    /// When its link ends. `null`: with the last day of the bid.
    #[field(minor, ignored)]
    pub expires_at: Option<Timestamp>,
    /// Why the customer did not sign.
    #[field(minor, ignored)]
    pub decline_reason: Option<Text>,
    /// The user who asked, or who made the key that did.
    #[field(minor, ignored, refers = AnyUser)]
    pub created_by: Option<AccountId>,
}

impl Rules for SignatureRequest {}

/// What proves a signature, and the part of the secret link that finds it. No answer of the API shows it.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "signing record", read(SignaturesRead), write(SignaturesSend), delete(SignaturesSend))]
pub struct SigningRecord {
    /// The request.
    #[field(refers = SignatureRequest)]
    pub request_id: SignatureRequestId,
    /// What the link is found by. It opens nothing by itself.
    pub nonce: Text,
    /// The SHA-256 of what the document says, in hexadecimal digits.
    pub fingerprint: Text,
    /// The name that the signer gave.
    pub signer: Option<Text>,
    /// The signature, as it was typed.
    pub typed: Option<Text>,
    /// The signature, as it was drawn: a PNG in base64.
    pub drawn: Option<Text>,
    /// From where it was answered.
    pub address: Option<Text>,
    /// What the signer's browser calls itself.
    pub user_agent: Option<Text>,
    /// When the page that was answered was shown.
    pub viewed_at: Option<Timestamp>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// How often the signer was reminded.
    #[field(default = 0)]
    pub reminders: i64,
}

impl Rules for SigningRecord {}

/// The document of a request as it was when the signature was asked for: the signer is shown that, and it is printed with the
/// certificate. No answer of the API shows it.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "signing paper", read(SignaturesRead), write(SignaturesSend), delete(SignaturesSend))]
pub struct SigningPaper {
    /// The request.
    #[field(refers = SignatureRequest)]
    pub request_id: SignatureRequestId,
    /// A [`Paper`](crate::papers::Paper).
    pub paper: AnyJson,
}

impl Rules for SigningPaper {}

/// How long a link is good whose document has no last day.
const LASTS: Duration = Duration::from_hours(30 * 24);

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// A signer: a name, if one is known, and an address.
pub(crate) struct Signer<'a> {
    pub(crate) name: Option<Text>,
    pub(crate) email: &'a Email,
    pub(crate) message: Option<Text>,
}

/// Makes the request for a document that this unit of work has locked, in place of one that is open.
pub(crate) async fn open(
    (kind, id): (SignedType, i64),
    signer: Signer<'_>,
    has_last_day: bool,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<SignatureRequestId> {
    close((kind, id), SignatureStatus::Voided, context, uow).await?;
    let request = SignatureRequest {
        entity_type: kind,
        entity_id: id,
        status: SignatureStatus::Pending,
        signer_name: signer.name,
        signer_email: Some(signer.email.clone()),
        sent_at: None,
        signed_at: None,
        signed_document_id: None,
        message: signer.message,
        expires_at: (!has_last_day).then(|| context.now.plus(LASTS)),
        decline_reason: None,
        created_by: context.principal.account(),
    };
    let (made, _) = insert(family::<SignatureRequest>(), &Draft::copy_of(&request), context, uow).await?;
    let request_id = SignatureRequestId::new(made.id).ok_or_else(no_id)?;
    let record = SigningRecord {
        request_id,
        nonce: links::new_nonce(context.entropy),
        fingerprint: fingerprint((kind, id), context.tenant, uow).await?,
        signer: None,
        typed: None,
        drawn: None,
        address: None,
        user_agent: None,
        viewed_at: None,
        answered_at: None,
        reminders: 0,
    };
    insert(family::<SigningRecord>(), &Draft::copy_of(&record), context, uow).await?;
    paper::freeze(request_id, (kind, id), context, uow).await?;
    Ok(request_id)
}

fn no_id() -> StoreError {
    StoreError::Internal("a signature request has an id that is none".to_owned())
}

/// Ends the request of a document that is open, if there is one. The document is locked.
pub(crate) async fn close(
    document: (SignedType, i64),
    to: SignatureStatus,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<()> {
    for open in opened(document, context.tenant, uow).await? {
        let Some(locked) = uow.rows().lock(context.tenant, SignatureRequest::SHAPE, open.id).await? else { continue };
        let request = locked.typed::<SignatureRequest>()?.details;
        if request.status.is_open() {
            store(&locked, &SignatureRequest { status: to, ..request }, Told::Nobody, context, uow).await?;
        }
    }
    Ok(())
}

async fn opened(
    (kind, id): (SignedType, i64),
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> Result<Vec<Stored<SignatureRequest>>> {
    let shape = SignatureRequest::SHAPE;
    let mut filter = Filter::is(shape, "entityId", Value::Integer(id));
    let open = [SignatureStatus::Pending, SignatureStatus::Sent].map(|status| status.as_str().to_owned());
    for condition in [("entityType", vec![kind.as_str().to_owned()]), ("status", open.to_vec())] {
        shape.field(condition.0).into_iter().for_each(|(at, _)| filter.add(Condition::OneOf(at, condition.1.clone())));
    }
    let found = uow.rows().all(tenant, shape, &filter, 0).await?;
    Ok(found.iter().map(Record::typed).collect::<std::result::Result<_, _>>()?)
}

/// A request that this unit of work has locked, and its record.
struct Held {
    row: Record,
    request: SignatureRequest,
    record: Record,
}

impl Held {
    /// The request, if it is there and open: else the refusal names its state.
    async fn open(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Self> {
        let (tenant, one) = (context.tenant, SignatureRequest::SHAPE.one);
        let row = uow.rows().lock(tenant, SignatureRequest::SHAPE, id).await?.ok_or(ResourceError::NotFound(one))?;
        let request = row.typed::<SignatureRequest>()?.details;
        if !request.status.is_open() {
            return Err(locked(one, request.status, "ask for a new signature").into());
        }
        let of_it = Filter::is(SigningRecord::SHAPE, "requestId", Value::Integer(id));
        let found = uow.rows().all(tenant, SigningRecord::SHAPE, &of_it, 0).await?;
        let record = found.first().ok_or(ResourceError::NotFound(one))?.clone();
        Ok(Self { row, request, record })
    }

    async fn store(
        &self,
        after: &SignatureRequest,
        record: &SigningRecord,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Record> {
        let (row, _) = store(&self.row, after, Told::Nobody, context, uow).await?;
        store(&self.record, record, Told::Nobody, context, uow).await?;
        Ok(row)
    }
}
