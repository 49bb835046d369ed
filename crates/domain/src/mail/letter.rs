//! A mail as it is sent: made of the row, the document and a template, each time that it is tried.

use super::{Enclosed, Mail, ports::ClaimedMail};
use crate::{
    bids::Bid,
    change_orders::ChangeOrder,
    clock::Timestamp,
    contacts::Contact,
    ids::{ContactId, ProjectId},
    invoices::Invoice,
    papers::{PaperError, Papers, Printed},
    pay_apps::PayApp,
    projects::Project,
    resource::{Filter, Record, Resource, Value, ports::RowReader},
    signature_requests::{SignatureRequest, SigningRecord, SigningToken, asked_paper, signing_url},
    store::StoreError,
    text::Email,
    vault::Vault,
    wording::{day, dollars},
};

/// A mail as it is given to a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What it is known by, without the angle brackets (RFC 5322, section 3.6.4).
    pub message_id: String,
    /// The name beside the server's own address.
    pub company: String,
    /// Where answers go.
    pub reply_to: Option<Email>,
    /// To whom it goes.
    pub to: Email,
    /// Who gets a copy.
    pub cc: Vec<Email>,
    /// Who gets a copy that others do not see.
    pub bcc: Vec<Email>,
    /// The subject, in one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The document.
    pub attachment: Option<Printed>,
}

/// What letters are made with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Where documents are read.
    pub rows: &'a dyn RowReader,
    /// What prints them.
    pub papers: &'a Papers,
    /// What links are made of.
    pub vault: &'a Vault,
    /// The address under which people reach the server.
    pub public_url: &'a str,
}

/// What a template may name, by these words in braces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fields {
    what: &'static str,
    number: String,
    project: String,
    customer: String,
    amount: String,
    date: String,
    company: String,
    link: String,
}

const SUBJECT: &str = "{what} {number} from {company}";
const BODY: &str = "Hello {customer},

{company} sends you {what} {number}.
Project: {project}
Amount: {amount}
Until: {date}

The PDF is attached.

To read and sign it, open {link}

To ask something, answer this mail.

{company}";

impl Letter {
    /// The text as HTML: the same words, with links that can be followed.
    pub fn html(&self) -> String {
        let escaped = self.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let lines = escaped.lines().map(|line| {
            let words = line.split(' ').map(|word| {
                let is_link = word.starts_with("https://") || word.starts_with("http://");
                if is_link { format!("<a href=\"{word}\">{word}</a>") } else { word.to_owned() }
            });
            words.collect::<Vec<_>>().join(" ")
        });
        format!("<!DOCTYPE html><html><body><p>{}</p></body></html>", lines.collect::<Vec<_>>().join("<br>\r\n"))
    }
}

impl Fields {
    fn named(&self) -> [(&'static str, &str); 8] {
        [
            ("{what}", self.what),
            ("{number}", &self.number),
            ("{project}", &self.project),
            ("{customer}", &self.customer),
            ("{amount}", &self.amount),
            ("{date}", &self.date),
            ("{company}", &self.company),
            ("{link}", &self.link),
        ]
    }

    /// A template with its fields filled in. A line that names an empty one is left out, but a greeting names nobody then. What is filled
    /// in is not looked into again.
    fn fill(&self, template: &str) -> String {
        let named = self.named();
        let mut filled = Vec::new();
        for line in template.lines() {
            let empty = |(name, value): &(&str, &str)| value.is_empty() && line.contains(name);
            if line == "Hello {customer}," && self.customer.is_empty() {
                filled.push("Hello,".to_owned());
            } else if !named.iter().any(empty) {
                filled.push(fill_line(line, &named));
            }
        }
        let mut text = filled.join("\n");
        while text.contains("\n\n\n") {
            text = text.replace("\n\n\n", "\n\n");
        }
        text
    }
}

fn fill_line(line: &str, named: &[(&'static str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let (name, value) = named.iter().find(|(name, _)| rest.starts_with(name)).copied().unwrap_or(("{", "{"));
        filled.push_str(value);
        rest = &rest[name.len()..];
    }
    filled + rest
}

impl Desk<'_> {
    /// The letter of a mail that was claimed. `None`: its document is gone, or what it asks for is decided.
    pub async fn letter(&self, claimed: &ClaimedMail, now: Timestamp) -> Result<Option<Letter>, PaperError> {
        let Some(mail) = self.row::<Mail>(claimed, claimed.id).await? else { return Ok(None) };
        let Some(mut fields) = self.fields(&mail, claimed).await? else { return Ok(None) };
        if let Some(request) = mail.request_id {
            let Some(link) = self.link(claimed, request.get()).await? else { return Ok(None) };
            fields.link = link;
        }
        let subject = fields.fill(mail.subject.as_deref().map_or(SUBJECT, |text| text));
        let mut text = fields.fill(mail.body.as_deref().map_or(BODY, |text| text));
        if !fields.link.is_empty() && !text.contains(&fields.link) {
            text = format!("{text}\n\nTo read and sign it, open {}", fields.link);
        }
        let addresses =
            |texts: &[crate::text::Text]| texts.iter().filter_map(|text| Email::parse(text.to_string()).ok()).collect();
        let printed = if let Some(request) = mail.request_id {
            let Some(paper) = asked_paper(self.rows, claimed.tenant, request.get()).await? else { return Ok(None) };
            Some(self.papers.print_composed(paper).await?)
        } else {
            let (kind, zone) = (mail.enclosed.into(), claimed.zone);
            self.papers.print(kind, mail.enclosed_id, claimed.tenant, zone, now).await?
        };
        Ok(Some(Letter {
            message_id: mail.message_id.as_deref().unwrap_or_default().to_owned(),
            company: fields.company,
            reply_to: claimed.reply_to.clone(),
            to: mail.recipient,
            cc: addresses(&mail.cc),
            bcc: addresses(&mail.bcc),
            subject: subject.split(['\r', '\n']).collect::<Vec<_>>().join(" "),
            text,
            attachment: printed,
        }))
    }

    async fn row<R: Resource>(&self, claimed: &ClaimedMail, id: i64) -> Result<Option<R>, StoreError> {
        let found = self.rows.get(claimed.tenant, R::SHAPE, id).await?;
        Ok(found.map(|row| row.typed::<R>()).transpose()?.map(|row| row.details))
    }

    /// The link of a request that is open.
    async fn link(&self, claimed: &ClaimedMail, request: i64) -> Result<Option<String>, StoreError> {
        let found = self.row::<SignatureRequest>(claimed, request).await?;
        if !found.is_some_and(|request| request.status.is_open()) {
            return Ok(None);
        }
        let of_it = Filter::is(SigningRecord::SHAPE, "requestId", Value::Integer(request));
        let records = self.rows.all(claimed.tenant, SigningRecord::SHAPE, &of_it, 0).await?;
        let record = records.first().map(Record::typed::<SigningRecord>).transpose()?;
        let token = record.and_then(|record| SigningToken::of(self.vault, claimed.tenant, &record.details));
        Ok(token.map(|token| signing_url(self.public_url, &token)))
    }

    async fn fields(&self, mail: &Mail, claimed: &ClaimedMail) -> Result<Option<Fields>, StoreError> {
        let (id, zone) = (mail.enclosed_id, claimed.zone);
        let mut fields = Fields { company: claimed.company.as_str().to_owned(), ..Fields::default() };
        let (project, contact) = match mail.enclosed {
            Enclosed::Bid => {
                let Some(bid) = self.row::<Bid>(claimed, id).await? else { return Ok(None) };
                (fields.what, fields.number, fields.amount) = ("Bid", bid.bid_number.to_string(), dollars(bid.total));
                fields.date = bid.valid_until.map(|until| day(until, zone)).unwrap_or_default();
                fields.project = bid.name.map(|name| name.to_string()).unwrap_or_default();
                (bid.project_id, bid.contact_id)
            }
            Enclosed::ChangeOrder => {
                let Some(order) = self.row::<ChangeOrder>(claimed, id).await? else { return Ok(None) };
                fields.what = "Change order";
                (fields.number, fields.amount) = (order.change_order_number.to_string(), dollars(order.total_amount));
                (Some(order.project_id), None)
            }
            Enclosed::Invoice => {
                let Some(invoice) = self.row::<Invoice>(claimed, id).await? else { return Ok(None) };
                fields.what = "Invoice";
                (fields.number, fields.amount) = (invoice.invoice_number.to_string(), dollars(invoice.balance_due));
                fields.date = invoice.due_date.map(|due| day(due, zone)).unwrap_or_default();
                (invoice.project_id, invoice.contact_id)
            }
            Enclosed::PayApp => {
                let Some(pay_app) = self.row::<PayApp>(claimed, id).await? else { return Ok(None) };
                fields.what = "Pay application";
                fields.number = pay_app.pay_app_number.to_string();
                fields.amount = dollars(pay_app.current_payment_due);
                (Some(pay_app.project_id), None)
            }
        };
        self.name_people(&mut fields, (project, contact), claimed).await?;
        Ok(Some(fields))
    }

    async fn name_people(
        &self,
        fields: &mut Fields,
        (project, contact): (Option<ProjectId>, Option<ContactId>),
        claimed: &ClaimedMail,
    ) -> Result<(), StoreError> {
        let project = match project {
            Some(project) => self.row::<Project>(claimed, project.get()).await?,
            None => None,
        };
        let contact = contact.or_else(|| project.as_ref().and_then(|project| project.contact_id));
        if let Some(project) = project {
            fields.project = project.name.to_string();
        }
        if let Some(contact) = contact {
            let contact = self.row::<Contact>(claimed, contact.get()).await?;
            fields.customer =
                contact.and_then(|contact| super::name_of(&contact)).map(|name| name.to_string()).unwrap_or_default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_once_and_leave_out_what_is_not_known() {
        let fields = Fields {
            what: "Bid",
            number: "BID-042".to_owned(),
            customer: "{amount} Brandt".to_owned(),
            amount: "$8,930.18".to_owned(),
            company: "Osterwick".to_owned(),
            ..Fields::default()
        };
        assert_eq!(fields.fill(SUBJECT), "Bid BID-042 from Osterwick");
        assert_eq!(
            fields.fill(BODY),
            "Hello {amount} Brandt,\n\nOsterwick sends you Bid BID-042.\nAmount: $8,930.18\n\nThe PDF is attached.\n\n\
             To ask something, answer this mail.\n\nOsterwick"
        );
        assert_eq!(Fields::default().fill("Hello {customer},\n{x} {"), "Hello,\n{x} {");
    }

    #[test]
    fn html_says_what_the_text_says() {
        let letter = Letter {
            message_id: String::new(),
            company: String::new(),
            reply_to: None,
            to: Email::parse("a@example.com".to_owned()).expect("an address"),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: String::new(),
            text: "<b> & \"c\"\nhttps://x.example/sign?a=b&c=d".to_owned(),
            attachment: None,
        };
        let html = letter.html();
        assert!(html.contains("&lt;b&gt; &amp; &quot;c&quot;<br>"), "{html}");
        assert!(html.contains("<a href=\"https://x.example/sign?a=b&amp;c=d\">"), "{html}");
    }
}
