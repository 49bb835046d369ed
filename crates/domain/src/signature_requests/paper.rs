//! The signed document: the document as a PDF, with a certificate page behind it.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{Mark, SeenRequest, SignedType, Visitor};
use crate::{
    clock::Timestamp,
    papers::{Certificate, PaperError, PaperKind, Papers, Printed, Signature},
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

/// The document of a request as it is, and as it is once it is signed so. What the certificate calls the PDF's fingerprint is that of
/// the document without the certificate. `None`: the document is gone.
pub async fn signed_paper(
    papers: &Papers,
    seen: &SeenRequest,
    visitor: &Visitor,
    (name, mark): (&str, &Mark),
    now: Timestamp,
) -> Result<Option<Printed>, PaperError> {
    let (kind, link) = (seen.request.entity_type, &seen.link);
    let composed = papers.compose(kind.paper(), seen.request.entity_id, link.tenant, link.zone, now).await?;
    let Some(mut paper) = composed else { return Ok(None) };
    // What is signed is no draft.
    paper.mark = None;
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
