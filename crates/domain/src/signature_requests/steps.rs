//! What staff do with requests: they ask, send the link again, and take a request back.

use async_trait::async_trait;

use super::{Held, SignatureRequest, SignatureStatus, SignedType, SigningRecord, no_id, opened};
use crate::{
    bids, change_orders,
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    mail::{Sending, post_link},
    resource::{Draft, Filter, Record, Resource, ResourceError, Told, Value, store},
    scopes::{ScopeId, ScopeSet},
    steps::Take,
    store::UnitOfWork,
};

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// Asks a customer for a signature: sends the document, as it is sent without, and its link.
pub struct Ask {
    /// Of what, and of whom.
    pub draft: Draft,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Ask {
    /// The request, and its record, of which its link is made.
    type Output = (Record, SigningRecord);
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::SignaturesSend])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Self::Output>> {
        let asked: SignatureRequest = self.draft.filled().ok_or_else(no_id)?;
        let document = (asked.entity_type, asked.entity_id);
        let sending = Sending {
            recipient_email: asked.signer_email,
            cc_emails: Vec::new(),
            bcc_emails: Vec::new(),
            subject: None,
            body: asked.message,
            template_id: None,
            request_signature: Some(true),
            signer_name: asked.signer_name,
        };
        let sent = match document {
            (SignedType::Bid, bid) => Take { id: bid, action: bids::Action::Send(sending) }.apply(context, uow).await,
            (SignedType::ChangeOrder, change_order) => {
                change_orders::SendToCustomer { change_order, sending }.apply(context, uow).await
            }
        };
        let refuse = |field, code, message: String| Failure::from(FieldErrors::one(field, Fault::new(code, message)));
        let sent = sent.map_err(|failure| match failure {
            Failure::Rejected(ResourceError::NotFound(one)) => {
                refuse("entityId", "not_found", format!("There is no {one} with this id."))
            }
            Failure::Rejected(ResourceError::Invalid(_)) => {
                let message = "There is no e-mail address to send the link to. Send `signerEmail`.";
                refuse("signerEmail", "required", message.to_owned())
            }
            failure => failure,
        })?;
        let open = opened(document, context.tenant, uow).await?;
        let request = open.first().ok_or_else(no_id)?;
        let of_it = Filter::is(SigningRecord::SHAPE, "requestId", Value::Integer(request.id));
        let records = uow.rows().all(context.tenant, SigningRecord::SHAPE, &of_it, 0).await?;
        let record = records.first().ok_or_else(no_id)?.typed()?.details;
        Ok(Applied::telling((request.record(), record), sent.events))
    }
}

/// Sends the link of an open request again: the same one.
pub struct Resend {
    /// Which request.
    pub request: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Resend {
    /// Whether the mail is on its way.
    type Output = bool;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::SignaturesSend])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<bool>> {
        let held = Held::open(self.request, context, uow).await?;
        let sent = post_link(self.request, &held.request, context, uow).await?;
        Ok(Applied::silently(sent))
    }
}

/// Takes an open request back: its link is dead from then on.
pub struct Void {
    /// Which request.
    pub request: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Void {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::SignaturesSend])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let held = Held::open(self.request, context, uow).await?;
        let after = SignatureRequest { status: SignatureStatus::Voided, ..held.request.clone() };
        Ok(Applied::silently(store(&held.row, &after, Told::Nobody, context, uow).await?.0))
    }
}
