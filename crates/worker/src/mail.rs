//! Sending mail.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bwp_domain::{
    execute::{Environment, ExecuteError, execute},
    idempotency::RenderedResponse,
    mail::{
        Desk, Outcome, RecordMail,
        ports::{ClaimedMail, MailFault, MailQueue, Mailer},
    },
    papers::{PaperError, Papers},
    principal::Caller,
    resource::ports::RowReader,
    store::{Store, StoreError},
    vault::Vault,
};
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{Hint, Pulse, Task};

/// What mail is sent with.
#[derive(Clone)]
pub struct SendMail {
    /// Where mail waits.
    pub queue: Arc<dyn MailQueue>,
    /// Where documents are read.
    pub rows: Arc<dyn RowReader>,
    /// What prints them.
    pub papers: Papers,
    /// Where it is recorded what became of a mail.
    pub store: Arc<dyn Store>,
    /// The mail server.
    pub mailer: Arc<dyn Mailer>,
    /// What links are made of.
    pub vault: Arc<Vault>,
    /// The address under which people reach the server.
    pub public_url: Arc<str>,
    /// Time and randomness.
    pub environment: Environment,
}

/// How many mails are sent at once.
const AT_ONCE: i64 = 4;
/// Between two looks at the queue.
const POLL: Duration = Duration::from_millis(500);
/// How long nobody else tries a mail that was claimed: longer than an attempt may take.
const LEASE: Duration = Duration::from_mins(3);
/// The most bytes of an attachment.
const MOST_ATTACHED: usize = 20 * 1024 * 1024;
/// How long is waited after a failure of the store.
const PAUSE: Duration = Duration::from_secs(1);

impl SendMail {
    /// Sends what is due. Whether there may be more.
    async fn turn(&self) -> Result<bool, StoreError> {
        let now = self.environment.clock.now();
        let claimed = self.queue.claim(self.mailer.domain(), now, LEASE, AT_ONCE).await?;
        let more = i64::try_from(claimed.len()).is_ok_and(|count| count == AT_ONCE);
        for done in join_all(claimed.into_iter().map(|mail| self.deliver(mail))).await {
            done?;
        }
        Ok(more)
    }

    async fn deliver(&self, mail: ClaimedMail) -> Result<(), StoreError> {
        let outcome = self.attempt(&mail).await?;
        match &outcome {
            Outcome::Sent => tracing::debug!(mail = mail.id, attempt = mail.attempt, "a mail was sent"),
            Outcome::Later(fault) | Outcome::Failed(fault) => {
                tracing::warn!(mail = mail.id, attempt = mail.attempt, fault, "a mail was not sent");
            }
        }
        let caller = Caller::operator(mail.tenant);
        let command = RecordMail { mail, outcome };
        let nothing = |(): &()| RenderedResponse::default();
        match execute(&*self.store, &self.environment, &caller, None, &command, nothing).await {
            Err(ExecuteError::Store(error)) => Err(error),
            // A mail that is gone has no outcome.
            _ => Ok(()),
        }
    }

    async fn attempt(&self, mail: &ClaimedMail) -> Result<Outcome, StoreError> {
        let (papers, vault) = (&self.papers, &*self.vault);
        let desk = Desk { rows: &*self.rows, papers, vault, public_url: &self.public_url };
        let letter = match desk.letter(mail, self.environment.clock.now()).await {
            Ok(Some(letter)) => letter,
            Ok(None) => return Ok(Outcome::Failed("What it was about is gone, or decided.".to_owned())),
            // It is no fault of the moment: tried for a day like others, it does not come back for ever.
            Err(PaperError::Store(error @ (StoreError::Inconsistent(_) | StoreError::Internal(_)))) => {
                tracing::warn!(mail = mail.id, %error, "the document of a mail cannot be read");
                return Ok(Outcome::Later("The server could not read the document.".to_owned()));
            }
            Err(PaperError::Store(error)) => return Err(error),
            Err(PaperError::Printer(error)) => return Ok(Outcome::Later(error)),
        };
        if letter.attachment.as_ref().is_some_and(|printed| printed.bytes.len() > MOST_ATTACHED) {
            return Ok(Outcome::Failed("Its PDF has more than 20 MB, more than mail servers take.".to_owned()));
        }
        Ok(match self.mailer.send(&letter).await {
            Ok(()) => Outcome::Sent,
            Err(MailFault::Passing(fault)) => Outcome::Later(fault),
            Err(MailFault::Lasting(fault)) => Outcome::Failed(fault),
        })
    }
}

#[async_trait]
impl Task for SendMail {
    fn name(&self) -> &'static str {
        "sending mail"
    }

    fn hint(&self) -> Hint {
        Hint::default()
    }

    async fn run(&self, pulse: &Pulse) {
        loop {
            if !pulse.next(POLL).await {
                return;
            }
            loop {
                match self.turn().await {
                    Ok(true) if !pulse.is_stopping() => {}
                    Ok(_) => break,
                    Err(error) => {
                        tracing::warn!(%error, "mail is sent later");
                        sleep(PAUSE).await;
                        break;
                    }
                }
            }
        }
    }
}
