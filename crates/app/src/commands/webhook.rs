//! `bwp webhook`

use std::{io, time::Duration};

use anyhow::{Context, anyhow};
use bwp_domain::{
    execute::Environment,
    webhooks::{
        Answer, SigningSecret, WebhookUrl,
        ports::{Courier, EventMessage, Message},
    },
};
use bwp_outbound::{Client, Guard, Tls, Webhooks};
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;
use tokio::time::sleep;
use url::Url;

use crate::{
    cli::{ListenArgs, WebhookCommand},
    output::Output,
    system::environment,
};

/// How long is waited where nothing is new.
const PAUSE: Duration = Duration::from_secs(2);
/// How long is waited where the server cannot be reached, or asks for patience.
const RETRY: Duration = Duration::from_secs(5);
/// How long an answer of the server may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// The most bytes of a page of events.
const MOST: usize = 64 * 1_024 * 1_024;

pub(crate) async fn run(command: WebhookCommand, output: Output) -> anyhow::Result<()> {
    let WebhookCommand::Listen(args) = command;
    let mut listener = Listener::new(args)?;
    tell("Waiting for events. Ctrl-C ends it.")?;
    loop {
        let page = match listener.page().await {
            Ok(page) => page,
            Err(Trouble::Passing(why)) => {
                tell(&format!("{why} Trying again."))?;
                sleep(RETRY).await;
                continue;
            }
            Err(Trouble::Lasting(error)) => return Err(error),
        };
        for event in &page.events {
            listener.hear(event, output).await?;
        }
        listener.after = Some(page.cursor);
        if !page.has_more {
            sleep(PAUSE).await;
        }
    }
}

/// A line beside the events.
fn tell(line: &str) -> anyhow::Result<()> {
    Ok(Output { json: false }.print_to(&mut io::stderr().lock(), &Value::Null, || line.to_owned())?)
}

enum Trouble {
    /// It may go by itself.
    Passing(String),
    Lasting(anyhow::Error),
}

struct Page {
    events: Vec<Value>,
    cursor: String,
    has_more: bool,
}

struct Listener {
    feed: Url,
    authorization: HeaderValue,
    client: Client,
    forward: Option<Forward>,
    after: Option<String>,
}

/// Where events are sent on to, as a webhook endpoint there would be sent them.
struct Forward {
    to: WebhookUrl,
    secret: SigningSecret,
    courier: Webhooks,
    environment: Environment,
}

impl Listener {
    fn new(args: ListenArgs) -> anyhow::Result<Self> {
        // The person at the terminal says where it goes: nobody else does.
        let anywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|block| block.parse().ok()).collect();
        let guard = Guard::new(anywhere);
        let mut feed = Url::parse(&format!("{}/api/v1/events", args.server.trim_end_matches('/')))
            .with_context(|| format!("--server {}", args.server))?;
        let environment = environment();
        let from = environment.clock.now().to_string();
        feed.query_pairs_mut().append_pair("limit", "100").append_pair("dateFrom", &from);
        if !args.types.is_empty() {
            feed.query_pairs_mut().append_pair("type", &args.types.join(","));
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", args.key.trim()))
            .map_err(|_| anyhow!("BWP_KEY is no API key: it begins with bwp_live_"))?;
        authorization.set_sensitive(true);
        let forward = match args.forward_to {
            None => None,
            Some(to) => {
                let to = WebhookUrl::parse(to.clone())
                    .map_err(|_| anyhow!("--forward-to {to}: write a URL such as http://localhost:3000/webhooks"))?;
                let secret = if let Some(secret) = args.secret {
                    SigningSecret::kept(secret)
                } else {
                    let made = SigningSecret::generate(&*environment.entropy);
                    tell(&format!("What is sent on is signed with {}", made.expose()))?;
                    made
                };
                Some(Forward { to, secret, courier: Webhooks::new(guard.clone(), Tls::System), environment })
            }
        };
        Ok(Self { feed, authorization, client: Client::new(guard, Tls::System), forward, after: None })
    }

    /// The events behind those that were heard.
    async fn page(&self) -> Result<Page, Trouble> {
        let mut url = self.feed.clone();
        if let Some(after) = &self.after {
            url.query_pairs_mut().append_pair("after", after);
        }
        let headers: Vec<(HeaderName, _)> = vec![(header::AUTHORIZATION, self.authorization.clone())];
        let answer = self.client.get(&url, headers, DEADLINE, MOST).await;
        let answer =
            answer.map_err(|failure| Trouble::Passing(format!("The server cannot be reached ({failure}).")))?;
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match answer.status {
            200 => {}
            429 | 500.. => return Err(Trouble::Passing(format!("The server answered {}.", answer.status))),
            status => {
                let detail = body["detail"].as_str().unwrap_or("This is no server of this API.");
                return Err(Trouble::Lasting(anyhow!("the server answered {status}: {detail}")));
            }
        }
        let pagination = body["meta"]["pagination"].take();
        match (body["data"].take(), pagination["cursor"].as_str()) {
            (Value::Array(events), Some(cursor)) => {
                Ok(Page { events, cursor: cursor.to_owned(), has_more: pagination["has_more"] == true })
            }
            _ => Err(Trouble::Lasting(anyhow!("the server's answer is not understood: is --server right?"))),
        }
    }

    /// Prints an event, and sends it on.
    async fn hear(&self, event: &Value, output: Output) -> anyhow::Result<()> {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let (id, kind, at) = (text("id"), text("type"), text("created_at"));
        let told = match &self.forward {
            None => String::new(),
            Some(forward) => format!(" -> {}", forward.send(&id, &kind, event).await),
        };
        output.print(event, || format!("{at} {kind} {id}{told}"))?;
        if output.json && !told.is_empty() {
            tell(&format!("{id}{told}"))?;
        }
        Ok(())
    }
}

impl Forward {
    /// What came of it.
    async fn send(&self, id: &str, kind: &str, event: &Value) -> String {
        let body = event.to_string();
        let event = EventMessage { id: id.to_owned(), kind, delivery: format!("listen-{id}"), body: &body };
        let now = self.environment.clock.now();
        let message = Message::telling(self.to.clone(), &event, std::slice::from_ref(&self.secret), now);
        match self.courier.send(message).await {
            Answer::Received { status, .. } => status.to_string(),
            Answer::None(why) => why.to_string(),
        }
    }
}
