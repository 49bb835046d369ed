//! What is asked of an endpoint.

use super::{EventType, UrlRefusal, WebhookUrl};
use crate::{
    fields::{Entries, Fault, Field, FieldErrors, Patch},
    text::{Text, at_most, quoted},
};

/// An endpoint as it was sent.
#[derive(Clone, Debug, Default)]
pub struct EndpointDraft {
    /// `url`
    pub url: Field<String>,
    /// `eventTypes`
    pub event_types: Field<Entries<String>>,
    /// `description`
    pub description: Field<String>,
    /// `isActive`
    pub is_active: Field<bool>,
}

/// A valid new endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where deliveries go.
    pub url: WebhookUrl,
    /// What it wants to be told of.
    pub event_types: Vec<EventType>,
    /// What it is for.
    pub description: Option<Text>,
}

/// The valid changes of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointChanges {
    /// Where deliveries go from now on, those that wait included.
    pub url: Option<WebhookUrl>,
    /// What it wants to be told of.
    pub event_types: Option<Vec<EventType>>,
    /// What it is for.
    pub description: Patch<Text>,
    /// Whether anything is to be sent.
    pub is_active: Option<bool>,
}

/// The most characters of a description.
const MOST_DESCRIPTION: usize = 2_000;

impl EndpointDraft {
    /// The URL, if one was sent that can be one: its host is to be looked at before anything else is done.
    pub fn url(&self) -> Option<WebhookUrl> {
        match &self.url {
            Field::Value(text) => WebhookUrl::parse(text.clone()).ok(),
            Field::Absent | Field::Null | Field::Invalid(_) => None,
        }
    }

    /// A new endpoint. `refused` is what was found of the URL's host: it is among the errors if there are others.
    pub fn create(self, mut errors: FieldErrors, refused: Option<UrlRefusal>) -> Result<NewEndpoint, FieldErrors> {
        let url = errors.required("url", self.url, url);
        let event_types = errors.required("eventTypes", self.event_types, Ok);
        let event_types = event_types.map(|entries| read_types(entries, &mut errors));
        let description = errors.optional("description", self.description, at_most(MOST_DESCRIPTION, Text::parse));
        add_refusal(&mut errors, refused);
        match (url, event_types) {
            (Some(url), Some(event_types)) => {
                errors.or(NewEndpoint { url, event_types, description: description.into_option() })
            }
            // Either has left an error.
            _ => Err(errors),
        }
    }

    /// Changes of an endpoint. `refused` as for a new one.
    pub fn edit(self, mut errors: FieldErrors, refused: Option<UrlRefusal>) -> Result<EndpointChanges, FieldErrors> {
        let url = errors.non_null("url", self.url, url);
        let event_types = errors.non_null("eventTypes", self.event_types, Ok);
        let event_types = event_types.map(|entries| read_types(entries, &mut errors));
        let description = errors.optional("description", self.description, at_most(MOST_DESCRIPTION, Text::parse));
        let is_active = errors.non_null("isActive", self.is_active, Ok);
        add_refusal(&mut errors, refused);
        errors.or(EndpointChanges { url, event_types, description, is_active })
    }
}

fn url(text: String) -> Result<WebhookUrl, Fault> {
    WebhookUrl::parse(text).map_err(UrlRefusal::fault)
}

/// Alone, what was found of the host is no error yet: whether it matters is known where the change is made.
fn add_refusal(errors: &mut FieldErrors, refused: Option<UrlRefusal>) {
    if let Some(refusal) = refused.filter(|_| !errors.is_empty()) {
        errors.push("url", refusal.fault());
    }
}

/// The types, in the order sent, each once.
fn read_types(entries: Entries<String>, errors: &mut FieldErrors) -> Vec<EventType> {
    let mut types = Vec::new();
    let entries = match entries.all() {
        Ok(entries) => entries,
        Err(fault) => {
            errors.push("eventTypes", fault);
            return types;
        }
    };
    if entries.is_empty() {
        errors.push("eventTypes", Fault::new("too_short", "Must name at least 1 event type."));
    }
    for (at, entry) in entries.into_iter().enumerate() {
        let place = format!("eventTypes[{at}]");
        let read = errors.non_null(&place, entry, |text| {
            text.parse::<EventType>().map_err(|_| {
                Fault::new(
                    "invalid_value",
                    format_args!("There is no event type `{}`. The guide Webhooks lists them.", quoted(text)),
                )
            })
        });
        types.extend(read.filter(|kind| !types.contains(kind)));
    }
    types
}
