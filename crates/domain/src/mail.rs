//! Mail that waits to be sent: stored in the transaction of the step that sends it, so that neither is there without the other.

use crate::{
    contacts::Contact,
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{AccountId, ContactId},
    resource::{Draft, Record, Resource, ResourceError, Rules, family, insert},
    store::UnitOfWork,
    text::{Email, Text},
    users::AnyUser,
    words,
};

words! {
    /// What a mail brings.
    pub enum Enclosed {
        /// A bid.
        Bid = "bid",
        /// A change order.
        ChangeOrder = "change_order",
        /// An invoice.
        Invoice = "invoice",
        /// A pay application.
        PayApp = "pay_app",
    }
}

words! {
    /// What became of a mail.
    pub enum MailStatus {
        /// There is no mail server to send it: it waits for a person who releases it (MNY-32).
        NotConfigured = "not_configured",
    }
}

/// A mail that brings a document.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "mail", table = "mail_outbox", read(SettingsRead), write(SettingsWrite), delete(SettingsWrite))]
pub struct Mail {
    /// What it brings.
    pub enclosed: Enclosed,
    /// The id of that.
    pub enclosed_id: i64,
    /// To whom it goes.
    pub recipient: Email,
    /// Who gets a copy.
    #[field(default = [])]
    pub cc: Vec<Text>,
    /// Who gets a copy that others do not see.
    #[field(default = [])]
    pub bcc: Vec<Text>,
    /// Its subject. `null`: that of the tenant's template.
    pub subject: Option<Text>,
    /// Its text. `null`: that of the tenant's template.
    pub body: Option<Text>,
    /// What became of it.
    pub status: MailStatus,
    /// The user who sent it, or who made the key that did.
    #[field(refers = AnyUser)]
    pub sent_by: Option<AccountId>,
}

impl Rules for Mail {}

/// How a document is to be sent. Everything may be left out (MNY-31).
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "sending")]
pub struct Sending {
    /// To whom it goes, unless to the contact of the document.
    #[field(example = "owner@example.com")]
    pub recipient_email: Option<Email>,
    /// Who gets a copy.
    #[field(default = [], most = 20, each = 320)]
    pub cc_emails: Vec<Text>,
    /// Who gets a copy that others do not see.
    #[field(default = [], most = 20, each = 320)]
    pub bcc_emails: Vec<Text>,
    /// The subject.
    #[field(most = 500)]
    pub subject: Option<Text>,
    /// The text.
    pub body: Option<Text>,
    /// The template that subject and text are made of.
    pub template_id: Option<i64>,
    /// Whether the customer is asked for a signature.
    pub request_signature: Option<bool>,
}

impl Sending {
    /// What cannot be done of it, and addresses that are none.
    pub fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        for (name, addresses) in [("ccEmails", &self.cc_emails), ("bccEmails", &self.bcc_emails)] {
            for (n, address) in addresses.iter().enumerate() {
                if let Err(fault) = Email::parse(address.to_string()) {
                    errors.push(format_args!("{name}[{n}]"), fault);
                }
            }
        }
        if self.template_id.is_some() {
            errors.push("templateId", Fault::new("not_found", "There is no template with this id."));
        }
        if self.request_signature == Some(true) {
            let message = "Signatures are not asked for by this server. Send the document without.";
            errors.push("requestSignature", Fault::new("invalid_value", message));
        }
        errors
    }
}

/// Puts a mail that brings a document behind the others: to the recipient that is named, or to the contact. Without either it is refused
/// at the field `blamed`.
pub async fn post(
    sending: &Sending,
    (enclosed, enclosed_id): (Enclosed, i64),
    contact: Option<ContactId>,
    blamed: &'static str,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<(), Failure<ResourceError>> {
    sending.check().or(())?;
    let recipient = match (&sending.recipient_email, contact) {
        (Some(recipient), _) => Some(recipient.clone()),
        (None, Some(contact)) => {
            let found = uow.rows().even_deleted(context.tenant, Contact::SHAPE, &[contact.get()]).await?;
            found.first().map(Record::typed::<Contact>).transpose()?.and_then(|contact| contact.details.email)
        }
        (None, None) => None,
    };
    let nobody = || {
        let message = "There is no e-mail address to send to. Name a contact that has one, or send `recipientEmail`.";
        FieldErrors::one(blamed, Fault::new("required", message))
    };
    let mail = Mail {
        enclosed,
        enclosed_id,
        recipient: recipient.ok_or_else(nobody)?,
        cc: sending.cc_emails.clone(),
        bcc: sending.bcc_emails.clone(),
        subject: sending.subject.clone(),
        body: sending.body.clone(),
        status: MailStatus::NotConfigured,
        sent_by: context.principal.account(),
    };
    insert(family::<Mail>(), &Draft::copy_of(&mail), context, uow).await?;
    Ok(())
}
