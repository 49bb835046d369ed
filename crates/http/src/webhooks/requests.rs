//! What clients send about webhooks.

use bwp_domain::{
    fields::{Entries, Field},
    ids::EndpointId,
    webhooks::{DeliveryFilter, DeliveryStatus, EndpointDraft},
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::responses::{EventTypeSchema, WebhookEndpoint};
use crate::{
    paging::{DATE_FROM, DATE_TO, PageParams},
    request::{
        JsonBody, QueryParams,
        query::{Param, Values},
    },
};

/// A new webhook endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CreateWebhookEndpoint)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateBody {
    /// Where deliveries go: an https URL of a public host, without a user name, a password or a fragment.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 2048, example = "https://example.com/webhooks")]
    url: Field<String>,
    /// What it is to be told of.
    #[serde(default)]
    #[schema(value_type = Vec<EventTypeSchema>, required = true, min_items = 1, max_items = 35)]
    event_types: Field<Entries<String>>,
    /// What it is for.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, example = "accounting")]
    description: Field<String>,
}

impl From<CreateBody> for EndpointDraft {
    fn from(body: CreateBody) -> Self {
        Self { url: body.url, event_types: body.event_types, description: body.description, ..Self::default() }
    }
}

impl JsonBody for CreateBody {
    type Resource = WebhookEndpoint<'static>;

    fn example() -> Value {
        json!({ "url": "https://example.com/webhooks", "eventTypes": ["contact.created", "bid.accepted"], "description": "accounting" })
    }
}

/// Changes of a webhook endpoint. What is not sent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = UpdateWebhookEndpoint)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateBody {
    /// Where deliveries go, those that wait included: an https URL of a public host, without a user name, a password or a fragment.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 2048, example = "https://example.com/webhooks")]
    url: Field<String>,
    /// What it is to be told of.
    #[serde(default)]
    #[schema(value_type = Vec<EventTypeSchema>, required = false, min_items = 1, max_items = 35)]
    event_types: Field<Entries<String>>,
    /// What it is for.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, example = "accounting")]
    description: Field<String>,
    /// Whether anything is to be sent.
    #[serde(default)]
    #[schema(value_type = bool, required = false, example = true)]
    is_active: Field<bool>,
}

impl From<UpdateBody> for EndpointDraft {
    fn from(body: UpdateBody) -> Self {
        let UpdateBody { url, event_types, description, is_active } = body;
        Self { url, event_types, description, is_active }
    }
}

impl JsonBody for UpdateBody {
    type Resource = WebhookEndpoint<'static>;

    fn example() -> Value {
        json!({ "isActive": true })
    }
}

const ENDPOINT_ID: Param<EndpointId> = Param {
    name: "endpointId",
    description: "Only deliveries to this endpoint, which may be deleted.",
    schema: || json!({ "type": "integer", "minimum": 1 }),
    parse: |text| {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // A number that no row has, because rows have smaller ones, is the id of nothing.
        let id = is_number.then(|| text.parse().unwrap_or(i64::MAX));
        id.and_then(EndpointId::new).ok_or_else(|| "Send a whole number above 0.".to_owned())
    },
};

const STATUS: Param<DeliveryStatus> = Param {
    name: "status",
    description: "Only deliveries that have come so far.",
    schema: || json!({ "type": "string", "enum": DeliveryStatus::WORDS }),
    parse: |text| text.parse().map_err(|_| format!("Send {}.", DeliveryStatus::WORDS.join(", "))),
};

const EVENT_TYPE: Param<String> = Param {
    name: "eventType",
    description: "Only deliveries of events of this type.",
    schema: || json!({ "type": "string", "example": "contact.created" }),
    parse: |text| if text.contains('\0') { Err("Send an event type.".to_owned()) } else { Ok(text.to_owned()) },
};

/// The query of the list of deliveries.
pub(crate) struct ListQuery {
    pub(crate) page: PageParams,
    pub(crate) filter: DeliveryFilter,
}

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        Self {
            page: PageParams::read(values),
            filter: DeliveryFilter {
                endpoint: values.take(&ENDPOINT_ID),
                status: values.take(&STATUS),
                event_type: values.take(&EVENT_TYPE),
                created_from: values.take(&DATE_FROM),
                created_to: values.take(&DATE_TO),
            },
        }
    }
}
