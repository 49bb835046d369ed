//! What becomes of a mail that was tried.

use std::time::Duration;

use async_trait::async_trait;

use super::{Enclosed, Mail, MailStatus, ports::ClaimedMail};
use crate::{
    clock::Timestamp,
    execute::{Applied, Command, Context, Failure},
    notifications::{Notice, NotificationType, notify},
    records::{About, RecordType},
    resource::{Record, Resource, ResourceError, Told, store},
    scopes::{ScopeId, ScopeSet},
    signature_requests::{SignatureRequest, SignatureStatus},
    store::UnitOfWork,
    text::{Text, excerpt},
};

/// For how long a mail is tried that the server does not take.
const TRIED_FOR: Duration = Duration::from_hours(24);
/// Between the first attempt and the second; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(2);

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail server took it.
    Sent,
    /// The mail server did not take it, and says this; it may later.
    Later(String),
    /// It never will.
    Failed(String),
}

/// When a mail is tried again whose attempt of this number failed now. `None`: never.
pub fn next_attempt(attempt: i64, queued_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    Some(now.plus(pause)).filter(|next| *next < queued_at.plus(TRIED_FOR))
}

/// Records what became of an attempt. Nothing happens if the mail was claimed again meanwhile.
pub struct RecordMail {
    /// Which mail.
    pub mail: ClaimedMail,
    /// What became of it.
    pub outcome: Outcome,
}

#[async_trait]
impl Command<dyn UnitOfWork> for RecordMail {
    type Output = ();
    type Error = ResourceError;

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<()>, Failure<ResourceError>> {
        let (tenant, now) = (context.tenant, context.now);
        let found = uow.rows().lock(tenant, Mail::SHAPE, self.mail.id).await?;
        let row = found.ok_or(ResourceError::NotFound(Mail::SHAPE.one))?;
        let mail = row.typed::<Mail>()?.details;
        if mail.status != MailStatus::Queued || mail.attempts != self.mail.attempt {
            return Ok(Applied::silently(()));
        }
        let said = |text: &str| Text::parse(excerpt(text, 500)).ok();
        let mut after = mail.clone();
        after.due_at = None;
        match &self.outcome {
            Outcome::Sent => (after.status, after.sent_at, after.fault) = (MailStatus::Sent, Some(now), None),
            Outcome::Later(fault) => {
                after.fault = said(fault);
                after.due_at = next_attempt(mail.attempts, mail.queued_at.unwrap_or(row.created_at), now);
                if after.due_at.is_none() {
                    after.status = MailStatus::Failed;
                }
            }
            Outcome::Failed(fault) => (after.status, after.fault) = (MailStatus::Failed, said(fault)),
        }
        store(&row, &after, Told::Nobody, context, uow).await?;
        match after.status {
            MailStatus::Sent => tell_request(&mail, context, uow).await?,
            MailStatus::Failed => {
                let notice = Notice {
                    kind: NotificationType::Comment,
                    title: format!("A mail to {} was not sent", &*mail.recipient),
                    message: after.fault.as_ref().map(ToString::to_string),
                    about: Some(About { kind: mail.enclosed.record(), id: mail.enclosed_id }),
                };
                notify(context, uow, &notice, mail.sent_by).await?;
            }
            MailStatus::Queued | MailStatus::NotConfigured => {}
        }
        Ok(Applied::silently(()))
    }
}

/// The customer has the link now.
async fn tell_request(
    mail: &Mail,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<(), Failure<ResourceError>> {
    let Some(id) = mail.request_id else { return Ok(()) };
    let Some(row) = uow.rows().lock(context.tenant, SignatureRequest::SHAPE, id.get()).await? else { return Ok(()) };
    let request = row.typed::<SignatureRequest>()?.details;
    if request.status == SignatureStatus::Pending {
        let sent = SignatureRequest { status: SignatureStatus::Sent, sent_at: Some(context.now), ..request };
        store(&row, &sent, Told::Nobody, context, uow).await?;
    }
    Ok(())
}

impl Enclosed {
    /// The same, as a kind of record.
    const fn record(self) -> RecordType {
        match self {
            Self::Bid => RecordType::Bid,
            Self::ChangeOrder => RecordType::ChangeOrder,
            Self::Invoice => RecordType::Invoice,
            Self::PayApp => RecordType::PayApp,
        }
    }
}

/// Lets a mail go that waits because there was no mail server, or that failed: it is sent from now on.
pub struct Release {
    /// Which mail.
    pub mail: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Release {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::SettingsWrite])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>, Failure<ResourceError>> {
        let found = uow.rows().lock(context.tenant, Mail::SHAPE, self.mail).await?;
        let row = found.ok_or(ResourceError::NotFound(Mail::SHAPE.one))?;
        let mail = row.typed::<Mail>()?.details;
        if !context.sends_mail {
            let text = "This server has no mail server: its operator names one first.".to_owned();
            return Err(ResourceError::Conflict(text).into());
        }
        if !matches!(mail.status, MailStatus::NotConfigured | MailStatus::Failed) {
            return Err(ResourceError::Conflict(format!("This mail is {}: it is not held back.", mail.status)).into());
        }
        let now = Some(context.now);
        let queued = Mail { status: MailStatus::Queued, queued_at: now, due_at: now, fault: None, ..mail };
        Ok(Applied::silently(store(&row, &queued, Told::Nobody, context, uow).await?.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_after_a_day() {
        let queued = Timestamp::from_unix_millis(0);
        let (mut now, mut pauses, mut attempt) = (queued, Vec::new(), 1);
        while let Some(next) = next_attempt(attempt, queued, now) {
            pauses.push((next.unix_millis() - now.unix_millis()) / 1_000);
            (now, attempt) = (next, attempt + 1);
        }
        assert_eq!(pauses[..5], [30, 60, 120, 240, 480]);
        assert!(pauses.iter().all(|pause| *pause <= 7_200) && pauses.len() > 15, "{pauses:?}");
        assert!(now.unix_millis() <= 86_400_000 && now.unix_millis() > 79_200_000 - 1, "{now}");
    }
}
