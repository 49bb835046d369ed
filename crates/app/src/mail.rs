//! The mail server that the operator names.

use anyhow::{Context, bail};
use bwp_outbound::Smtp;

use crate::cli::MailArgs;

/// The mail server. `None`: there is none, and mail waits for a person who releases it.
pub(crate) fn configured(args: &MailArgs) -> anyhow::Result<Option<Smtp>> {
    let named = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    match (named(&args.smtp_url), named(&args.mail_from)) {
        (Some(url), Some(from)) => Smtp::new(&url, &from).context("--smtp-url and --mail-from").map(Some),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("--smtp-url needs --mail-from, the address that mail comes from: BWP_MAIL_FROM"),
        (None, Some(_)) => bail!("--mail-from needs --smtp-url, the mail server: BWP_SMTP_URL"),
    }
}
