//! Mail, to the operator's own mail server (RFC 5321).

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bwp_domain::{
    mail::{
        Letter,
        ports::{MailFault, Mailer},
    },
    text::Email,
};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Attachment, Mailbox, MultiPart, header::ContentType},
};
use tokio::time::timeout;
use url::Url;

/// How long a mail server may take for one command, and for a whole mail.
const OF_COMMAND: Duration = Duration::from_secs(30);
const OF_MAIL: Duration = Duration::from_mins(1);

/// Why a mail server cannot be used as it was configured.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL is none of a mail server.
    #[error(
        "expected the URL of a mail server, such as smtps://user:password@mail.example.com, or smtp://mail.example.com:587 with \
         STARTTLS; ?tls=none speaks without encryption: {0}"
    )]
    Url(String),
    /// The address that mail comes from is none.
    #[error("expected an e-mail address that mail comes from, such as office@example.com: {0}")]
    From(String),
}

/// A mail server.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Smtp {
    /// The mail server at `url`; mail comes from the address `from`. Passwords do not go over a network in the clear: `smtp://` means
    /// STARTTLS, unless the URL says `tls=none` or the server is on this machine.
    pub fn new(url: &str, from: &str) -> Result<Self, SmtpError> {
        let from =
            from.trim().parse().map_err(|error: lettre::address::AddressError| SmtpError::From(error.to_string()))?;
        let wrong = |error: &dyn fmt::Display| SmtpError::Url(error.to_string());
        let mut url = Url::parse(url.trim()).map_err(|error| wrong(&error))?;
        let mode = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match mode.as_deref() {
            Some("none") => url.set_query(None),
            None if url.scheme() == "smtp" && !is_here => url.set_query(Some("tls=required")),
            _ => {}
        }
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str()).map_err(|error| wrong(&error))?;
        Ok(Self { transport: transport.timeout(Some(OF_COMMAND)).build(), from })
    }

    fn message(&self, letter: &Letter) -> Result<Message, MailFault> {
        let lasting = |error: &dyn fmt::Display| MailFault::Lasting(error.to_string());
        let mailbox = |email: &Email| -> Result<Mailbox, MailFault> {
            let address: Result<Address, _> = email.parse();
            Ok(Mailbox::new(None, address.map_err(|error| lasting(&format_args!("{}: {error}", &**email)))?))
        };
        let mut message = Message::builder()
            .from(Mailbox::new(Some(letter.company.clone()), self.from.clone()))
            .to(mailbox(&letter.to)?)
            .subject(letter.subject.clone())
            .message_id(Some(format!("<{}>", letter.message_id)));
        if let Some(reply_to) = &letter.reply_to {
            message = message.reply_to(mailbox(reply_to)?);
        }
        for copy in &letter.cc {
            message = message.cc(mailbox(copy)?);
        }
        for copy in &letter.bcc {
            message = message.bcc(mailbox(copy)?);
        }
        let both = MultiPart::alternative_plain_html(letter.text.clone(), letter.html());
        let whole = match &letter.attachment {
            None => both,
            Some(printed) => {
                let pdf = ContentType::parse("application/pdf").map_err(|error| lasting(&error))?;
                let file = Attachment::new(printed.file_name.clone()).body(printed.bytes.clone(), pdf);
                MultiPart::mixed().multipart(both).singlepart(file)
            }
        };
        message.multipart(whole).map_err(|error| lasting(&error))
    }
}

#[async_trait]
impl Mailer for Smtp {
    fn domain(&self) -> &str {
        self.from.domain()
    }

    async fn send(&self, letter: &Letter) -> Result<(), MailFault> {
        let message = self.message(letter)?;
        match timeout(OF_MAIL, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() && !is_of_login(&error) => Err(MailFault::Lasting(explain(&error))),
            Ok(Err(error)) => Err(MailFault::Passing(explain(&error))),
            Err(_) => Err(MailFault::Passing(format!("the mail server took more than {} seconds", OF_MAIL.as_secs()))),
        }
    }
}

/// Whether the mail server refused the login and not the mail (RFC 4954, section 6): the operator can put that right meanwhile.
fn is_of_login(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538))
}

/// What a mail server said, or why it was not reached: an error and its causes.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_mail_server_is_told() {
        for url in ["smtps://u:p@mail.example.com", "smtp://127.0.0.1:25", "smtp://mail.example.com?tls=none"] {
            assert!(Smtp::new(url, "office@example.com").is_ok(), "{url}");
        }
        for url in ["", "mail.example.com", "https://mail.example.com", "smtp://mail.example.com?tls=maybe"] {
            assert!(matches!(Smtp::new(url, "office@example.com"), Err(SmtpError::Url(_))), "{url}");
        }
        assert!(matches!(Smtp::new("smtp://127.0.0.1", "office"), Err(SmtpError::From(_))));
        let shown =
            format!("{:?}", Smtp::new("smtps://user:secret@mail.example.com", "office@example.com").expect("good"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
