//! `bwp mail`

use anyhow::{Context, anyhow};
use bwp_domain::{
    ids::RequestId,
    mail::{Letter, ports::Mailer},
    text::Email,
};
use serde_json::json;

use crate::{cli::MailCommand, commands::wrong, mail, output::Output, system::environment};

pub(crate) async fn run(command: MailCommand, output: Output) -> anyhow::Result<()> {
    let MailCommand::Test { to, mail } = command;
    let server = mail::configured(&mail)?
        .ok_or_else(|| anyhow!("there is no mail server: name one with --smtp-url and --mail-from"))?;
    let to = Email::parse(to).map_err(wrong("--to"))?;
    let environment = environment();
    let id = RequestId::generate(environment.clock.now(), &*environment.entropy);
    let letter = Letter {
        message_id: format!("test-{id}@{}", server.domain()),
        company: "bwp".to_owned(),
        reply_to: None,
        to,
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: "A test of bwp".to_owned(),
        text: "This server can send mail.".to_owned(),
        attachment: None,
    };
    server.send(&letter).await.context("the mail server did not take the mail")?;
    output.print(&json!({ "sent": true, "to": &*letter.to }), || {
        format!("The mail server has taken a mail to {}", &*letter.to)
    })?;
    Ok(())
}
