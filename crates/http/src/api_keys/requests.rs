//! What clients send about keys.

use bwp_domain::{
    fields::{Entries, Field, FieldErrors},
    keys::{KeyDraft, KeyStatus, Overlap},
    rate_limits::RateLimit,
    text::SearchText,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::responses::{ApiKey, ModeSchema, ScopeSchema};
use crate::{
    openapi::{Integer, TEXT_PATTERN},
    paging::PageParams,
    request::{
        JsonBody, QueryParams, ReadOnly, ReadOnlyFields,
        query::{Param, Values},
    },
};

/// A new API key.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CreateApiKey)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateBody {
    /// What the key is for.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$", example = "nightly sync")]
    name: Field<String>,
    /// Live or test. Both behave alike today.
    #[serde(default)]
    #[schema(value_type = ModeSchema, required = false, default = "live")]
    mode: Field<String>,
    /// What the key may do. May be empty: `GET /me` needs no scope.
    #[serde(default)]
    #[schema(value_type = Vec<ScopeSchema>, required = true, max_items = 100)]
    scopes: Field<Entries<String>>,
    /// From where the key may be used: addresses and CIDR blocks. Empty: from everywhere.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 100, example = json!(["192.0.2.0/24"]))]
    allowlist: Field<Entries<String>>,
    /// How many requests a minute may be sent with the key. 0: no limit.
    #[serde(default)]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 2_147_483_647_i64, default = 60)]
    rate_limit: Field<Integer>,
    /// From when on the key cannot be used. `null`: never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    expires_at: Field<String>,
}

impl From<CreateBody> for KeyDraft {
    fn from(body: CreateBody) -> Self {
        Self {
            name: body.name,
            mode: body.mode,
            scopes: body.scopes,
            allowlist: body.allowlist,
            rate_limit: Integer::number(&body.rate_limit),
            expires_at: body.expires_at,
        }
    }
}

impl JsonBody for CreateBody {
    type Resource = ApiKey<'static>;

    fn example() -> Value {
        json!({
            "name": "nightly sync",
            "mode": "live",
            "scopes": ["contacts:read"],
            "allowlist": ["192.0.2.0/24"],
            "rateLimit": RateLimit::OF_KEY.get(),
        })
    }
}

/// Changes of an API key. What is not sent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UpdateApiKey)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateBody {
    /// What the key is for.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$", example = "nightly sync")]
    name: Field<String>,
    /// From where the key may be used: addresses and CIDR blocks, all of them. Empty: from everywhere.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 100, example = json!(["192.0.2.0/24"]))]
    allowlist: Field<Entries<String>>,
}

impl From<UpdateBody> for KeyDraft {
    fn from(body: UpdateBody) -> Self {
        Self { name: body.name, allowlist: body.allowlist, ..Self::default() }
    }
}

impl JsonBody for UpdateBody {
    type Resource = ApiKey<'static>;

    fn example() -> Value {
        json!({ "allowlist": ["192.0.2.7", "2001:db8::/32"] })
    }
}

/// How an API key is rotated.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RotateApiKey)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotateBody {
    /// For how many seconds the old key goes on working, up to 7 days; a day, unless said otherwise. 0: it is revoked at once.
    #[serde(default)]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 604_800, default = 86_400, example = 3_600)]
    overlap_seconds: Field<Integer>,
}

impl RotateBody {
    pub(super) fn parse(self, mut errors: FieldErrors) -> Result<Overlap, FieldErrors> {
        let sent = Integer::number(&self.overlap_seconds);
        let overlap = errors.non_null("overlapSeconds", sent, Overlap::of_seconds).unwrap_or(Overlap::USUAL);
        errors.or(overlap)
    }
}

impl ReadOnlyFields for RotateBody {
    const READ_ONLY: &'static [(&'static str, ReadOnly)] = &[];
}

impl JsonBody for RotateBody {
    type Resource = Self;

    fn example() -> Value {
        json!({ "overlapSeconds": 3_600 })
    }
}

const SEARCH: Param<Option<SearchText>> = Param {
    name: "search",
    description: "Only keys in whose name or prefix each word of this is found, in any case.",
    schema: || json!({ "type": "string", "pattern": TEXT_PATTERN }),
    parse: |text| SearchText::parse(text).map_err(|fault| fault.message),
};

const STATUS: Param<KeyStatus> = Param {
    name: "status",
    description: "Only keys that have this status now.",
    schema: || json!({ "type": "string", "enum": KeyStatus::ALL.map(KeyStatus::as_str) }),
    parse: |text| {
        let known = KeyStatus::ALL.into_iter().find(|status| status.as_str() == text);
        known.ok_or_else(|| "Send active, expired or revoked.".to_owned())
    },
};

/// The query of the list.
pub(crate) struct ListQuery {
    pub(crate) page: PageParams,
    pub(crate) search: Option<SearchText>,
    pub(crate) status: Option<KeyStatus>,
}

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        Self { page: PageParams::read(values), search: values.take(&SEARCH).flatten(), status: values.take(&STATUS) }
    }
}
