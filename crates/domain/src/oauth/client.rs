//! Clients: what they say of themselves when they register (RFC 7591).

use sha2::{Digest, Sha256};

use super::{ClientSecret, RedirectUri, SecretHash, asked_scopes};
use crate::{
    clock::Timestamp,
    ids::{ClientId, ClientPublicId},
    scopes::ScopeSet,
    text::{Email, quoted},
};

/// How a client proves itself at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// Not at all: a public client, whose users could read its secret.
    None,
    /// By its secret, in the `Authorization` header.
    Basic,
    /// By its secret, in the body.
    Post,
}

/// What a client exchanges for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantType {
    /// A user's consent.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
}

/// What a client sent to be registered, member by member, before anything of it is checked. A member that was not sent is `None`.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// `client_name`.
    pub name: Option<String>,
    /// `redirect_uris`.
    pub redirect_uris: Option<Vec<String>>,
    /// `token_endpoint_auth_method`.
    pub auth_method: Option<String>,
    /// `grant_types`.
    pub grant_types: Option<Vec<String>>,
    /// `response_types`.
    pub response_types: Option<Vec<String>>,
    /// `scope`.
    pub scope: Option<String>,
    /// `contact`.
    pub contact: Option<String>,
}

/// What a client is, by its own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadata {
    /// What it is called.
    pub name: String,
    /// Where users may be sent back to: 1 to 10.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it proves itself.
    pub auth_method: AuthMethod,
    /// Whether it may refresh.
    pub refreshes: bool,
    /// What it asks for where it asks for nothing in particular. No ceiling: who registers is not known.
    pub scopes: ScopeSet,
    /// Whom to write to.
    pub contact: Option<Email>,
}

/// A client that registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// By which it calls itself.
    pub public_id: ClientPublicId,
    /// What it says of itself.
    pub metadata: ClientMetadata,
    /// What it proves itself by. `None` for a public one.
    pub secret: Option<SecretHash>,
    /// When it registered.
    pub created_at: Timestamp,
}

impl Client {
    /// Whether this is its secret. What is compared are hashes: how long that takes tells nothing of the secret.
    pub fn is_proven_by(&self, secret: &str) -> bool {
        let shown = ClientSecret::parse(secret).ok().map(|secret| secret.hash());
        shown.is_some() && shown == self.secret
    }
}

/// Why a client is not registered, by the error codes of RFC 7591, section 3.2.2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// `invalid_client_metadata`.
    #[error("{0}")]
    Metadata(String),
    /// `invalid_redirect_uri`.
    #[error("{0}")]
    RedirectUri(String),
    /// `invalid_scope`.
    #[error("{0}")]
    Scope(String),
}

impl AuthMethod {
    /// Each.
    pub const ALL: [Self; 3] = [Self::None, Self::Basic, Self::Post];

    /// The method as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    /// The method that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

impl GrantType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AuthorizationCode, Self::RefreshToken];

    /// The type as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// The type that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

impl ClientMetadata {
    /// The most characters of a name.
    pub const MOST_NAME: usize = 200;
    /// The most redirect URIs.
    pub const MOST_REDIRECT_URIS: usize = 10;

    /// What tells public clients with other metadata apart.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let contact = self.contact.as_deref().unwrap_or_default();
        let uris = self.redirect_uris.iter().map(RedirectUri::as_str);
        let (scopes, refreshes) = (self.scopes.to_string(), self.refreshes.to_string());
        for text in [&*self.name, self.auth_method.as_str(), &scopes, &refreshes, contact].into_iter().chain(uris) {
            // With its length before it, no text can be taken for the end of one and the start of the next.
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.finalize().into()
    }

    /// Whether it has no secret.
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// What it exchanges for tokens.
    pub fn grant_types(&self) -> &'static [GrantType] {
        if self.refreshes { &GrantType::ALL } else { &[GrantType::AuthorizationCode] }
    }

    /// Whether users of it may be sent back to `asked`.
    pub fn allows_redirect(&self, asked: &str) -> bool {
        self.redirect_uris.iter().any(|registered| registered.allows(asked))
    }

    /// What a client that registers so is, or the first thing that is wrong, by the order of the table.
    pub fn parse(sent: Registration) -> Result<Self, RegistrationError> {
        use RegistrationError::Metadata;
        let name = sent.name.ok_or_else(|| Metadata("client_name is missing".to_owned()))?;
        if name.trim().is_empty() || name.chars().count() > Self::MOST_NAME || name.chars().any(char::is_control) {
            return Err(Metadata("client_name must have 1 to 200 visible characters".to_owned()));
        }
        let uris = sent.redirect_uris.ok_or_else(|| Metadata("redirect_uris is missing".to_owned()))?;
        if uris.is_empty() || uris.len() > Self::MOST_REDIRECT_URIS {
            return Err(Metadata("redirect_uris must hold 1 to 10 URIs".to_owned()));
        }
        let auth_method = match &sent.auth_method {
            None => AuthMethod::None,
            Some(text) => AuthMethod::parse(text).ok_or_else(|| {
                let known = "none, client_secret_basic or client_secret_post";
                Metadata(format!("token_endpoint_auth_method must be {known}, not {}", quoted(text)))
            })?,
        };
        let refreshes = Self::refreshing(sent.grant_types)?;
        if sent.response_types.is_some_and(|types| types != ["code"]) {
            return Err(Metadata("response_types must be [\"code\"]".to_owned()));
        }
        let contact = match sent.contact {
            None => None,
            Some(text) => {
                let wrong = |_| Metadata("contact must be an e-mail address".to_owned());
                Some(Email::parse(text).map_err(wrong)?)
            }
        };
        let mut redirect_uris = Vec::with_capacity(uris.len());
        for (index, uri) in uris.iter().enumerate() {
            let refused = |refusal| RegistrationError::RedirectUri(format!("redirect_uris[{index}] {refusal}"));
            redirect_uris.push(RedirectUri::parse(uri).map_err(refused)?);
        }
        let scopes = asked_scopes(sent.scope.as_deref().unwrap_or_default())
            .map_err(|unknown| RegistrationError::Scope(unknown.to_string()))?;
        Ok(Self { name, redirect_uris, auth_method, refreshes, scopes, contact })
    }

    fn refreshing(types: Option<Vec<String>>) -> Result<bool, RegistrationError> {
        let Some(types) = types else { return Ok(true) };
        let mut known = Vec::with_capacity(types.len());
        for text in &types {
            known.push(GrantType::parse(text).ok_or_else(|| {
                let fix = "grant_types may hold authorization_code and refresh_token";
                RegistrationError::Metadata(format!("{fix}, not {}", quoted(text)))
            })?);
        }
        if !known.contains(&GrantType::AuthorizationCode) {
            return Err(RegistrationError::Metadata("grant_types must hold authorization_code".to_owned()));
        }
        Ok(known.contains(&GrantType::RefreshToken))
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::scopes::ScopeId;

    fn good() -> Registration {
        Registration {
            name: Some("Yard sync".to_owned()),
            redirect_uris: Some(vec!["https://yard.example/cb".to_owned()]),
            ..Registration::default()
        }
    }

    fn refused(change: impl FnOnce(&mut Registration)) -> RegistrationError {
        let mut sent = good();
        change(&mut sent);
        ClientMetadata::parse(sent).expect_err("refused")
    }

    #[test]
    fn what_is_left_out_is_that_of_a_public_client() {
        let client = ClientMetadata::parse(good()).expect("registered");
        assert!(client.is_public() && client.refreshes && client.scopes.is_empty());
        assert_eq!(client.grant_types(), GrantType::ALL);
        assert!(client.allows_redirect("https://yard.example/cb") && !client.allows_redirect("https://yard.example/"));
        let only_code = Registration { grant_types: Some(vec!["authorization_code".to_owned()]), ..good() };
        let only_code = ClientMetadata::parse(only_code).expect("registered");
        assert_eq!(only_code.grant_types(), [GrantType::AuthorizationCode]);
        let scope = Some("openid contacts:read offline_access".to_owned());
        let asks = ClientMetadata::parse(Registration { scope, ..good() }).expect("registered");
        assert_eq!(asks.scopes, ScopeSet::of(&[ScopeId::ContactsRead, ScopeId::OfflineAccess]));
    }

    type Change = Box<dyn FnOnce(&mut Registration)>;

    #[test]
    fn metadata_that_cannot_be_is_refused_as_such() {
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let changes: Vec<Change> = vec![
            Box::new(|sent| sent.name = None),
            Box::new(|sent| sent.name = Some(" ".to_owned())),
            Box::new(|sent| sent.name = Some("a".repeat(201))),
            Box::new(|sent| sent.redirect_uris = None),
            Box::new(|sent| sent.redirect_uris = Some(Vec::new())),
            Box::new(|sent| sent.redirect_uris = Some(vec!["https://yard.example/cb".to_owned(); 11])),
            Box::new(|sent| sent.auth_method = Some("private_key_jwt".to_owned())),
            Box::new(move |sent| sent.grant_types = texts(&["authorization_code", "password"])),
            Box::new(move |sent| sent.grant_types = texts(&["refresh_token"])),
            Box::new(move |sent| sent.response_types = texts(&["code", "token"])),
            Box::new(|sent| sent.contact = Some("nobody".to_owned())),
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let refusal = refused(change);
            assert!(matches!(refusal, RegistrationError::Metadata(_)), "{n}: {refusal:?}");
        }
    }

    #[test]
    fn a_bad_redirect_uri_and_a_bad_scope_are_named() {
        let uris = vec!["https://yard.example/cb".to_owned(), "https://10.0.0.1/".to_owned()];
        let refusal = refused(|sent| sent.redirect_uris = Some(uris));
        let told = "redirect_uris[1] must not point to a private address".to_owned();
        assert_eq!(refusal, RegistrationError::RedirectUri(told));
        let refusal = refused(|sent| sent.scope = Some("contacts:fly".to_owned()));
        assert!(matches!(&refusal, RegistrationError::Scope(text) if text.contains("contacts:fly")), "{refusal:?}");
    }
}
