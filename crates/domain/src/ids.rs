//! Identifiers: each kind is a type of its own.
//!
//! Rows have integer ids, shown as numbers in JSON. Tenants and keys also have a public id: a prefix and 26 Crockford
//! base32 characters of a UUID, shown as a string.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    entropy::Entropy,
    resource::{FieldType, Kind, Value},
};

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// An id as it was stored or sent. `None` unless it is positive.
            pub const fn new(value: i64) -> Option<Self> {
                if value > 0 { Some(Self(value)) } else { None }
            }

            /// The number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FieldType for $name {
            const KIND: Kind = Kind::Id;

            fn to_value(&self) -> Value<'_> {
                Value::Integer(self.0)
            }

            fn from_value(value: Value<'_>) -> Option<Self> {
                value.as_integer().and_then(Self::new)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(self.0)
            }
        }
    };
}

row_id! {
    /// The id of an account: a person who signs in.
    AccountId
}
row_id! {
    /// The id of an entry of the audit log.
    AuditRecordId
}
row_id! {
    /// A bid's id.
    BidId
}
row_id! {
    /// A comment's id.
    CommentId
}
row_id! {
    /// The id of a line of a bid.
    BidLineItemId
}
row_id! {
    /// A change order's id.
    ChangeOrderId
}
row_id! {
    /// A contact's id.
    ContactId
}
row_id! {
    /// The id of a webhook delivery.
    DeliveryId
}
row_id! {
    /// The id of a browser, as one account knows it.
    DeviceId
}
row_id! {
    /// The id of a webhook endpoint.
    EndpointId
}
row_id! {
    /// The id of an app that registered.
    ClientId
}
row_id! {
    /// The id of what a user gave an app.
    GrantId
}
row_id! {
    /// The id of a refresh token.
    RefreshTokenId
}
row_id! {
    /// The id of an invitation.
    InvitationId
}
row_id! {
    /// A job's id, by which lists are ordered.
    JobId
}
row_id! {
    /// An API key's id.
    KeyId
}
row_id! {
    /// A lead's id.
    LeadId
}
row_id! {
    /// An invoice's id.
    InvoiceId
}
row_id! {
    /// A pay application's id.
    PayAppId
}
row_id! {
    /// The id of a line of a schedule of values.
    SovLineId
}
row_id! {
    /// A lead stage's id.
    LeadStageId
}
row_id! {
    /// The id of a manufacturer of products.
    ManufacturerId
}
row_id! {
    /// The id of a category of products.
    ProductCategoryId
}
row_id! {
    /// A product's id.
    ProductId
}
row_id! {
    /// A payment term's id.
    PaymentTermId
}
row_id! {
    /// A project's id.
    ProjectId
}
row_id! {
    /// The id of a phase of a project.
    ProjectPhaseId
}
row_id! {
    /// The id of a task of a project.
    ProjectTaskId
}
row_id! {
    /// A project template's id.
    ProjectTemplateId
}
row_id! {
    /// An OAuth token's id.
    OauthTokenId
}
row_id! {
    /// The id of an entry of the security log.
    SecurityRecordId
}
row_id! {
    /// The id of a session.
    SessionId
}
row_id! {
    /// A signature request's id.
    SignatureRequestId
}
row_id! {
    /// A tenant's id.
    TenantId
}
row_id! {
    /// A user's id: an account's membership in one tenant.
    UserId
}

macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id: a UUID version 7, so that ids sort by the time they were made.
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, entropy))
            }

            /// The id as it was stored.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id as it is stored.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                write_crockford(f, self.0.as_u128())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidPublicId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix($prefix)
                    .and_then(read_crockford)
                    .map(|value| Self(Uuid::from_u128(value)))
                    .ok_or(InvalidPublicId { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

public_id! {
    /// An API key's public id, `key_…`.
    KeyPublicId, "key_"
}
public_id! {
    /// The id by which an app calls itself, `cli_…`.
    ClientPublicId, "cli_"
}
public_id! {
    /// A tenant's public id, `tnt_…`.
    TenantPublicId, "tnt_"
}
public_id! {
    /// A job's public id, `job_…`.
    JobPublicId, "job_"
}
public_id! {
    /// The id of a place to upload to, `upl_…`.
    UploadId, "upl_"
}
public_id! {
    /// An event's id, `evt_…`.
    EventId, "evt_"
}
public_id! {
    /// A request's id, `req_…`.
    RequestId, "req_"
}

/// A text that is no public id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected `{prefix}` and 26 characters of Crockford base32")]
pub struct InvalidPublicId {
    prefix: &'static str,
}

fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(now.unix_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CROCKFORD_LENGTH: u32 = 26;

fn write_crockford(f: &mut fmt::Formatter<'_>, value: u128) -> fmt::Result {
    let mut text = [0_u8; CROCKFORD_LENGTH as usize];
    for (place, byte) in (0..CROCKFORD_LENGTH).rev().zip(&mut text) {
        *byte = CROCKFORD[(value >> (5 * place) & 31) as usize];
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn read_crockford(text: &str) -> Option<u128> {
    if text.len() != CROCKFORD_LENGTH as usize {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        // Crockford's alphabet reads the letters that look like digits as those digits.
        let digit = match byte.to_ascii_uppercase() {
            b'O' => 0,
            b'I' | b'L' => 1,
            byte => CROCKFORD.iter().position(|c| *c == byte)? as u128,
        };
        // 26 characters hold 130 bits: a first character above 7 does not fit.
        if value >> 123 != 0 { None } else { Some(value << 5 | digit) }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_public_id_reads_back(value: u128) {
            let id = KeyPublicId::from_uuid(Uuid::from_u128(value));
            let text = id.to_string();
            prop_assert_eq!(text.len(), 30);
            prop_assert_eq!(text.parse::<KeyPublicId>(), Ok(id));
            prop_assert_eq!(text.to_lowercase().parse::<KeyPublicId>(), Ok(id));
        }

        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let _ = text.parse::<TenantPublicId>();
        }
    }

    #[test]
    fn refuses_other_prefixes_lengths_and_overflow() {
        for text in [
            "",
            "key_",
            "tnt_00000000000000000000000000",
            "key_80000000000000000000000000",
            "key_0000000000000000000000000U",
        ] {
            assert!(text.parse::<KeyPublicId>().is_err(), "{text}");
        }
        assert!("key_7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<KeyPublicId>().is_ok());
    }

    #[test]
    fn a_row_id_is_positive() {
        assert_eq!(ContactId::new(0), None);
        assert_eq!(ContactId::new(-1), None);
        assert_eq!(ContactId::new(1).map(ContactId::get), Some(1));
    }
}
