//! What an app asks for at the consent page.

use bwp_domain::{
    ids::ClientPublicId,
    oauth::{Challenge, Client, Resource, asked_scopes},
    scopes::ScopeSet,
};

use crate::{state::ConsoleState, trouble::Trouble};

/// A request of an app that is known, to send the user back to where it may.
pub(super) struct Asked {
    /// The app.
    pub(super) client: Client,
    /// Where the user is sent back to.
    pub(super) redirect_uri: String,
    /// What it asks for, or why it cannot be asked.
    pub(super) consent: Result<Consent, Refused>,
    state: Option<String>,
    prompt: Option<String>,
}

/// What the user is asked.
pub(super) struct Consent {
    pub(super) scopes: ScopeSet,
    pub(super) resource: Resource,
    pub(super) challenge: Challenge,
}

/// What an app is told (RFC 6749, section 4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

/// Why there is no app that may be told anything.
pub(super) struct Rejected(pub(super) &'static str);

impl Refused {
    pub(super) const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }
}

/// The parameters of a query. One without a value is as one that was not sent (RFC 6749, section 3.1).
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is_repeated(&self, name: &str) -> bool {
        self.0.iter().filter(|(known, _)| known == name).count() > 1
    }

    fn repeats_any(&self) -> bool {
        // A client may name several resources; this server's tokens are for one.
        self.0.iter().any(|(name, _)| name != "resource" && self.is_repeated(name))
    }
}

impl Asked {
    /// What is asked for by this query.
    pub(super) async fn read(state: &ConsoleState, query: &str) -> Result<Result<Self, Rejected>, Trouble> {
        let sent = Parameters::of(query);
        let unknown = Rejected("It does not say which app it is, or no such app is registered here.");
        if sent.is_repeated("client_id") || sent.is_repeated("redirect_uri") {
            return Ok(Err(Rejected("It names more than one app, or more than one address to go back to.")));
        }
        let id = sent.get("client_id").unwrap_or_default();
        let client = match id.parse::<ClientPublicId>() {
            // An app is called by one name, letter by letter.
            Ok(parsed) if parsed.to_string() == id => state.oauth.find_client(parsed).await?,
            _ => None,
        };
        let Some(client) = client else { return Ok(Err(unknown)) };
        let redirect_uri = match sent.get("redirect_uri") {
            Some(uri) if client.metadata.allows_redirect(uri) => uri.to_owned(),
            _ => return Ok(Err(Rejected("The app did not register the address that it wants you sent back to."))),
        };
        let consent = consent(&sent, &client, state.public_url.as_str());
        let text = |name| sent.get(name).map(str::to_owned);
        Ok(Ok(Self { redirect_uri, consent, state: text("state"), prompt: text("prompt"), client }))
    }

    /// Whether the user must not be asked anything.
    pub(super) fn is_silent(&self) -> bool {
        self.prompt.as_deref() == Some("none")
    }

    /// Where the user is sent back to with this answer, the state, and who answers (RFC 9207).
    pub(super) fn answer(&self, issuer: &str, told: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(told);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer);
        let joint = if self.redirect_uri.contains('?') { '&' } else { '?' };
        format!("{}{joint}{}", self.redirect_uri, query.finish())
    }

    /// The host that the app is from, or its own scheme.
    pub(super) fn host(&self) -> &str {
        match self.redirect_uri.split_once("://") {
            // Of an app's own scheme anybody may write anything behind the slashes.
            Some(("http" | "https", rest)) => rest.split(['/', '?']).next().unwrap_or_default(),
            _ => self.redirect_uri.split(':').next().unwrap_or_default(),
        }
    }

    /// What a policy calls the place that the user is sent back to.
    pub(super) fn origin(&self) -> String {
        let (scheme, _) = self.redirect_uri.split_once(':').unwrap_or_default();
        let host = self.host();
        // A policy knows no addresses of version 6 (CSP Level 3, section 2.3.1).
        if matches!(scheme, "http" | "https") && !host.starts_with('[') {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}:")
        }
    }
}

fn consent(sent: &Parameters, client: &Client, public_url: &str) -> Result<Consent, Refused> {
    let invalid = |description| Err(Refused::new("invalid_request", description));
    if sent.get("request").is_some() {
        return Err(Refused::new("request_not_supported", "request objects are not supported"));
    }
    if sent.get("request_uri").is_some() {
        return Err(Refused::new("request_uri_not_supported", "request objects are not supported"));
    }
    if sent.repeats_any() {
        return invalid("a parameter is there twice");
    }
    match sent.get("response_type") {
        None => return invalid("response_type is missing"),
        Some("code") => {}
        Some(_) => return Err(Refused::new("unsupported_response_type", "response_type must be code")),
    }
    if sent.get("response_mode").is_some_and(|mode| mode != "query") {
        return invalid("response_mode must be query");
    }
    if sent.get("code_challenge_method") != Some("S256") {
        return invalid("code_challenge_method must be S256");
    }
    let challenge = sent.get("code_challenge").and_then(|text| Challenge::parse(text.to_owned()).ok());
    let Some(challenge) = challenge else { return invalid("code_challenge is missing or malformed") };
    let resource = match sent.get("resource") {
        None => Resource::default(),
        Some(_) if sent.is_repeated("resource") => {
            return Err(Refused::new("invalid_target", "name one resource"));
        }
        Some(identifier) => Resource::named(identifier, public_url)
            .ok_or(Refused::new("invalid_target", "the resource is not one of this server"))?,
    };
    let scopes = match sent.get("scope") {
        None => client.metadata.scopes,
        Some(text) => asked_scopes(text).map_err(|_| Refused::new("invalid_scope", "a scope is not known"))?,
    };
    if scopes.is_empty() {
        return Err(Refused::new("invalid_scope", "no scope is asked for"));
    }
    Ok(Consent { scopes, resource, challenge })
}
