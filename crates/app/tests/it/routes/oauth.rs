//! OAuth 2.1, from registration to revocation, by a small client.

mod authorize;
mod connected;
mod flow;
mod rights;
mod roles;
mod token;

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Page, Person, World, send};

/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "https://yard.example/cb";
const AUTHORIZE: &str = "/api/v1/oauth/authorize";

/// An app that has registered, and a user in their browser.
struct Stage {
    world: World,
    person: Person,
    /// The app's id.
    client: String,
}

impl Stage {
    /// A public app, and a user with this role.
    async fn with(role: &str) -> Self {
        let world = World::start().await;
        let person = world.signed_in("user@example.com", role).await;
        let client = registered(&world, &json!({ "client_name": "Yard sync", "redirect_uris": [BACK] })).await;
        let client = client["client_id"].as_str().expect("an id").to_owned();
        Self { world, person, client }
    }

    /// The address of the consent page for these scopes, with further parameters.
    fn page(&self, scope: &str, more: &[(&str, &str)]) -> String {
        let mut all = vec![
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", BACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "xyz"),
        ];
        if !scope.is_empty() {
            all.push(("scope", scope));
        }
        all.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        all.extend(more);
        address(&all)
    }

    /// Opens the consent page, and sends its form.
    async fn decide(&mut self, page: &str, decision: &str) -> Page {
        self.person.fill(page, AUTHORIZE, &[("request_uri", page), ("decision", decision)]).await
    }

    /// The code that the user's consent gives.
    async fn code(&mut self, scope: &str) -> String {
        let page = self.page(scope, &[]);
        let sent_back = self.decide(&page, "approve").await;
        assert_eq!(sent_back.status, 302, "{}", sent_back.text);
        told(&sent_back, "code").expect("a code")
    }

    /// What the token endpoint says to these parameters.
    async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        post(&self.world, "token", fields).await
    }

    /// Tokens for a new consent.
    async fn tokens(&mut self, scope: &str) -> Value {
        let code = self.code(scope).await;
        let answer = self.redeem(&code).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.json
    }

    async fn redeem(&self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", BACK),
            ("client_id", &self.client),
        ])
        .await
    }

    async fn refresh(&self, token: &Value) -> Answer {
        let token = token.as_str().expect("a refresh token");
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &self.client)]).await
    }

    /// A client of the API with this access token.
    fn api(&self, tokens: &Value) -> Client {
        Client::new(&self.world.server, tokens["access_token"].as_str().expect("an access token"))
    }
}

fn address(parameters: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("http://here/", parameters).expect("a URL");
    format!("{AUTHORIZE}?{}", url.query().expect("a query"))
}

async fn post(world: &World, endpoint: &str, fields: &[(&str, &str)]) -> Answer {
    send(world.request(Method::POST, &format!("/api/v1/oauth/{endpoint}")).form(fields)).await
}

async fn register(world: &World, body: &Value) -> Answer {
    send(world.request(Method::POST, "/api/v1/oauth/register").json(body)).await
}

async fn registered(world: &World, body: &Value) -> Value {
    let answer = register(world, body).await;
    assert_eq!(answer.status, 201, "{answer}");
    answer.json
}

/// What the app is told by the address that the user is sent back to.
#[track_caller]
fn told(page: &Page, name: &str) -> Option<String> {
    assert_eq!(page.status, 302, "{}", page.text);
    let url = reqwest::Url::parse(page.location()).expect("a URL");
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Checks that an endpoint refuses with this status and error, as the RFCs want it told.
#[track_caller]
fn refuses(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.json["error"].as_str().unwrap_or_default()), (status, error), "{answer}");
    assert!(answer.json["error_description"].is_string(), "{answer}");
    is_open(answer);
}

/// Every page may read the answer, and no cache keeps it.
#[track_caller]
fn is_open(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), "no-store", "{answer}");
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN.as_str()), "*", "{answer}");
    assert_eq!(answer.header("access-control-allow-credentials"), "", "{answer}");
}
