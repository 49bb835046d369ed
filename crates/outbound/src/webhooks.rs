//! The domain's ports of webhooks, over the guarded client.

use std::time::Duration;

use async_trait::async_trait;
use bwp_domain::webhooks::{
    Answer, NoAnswer, UrlRefusal, WebhookUrl,
    delivery::{DEADLINE, KEPT_HEADERS, MOST_BODY},
    ports::{Courier, Message, UrlGuard},
};
use http::{HeaderName, HeaderValue};
use tokio::time::timeout;

use crate::{
    client::{Client, Post, Received},
    connect::{Failure, Tls},
    guard::{Guard, Refused},
};

/// How long is asked for the addresses of a host that somebody names.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends deliveries, and knows whither none goes.
#[derive(Clone)]
pub struct Webhooks {
    guard: Guard,
    client: Client,
}

impl Webhooks {
    /// By this guard, trusting whom `tls` does.
    pub fn new(guard: Guard, tls: Tls) -> Self {
        Self { client: Client::new(guard.clone(), tls), guard }
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Self::None(match failure {
            Failure::Timeout => NoAnswer::Timeout,
            Failure::Dns => NoAnswer::Dns,
            Failure::Connect => NoAnswer::Connect,
            Failure::Tls => NoAnswer::Tls,
            Failure::AddressNotAllowed => NoAnswer::AddressNotAllowed,
            Failure::Protocol => NoAnswer::Protocol,
        })
    }
}

#[async_trait]
impl Courier for Webhooks {
    async fn send(&self, message: Message) -> Answer {
        let Message { url, headers, body } = message;
        let headers = headers.into_iter().filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(&value).ok()?))
        });
        let post = Post { url: url.url(), headers: headers.collect(), body, deadline: DEADLINE, most: MOST_BODY };
        match self.client.post(post).await {
            Err(failure) => failure.into(),
            Ok(Received { status, headers, body }) => {
                let kept = KEPT_HEADERS.iter().filter_map(|name| {
                    let value = headers.get(*name)?;
                    Some(((*name).to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                });
                Answer::Received { status, headers: kept.collect(), body }
            }
        }
    }
}

#[async_trait]
impl UrlGuard for Webhooks {
    async fn check(&self, url: &WebhookUrl) -> Result<(), UrlRefusal> {
        match timeout(PATIENCE, self.guard.check(url.url())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Refused::NotSecure)) => Err(UrlRefusal::HttpsRequired),
            // A name that nobody knows and one that means something inside look alike.
            Ok(Err(Refused::Unknown | Refused::NotAllowed)) | Err(_) => Err(UrlRefusal::AddressNotAllowed),
        }
    }
}
