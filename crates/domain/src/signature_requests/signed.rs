//! What a customer signs: the parts of a document that the customer is shown, and their fingerprint.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::{Result, SignatureStatus, SigningRecord, close, opened};
use crate::{
    bids::{Bid, BidLineItem},
    change_orders::{ChangeOrder, ChangeOrderItem},
    execute::Context,
    ids::TenantId,
    records::RecordType,
    resource::{Filter, Record, Resource, Shape, Value, snapshot},
    store::{StoreError, UnitOfWork},
    text::Text,
    words,
};

words! {
    /// What can be signed.
    pub enum SignedType {
        /// A bid.
        Bid = "bid",
        /// A change order.
        ChangeOrder = "change_order",
    }
}

/// What there is to know of a kind of document: its rows and those of its parts, and what of each is signed.
pub(super) struct Kind {
    pub(super) shape: &'static Shape,
    own: &'static [&'static str],
    pub(super) parts: &'static Shape,
    pub(super) of: &'static str,
    each: &'static [&'static str],
}

impl SignedType {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Bid => Kind {
                shape: Bid::SHAPE,
                own: &[
                    "bidNumber",
                    "name",
                    "subtotal",
                    "discountAmount",
                    "taxAmount",
                    "total",
                    "terms",
                    "paymentTermsText",
                ],
                parts: BidLineItem::SHAPE,
                of: "bidId",
                each: &["markName", "description", "quantity", "total"],
            },
            Self::ChangeOrder => Kind {
                shape: ChangeOrder::SHAPE,
                own: &["changeOrderNumber", "title", "description", "reason", "totalAmount"],
                parts: ChangeOrderItem::SHAPE,
                of: "changeOrderId",
                each: &["changeType", "markName", "description", "quantity", "amount"],
            },
        }
    }

    /// The same, as a kind of record.
    pub const fn record(self) -> RecordType {
        match self {
            Self::Bid => RecordType::Bid,
            Self::ChangeOrder => RecordType::ChangeOrder,
        }
    }
}

fn of(shape: &Shape, row: &Record, names: &[&'static str]) -> Map<String, Json> {
    let all = snapshot(shape, row);
    names.iter().filter_map(|name| Some(((*name).to_owned(), all.get(*name)?.clone()))).collect()
}

/// The fingerprint of a document as it is now: the SHA-256 of what the customer is shown of it, as compact JSON.
pub(super) async fn fingerprint(
    (kind, id): (SignedType, i64),
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> Result<Text> {
    let about = kind.kind();
    let document = uow.rows().even_deleted(tenant, about.shape, &[id]).await?;
    let order = about.parts.field("order").map_or(0, |(at, _)| at);
    let of_it = Filter::is(about.parts, about.of, Value::Integer(id));
    let parts = uow.rows().all(tenant, about.parts, &of_it, order).await?;
    let text = json!({
        kind.as_str(): document.first().map(|row| of(about.shape, row, about.own)),
        "items": parts.iter().map(|row| of(about.parts, row, about.each)).collect::<Vec<_>>(),
    });
    let digest = Sha256::digest(text.to_string());
    let hexadecimal = digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(Text::parse(hexadecimal).map_err(|fault| StoreError::Internal(fault.message))?)
}

/// Ends the open request of a document that does not say any more what the customer was to sign (MNY-18). The document is locked.
pub(crate) async fn changed(
    document: (SignedType, i64),
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<()> {
    for request in opened(document, context.tenant, uow).await? {
        let of_it = Filter::is(SigningRecord::SHAPE, "requestId", Value::Integer(request.id));
        let found = uow.rows().all(context.tenant, SigningRecord::SHAPE, &of_it, 0).await?;
        let record = found.first().map(Record::typed::<SigningRecord>).transpose()?;
        let now = fingerprint(document, context.tenant, uow).await?;
        if record.is_none_or(|record| record.details.fingerprint != now) {
            close(document, SignatureStatus::Voided, context, uow).await?;
        }
    }
    Ok(())
}
