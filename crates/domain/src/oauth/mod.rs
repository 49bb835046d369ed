//! OAuth 2.1: programs of others, which act for a user and within that user's role.
//!
//! A *client* registers, sends a user to the consent page, and is given a *code*. For the code it gets tokens: an access token for an
//! hour and, if it asked for `offline_access`, a refresh token. All tokens that came of one consent are of one *grant*: revoking it ends
//! them all. What counts is the grant, cut by what the user's role holds *now*.

mod approve;
mod client;
mod connection;
mod credential;
mod disconnect;
mod exchange;
mod pkce;
pub mod ports;
mod redirect;
mod resource;
mod rotation;
mod scope;
mod secrets;

pub use approve::{Approve, ApproveError, delegable};
pub use client::{AuthMethod, Client, ClientMetadata, GrantType, Registration, RegistrationError};
pub use connection::{Connection, GrantEnd};
pub use credential::AppCredential;
pub use disconnect::{Disconnect, DisconnectError};
pub use exchange::{
    ACCESS_LIFETIME, CodeShown, Issued, REFRESH_LIFETIME, RefreshShown, TokenError, redeem, refresh, revoke,
};
pub use pkce::{Challenge, MalformedChallenge, Verifier};
pub use redirect::{RedirectRefusal, RedirectUri};
pub use resource::Resource;
pub use rotation::{Rotation, Shown};
pub use scope::{UnknownScopes, asked_scopes};
pub use secrets::{AccessToken, AuthorizationCode, ClientSecret, MalformedSecret, RefreshToken, SecretHash};
