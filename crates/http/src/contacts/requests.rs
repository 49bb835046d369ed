//! What clients send about contacts.

use bwp_domain::{
    contacts::{ContactDraft, ContactFilter, ContactType},
    fields::Field,
    text::SearchText,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::responses::{Contact, ContactTypeSchema};
use crate::{
    openapi::{Integer, TEXT_PATTERN},
    paging::{COMPACT, DATE_FROM, DATE_TO, PageParams},
    problem::ErrorCode,
    request::{
        JsonBody, QueryParams,
        query::{Param, Values},
    },
};

macro_rules! contact_body {
    ($(#[$doc:meta])* $name:ident as $public:ident, type required: $required:literal) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, ToSchema)]
        #[schema(as = $public)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            /// Given name. `null` is none.
            #[serde(default)]
            #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "Ada")]
            first_name: Field<String>,
            /// Family name. `null` is none.
            #[serde(default)]
            #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "Byron")]
            last_name: Field<String>,
            /// The company's name. `null` is none.
            #[serde(default)]
            #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "Byron Masonry")]
            company_name: Field<String>,
            /// What they do there.
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 500, example = "Site manager")]
            position: Field<String>,
            /// The contact this one belongs to.
            #[serde(default)]
            #[schema(value_type = Option<i64>, exclusive_minimum = 0, example = json!(null))]
            parent_contact_id: Field<Integer>,
            /// E-mail address.
            #[serde(default)]
            #[schema(value_type = Option<String>, format = Email, example = "ada@example.com")]
            email: Field<String>,
            /// Telephone number, in any form.
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 500, example = "+1 555 0100")]
            phone: Field<String>,
            /// Mobile number, in any form.
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 500, example = "+1 555 0101")]
            mobile: Field<String>,
            /// Web site, in any form.
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 2000, example = "https://example.com")]
            website: Field<String>,
            /// Anything else.
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 10000, example = "Prefers to be called in the morning.")]
            notes: Field<String>,
            /// What they are to the tenant.
            #[serde(default, rename = "type")]
            #[schema(value_type = ContactTypeSchema, required = $required)]
            kind: Field<String>,
        }

        impl From<$name> for ContactDraft {
            fn from(body: $name) -> Self {
                Self {
                    first_name: body.first_name,
                    last_name: body.last_name,
                    company_name: body.company_name,
                    position: body.position,
                    parent_contact_id: Integer::id(&body.parent_contact_id),
                    email: body.email,
                    phone: body.phone,
                    mobile: body.mobile,
                    website: body.website,
                    notes: body.notes,
                    kind: body.kind,
                }
            }
        }
    };
}

contact_body! {
    /// A new contact. Only `type` is required.
    CreateContactBody as CreateContact, type required: true
}
contact_body! {
    /// Changes of a contact. What is not sent stays.
    UpdateContactBody as UpdateContact, type required: false
}

impl JsonBody for CreateContactBody {
    type Resource = Contact<'static>;

    fn example() -> Value {
        json!({ "companyName": "Byron Masonry", "type": "subcontractor", "email": "ada@example.com" })
    }
}

impl JsonBody for UpdateContactBody {
    type Resource = Contact<'static>;

    fn example() -> Value {
        json!({ "phone": "+1 555 0100", "notes": null })
    }
}

const TYPE: Param<ContactType> = Param {
    name: "type",
    description: "Only contacts of this type.",
    schema: || json!({ "type": "string", "enum": ContactType::ALL }),
    parse: |text| {
        text.parse().map_err(|_| {
            let known: Vec<_> = ContactType::ALL.iter().map(|t| t.as_str()).collect();
            format!("Send one of {}.", known.join(", "))
        })
    },
};

const SEARCH: Param<Option<SearchText>> = Param {
    name: "search",
    description: "Only contacts in whose name, company, e-mail address, phone numbers or notes this text is found, in \
                  any case.",
    schema: || json!({ "type": "string", "pattern": TEXT_PATTERN }),
    parse: |text| SearchText::parse(text).map_err(|fault| fault.message),
};

fn dates(values: &mut Values) -> ContactFilter {
    ContactFilter {
        created_from: values.take(&DATE_FROM),
        created_to: values.take(&DATE_TO),
        ..ContactFilter::default()
    }
}

fn filter(values: &mut Values) -> ContactFilter {
    ContactFilter { kind: values.take(&TYPE), search: values.take(&SEARCH).flatten(), ..dates(values) }
}

/// The query of the list.
pub(crate) struct ListQuery {
    pub(crate) page: PageParams,
    pub(crate) filter: ContactFilter,
    pub(crate) compact: bool,
}

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        Self {
            page: PageParams::read(values),
            filter: filter(values),
            compact: values.take(&COMPACT).unwrap_or_default(),
        }
    }
}

/// The query of the count.
pub(crate) struct CountQuery(pub(crate) ContactFilter);

impl QueryParams for CountQuery {
    fn read(values: &mut Values) -> Self {
        Self(filter(values))
    }
}

/// The query of the summary.
pub(crate) struct SummaryQuery(pub(crate) ContactFilter);

impl QueryParams for SummaryQuery {
    const REFUSAL: ErrorCode = ErrorCode::ValidationFailed;

    fn read(values: &mut Values) -> Self {
        Self(dates(values))
    }
}
