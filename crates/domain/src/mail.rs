//! Mail: stored in the transaction of the step that sends it, so that neither is there without the other, and sent after that.

mod letter;
mod outcome;
pub mod ports;

pub use letter::{Desk, Letter};
pub use outcome::{Outcome, RecordMail, Release, next_attempt};

use crate::{
    clock::Timestamp,
    contacts::Contact,
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{AccountId, ContactId, SignatureRequestId},
    resource::{Draft, Record, Resource, ResourceError, Rules, family, insert},
    signature_requests::{SignatureRequest, SignedType, Signer, open},
    store::{StoreError, UnitOfWork},
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
        /// It is sent as soon as the mail server takes it.
        Queued = "queued",
        /// The mail server has it.
        Sent = "sent",
        /// The mail server refused it for good, or took nothing for a day.
        Failed = "failed",
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
    /// The request for a signature whose link it carries.
    #[field(refers = SignatureRequest)]
    pub request_id: Option<SignatureRequestId>,
    /// What mail servers and programs know it by, from its first attempt on: never another one.
    pub message_id: Option<Text>,
    /// How often it was given to the mail server.
    #[field(default = 0)]
    pub attempts: i64,
    /// Since when it is to be sent.
    pub queued_at: Option<Timestamp>,
    /// When it is tried next: while it is tried, when somebody else may try it.
    pub due_at: Option<Timestamp>,
    /// When the mail server took it.
    pub sent_at: Option<Timestamp>,
    /// What the mail server said to the last attempt.
    pub fault: Option<Text>,
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
    /// Whether the customer is asked for a signature: of bids and change orders.
    pub request_signature: Option<bool>,
    /// Who is to sign, unless the contact of the document.
    #[field(most = 255)]
    pub signer_name: Option<Text>,
}

impl Sending {
    /// What cannot be done of it, and addresses that are none.
    pub fn check(&self, enclosed: Enclosed) -> FieldErrors {
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
        if self.request_signature == Some(true) && enclosed.signed().is_none() {
            let message = "Only bids and change orders are signed. Send the document without.";
            errors.push("requestSignature", Fault::new("invalid_value", message));
        }
        errors
    }
}

impl Enclosed {
    /// What it is as something to be signed.
    const fn signed(self) -> Option<SignedType> {
        match self {
            Self::Bid => Some(SignedType::Bid),
            Self::ChangeOrder => Some(SignedType::ChangeOrder),
            Self::Invoice | Self::PayApp => None,
        }
    }
}

/// To whom a document goes.
pub(crate) struct Recipient {
    email: Email,
    /// What the signer is called.
    name: Option<Text>,
}

/// To whom a document goes: to the recipient that is named, or to the contact. Without either it is refused at the field `blamed`.
pub(crate) async fn recipient(
    sending: &Sending,
    enclosed: Enclosed,
    (contact, blamed): (Option<ContactId>, &'static str),
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Recipient, Failure<ResourceError>> {
    sending.check(enclosed).or(())?;
    let found = match contact {
        Some(contact) => uow.rows().even_deleted(context.tenant, Contact::SHAPE, &[contact.get()]).await?,
        None => Vec::new(),
    };
    let contact = found.first().map(Record::typed::<Contact>).transpose()?.map(|contact| contact.details);
    let of_contact = || contact.as_ref().and_then(|contact| contact.email.clone());
    let nobody = || {
        let message = "There is no e-mail address to send to. Name a contact that has one, or send `recipientEmail`.";
        FieldErrors::one(blamed, Fault::new("required", message))
    };
    let email = sending.recipient_email.clone().or_else(of_contact).ok_or_else(nobody)?;
    let name = sending.signer_name.clone().or_else(|| contact.as_ref().and_then(name_of));
    Ok(Recipient { email, name })
}

/// Puts a mail that brings a document behind the others. Where a signature is asked for, the request is made with it: of the document as
/// it is in this unit of work. `has_last_day` says whether the document itself says until when.
pub(crate) async fn post(
    sending: &Sending,
    (enclosed, enclosed_id): (Enclosed, i64),
    Recipient { email: recipient, name }: Recipient,
    has_last_day: bool,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<(), Failure<ResourceError>> {
    let request_id = match enclosed.signed().filter(|_| sending.request_signature == Some(true)) {
        Some(kind) => {
            let signer = Signer { name, email: &recipient, message: sending.body.clone() };
            Some(open((kind, enclosed_id), signer, has_last_day, context, uow).await?)
        }
        None => None,
    };
    let to = |recipient: Email| Mail {
        subject: sending.subject.clone(),
        body: sending.body.clone(),
        ..Mail::to(recipient, (enclosed, enclosed_id), context)
    };
    let (cc, bcc) = (sending.cc_emails.clone(), sending.bcc_emails.clone());
    let mut mails = Vec::new();
    if request_id.is_some() {
        // Whoever has the link can sign: copies go without.
        mails.push(Mail { request_id, ..to(recipient) });
        let address = |text: &Text| Email::parse(text.to_string()).ok();
        if let Some((first, rest)) = cc.split_first() {
            mails.extend(address(first).map(|first| Mail { cc: rest.to_vec(), ..to(first) }));
        }
        mails.extend(bcc.iter().filter_map(address).map(to));
    } else {
        mails.push(Mail { cc, bcc, ..to(recipient) });
    }
    for mail in mails {
        insert(family::<Mail>(), &Draft::copy_of(&mail), context, uow).await?;
    }
    Ok(())
}

/// Puts a mail with the link of a request behind the others. Whether it is on its way.
pub(crate) async fn post_link(
    id: i64,
    request: &SignatureRequest,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<bool, Failure<ResourceError>> {
    let no_id = || StoreError::Internal("a signature request has an id that is none".to_owned());
    let enclosed = match request.entity_type {
        SignedType::Bid => Enclosed::Bid,
        SignedType::ChangeOrder => Enclosed::ChangeOrder,
    };
    if let Some(recipient) = request.signer_email.clone() {
        let mail = Mail {
            body: request.message.clone(),
            request_id: Some(SignatureRequestId::new(id).ok_or_else(no_id)?),
            sent_by: context.principal.account().or(request.created_by),
            ..Mail::to(recipient, (enclosed, request.entity_id), context)
        };
        insert(family::<Mail>(), &Draft::copy_of(&mail), context, uow).await?;
    }
    Ok(context.sends_mail && request.signer_email.is_some())
}

/// What a contact is called: the person, or else the company.
fn name_of(contact: &Contact) -> Option<Text> {
    let names = [&contact.first_name, &contact.last_name].map(|name| name.as_ref().map(ToString::to_string));
    let person = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let company = || contact.company_name.as_ref().map(ToString::to_string);
    Text::parse(Some(person).filter(|name| !name.is_empty()).or_else(company)?).ok()
}

impl Mail {
    fn to(recipient: Email, (enclosed, enclosed_id): (Enclosed, i64), context: &Context<'_>) -> Self {
        let queued = context.sends_mail.then_some(context.now);
        Self {
            enclosed,
            enclosed_id,
            recipient,
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: None,
            body: None,
            status: if context.sends_mail { MailStatus::Queued } else { MailStatus::NotConfigured },
            sent_by: context.principal.account(),
            request_id: None,
            message_id: None,
            attempts: 0,
            queued_at: queued,
            due_at: queued,
            sent_at: None,
            fault: None,
        }
    }
}
