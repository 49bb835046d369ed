//! The signed document: the document as a PDF, with a certificate page behind it.

use std::fmt::Write as _;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Mark, Result, SeenRequest, SignedType, SigningPaper, Visitor};
use crate::{
    clock::Timestamp,
    execute::Context,
    ids::{SignatureRequestId, TenantId},
    papers::{Certificate, Paper, PaperError, PaperKind, Papers, Printed, Signature, compose_signed},
    resource::{AnyJson, Draft, Filter, Record, Resource, ResourceError, Value, family, insert, ports::RowReader},
    store::{StoreError, UnitOfWork},
};

impl SignedType {
    /// The same, as something that is printed.
    pub const fn paper(self) -> PaperKind {
        match self {
            Self::Bid => PaperKind::Bid,
            Self::ChangeOrder => PaperKind::ChangeOrder,
        }
    }
}

const AGREED: &str = "The signer agreed to sign this document electronically, and signed it on a page that was opened by a secret link. \
                      The link was sent to the address below.";

/// Keeps what a document says now, for the request that its signature is asked for with. What is signed is no draft.
pub(super) async fn freeze(
    request_id: SignatureRequestId,
    (kind, id): (SignedType, i64),
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<()> {
    let composed = compose_signed(kind, id, context, uow).await?;
    let paper = Paper { mark: None, ..composed.ok_or(ResourceError::NotFound(kind.kind().shape.one))? };
    let json = serde_json::to_value(&paper).map_err(|error| StoreError::Internal(error.to_string()))?;
    let paper = SigningPaper { request_id, paper: AnyJson::new(json) };
    insert(family::<SigningPaper>(), &Draft::copy_of(&paper), context, uow).await?;
    Ok(())
}

/// The document of a request as it was when the signature was asked for. `None`: there is none.
pub async fn asked_paper(
    rows: &dyn RowReader,
    tenant: TenantId,
    request: i64,
) -> std::result::Result<Option<Paper>, StoreError> {
    let of_it = Filter::is(SigningPaper::SHAPE, "requestId", Value::Integer(request));
    let found = rows.all(tenant, SigningPaper::SHAPE, &of_it, 0).await?;
    let found = found.first().map(Record::typed::<SigningPaper>).transpose()?;
    let read = |paper: &SigningPaper| Paper::deserialize(paper.paper.value());
    let paper = found.map(|found| read(&found.details)).transpose();
    paper.map_err(|error| StoreError::Internal(format!("the paper of signature request {request}: {error}")))
}

/// The document of a request as it was when the signature was asked for, with a certificate of this signature behind it. What the
/// certificate calls the PDF's fingerprint is that of the document without the certificate. `None`: there is no such document.
pub async fn signed_paper(
    papers: &Papers,
    seen: &SeenRequest,
    visitor: &Visitor,
    (name, mark): (&str, &Mark),
    now: Timestamp,
) -> std::result::Result<Option<Printed>, PaperError> {
    let link = &seen.link;
    let Some(mut paper) = asked_paper(&*papers.rows, link.tenant, link.request).await? else { return Ok(None) };
    let plain = papers.printer.print(paper.clone()).await?;
    let digest = Sha256::digest(&plain).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let text = |text: Option<String>| text.unwrap_or_default();
    let facts = [
        ("Signed by", name.to_owned()),
        ("E-mail", text(seen.request.signer_email.as_ref().map(ToString::to_string))),
        ("Asked by", link.company.as_str().to_owned()),
        ("Sent", moment(seen.request.sent_at)),
        ("Viewed", moment(visitor.viewed_at)),
        ("Signed", now.to_string()),
        ("Network address", text(visitor.address.map(|address| address.to_string()))),
        ("Browser", text(visitor.user_agent.clone().map(|agent| crate::text::excerpt(agent, 200)))),
        ("SHA-256 of the PDF", digest),
        ("SHA-256 of its content", seen.record.fingerprint.to_string()),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let signature = match mark {
        Mark::Typed(typed) => Signature::Typed(typed.to_string()),
        Mark::Drawn(image) => Signature::Drawn { image: image.to_string(), name: name.to_owned() },
    };
    paper.certificate = Some(Certificate {
        statement: AGREED.to_owned(),
        signature,
        facts: facts.map(|(label, value)| (label.to_owned(), value)).collect(),
    });
    let file_name = format!("Signed-{}", paper.file_name());
    Ok(Some(Printed { file_name, bytes: papers.printer.print(paper).await? }))
}
