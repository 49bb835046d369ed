//! Composing documents from rows.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Block, Facts, Letterhead, LetterheadSettings, Mark, Paper, PaperError, PaperKind, Printed, Printer, bid,
    change_order, html, invoice, pay_app, write::Writing,
};
use crate::{
    bids::Bid,
    change_orders::ChangeOrder,
    clock::Timestamp,
    contacts::Contact,
    execute::Context,
    ids::{AccountId, ContactId, ProjectId, TenantId},
    invoices::Invoice,
    mail::Enclosed,
    pay_apps::PayApp,
    projects::Project,
    resource::{Filter, Record, Referable, Reference, Resource, Shape, Stored, Value, ports::RowReader},
    settings::BrandingSettings,
    signature_requests::SignedType,
    store::{StoreError, UnitOfWork},
    tenants::TimeZone,
    text::Text,
    users::ports::UserReader,
};

impl PaperKind {
    /// The description of its rows.
    pub const fn shape(self) -> &'static Shape {
        match self {
            Self::Bid => Bid::SHAPE,
            Self::ChangeOrder => ChangeOrder::SHAPE,
            Self::PayApp => PayApp::SHAPE,
            Self::Invoice => Invoice::SHAPE,
        }
    }

    /// How a store finds its rows.
    pub const fn reference(self) -> &'static Reference {
        match self {
            Self::Bid => Bid::REFERENCE,
            Self::ChangeOrder => ChangeOrder::REFERENCE,
            Self::PayApp => PayApp::REFERENCE,
            Self::Invoice => Invoice::REFERENCE,
        }
    }

    /// What is printed of the rows of this table.
    pub fn of_table(table: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.shape().table == table)
    }
}

impl From<Enclosed> for PaperKind {
    fn from(enclosed: Enclosed) -> Self {
        match enclosed {
            Enclosed::Bid => Self::Bid,
            Enclosed::ChangeOrder => Self::ChangeOrder,
            Enclosed::Invoice => Self::Invoice,
            Enclosed::PayApp => Self::PayApp,
        }
    }
}

/// What composes and prints documents.
#[derive(Clone)]
pub struct Papers {
    /// Where rows are read.
    pub rows: Arc<dyn RowReader>,
    /// Where users are read.
    pub users: Arc<dyn UserReader>,
    /// What makes PDFs.
    pub printer: Arc<dyn Printer>,
}

/// How often a document is read that changes meanwhile.
const ATTEMPTS: usize = 5;

impl Papers {
    /// The document as it is now, printed. `None` if there is no such row.
    pub async fn print(
        &self,
        kind: PaperKind,
        id: i64,
        tenant: TenantId,
        zone: TimeZone,
        now: Timestamp,
    ) -> Result<Option<Printed>, PaperError> {
        match self.compose(kind, id, tenant, zone, now).await? {
            Some(paper) => self.print_composed(paper).await.map(Some),
            None => Ok(None),
        }
    }

    /// A document that was composed, printed.
    pub async fn print_composed(&self, paper: Paper) -> Result<Printed, PaperError> {
        Ok(Printed { file_name: paper.file_name(), bytes: self.printer.print(paper).await? })
    }

    /// The document as it is now, which can be [printed](Printer::print). `None` if there is no such row.
    pub async fn compose(
        &self,
        kind: PaperKind,
        id: i64,
        tenant: TenantId,
        zone: TimeZone,
        now: Timestamp,
    ) -> Result<Option<Paper>, StoreError> {
        let shape = kind.shape();
        let mut source = &*self.rows;
        let mut desk = Desk::new(&mut source, tenant, zone).await?;
        let mut attempt = 0;
        loop {
            let Some(before) = self.rows.get(tenant, shape, id).await? else { return Ok(None) };
            let content = match kind {
                PaperKind::Bid => bid::compose(&before.typed()?, &mut desk).await?,
                PaperKind::ChangeOrder => change_order::compose(&before.typed()?, &mut desk).await?,
                PaperKind::PayApp => {
                    let pay_app = before.typed::<PayApp>()?;
                    let submitted_by = self.user(tenant, pay_app.details.submitted_by).await?;
                    pay_app::compose(&pay_app, submitted_by, &mut desk).await?
                }
                PaperKind::Invoice => invoice::compose(&before.typed()?, &mut desk).await?,
            };
            attempt += 1;
            // Lines and sums are read one after the other: a row that changed meanwhile has other sums than the lines that were read.
            if self.rows.get(tenant, shape, id).await?.as_ref() == Some(&before) || attempt == ATTEMPTS {
                return Ok(Some(content.on(desk.letterhead().await?, now)));
            }
        }
    }

    /// What a user is called.
    async fn user(&self, tenant: TenantId, account: Option<AccountId>) -> Result<Option<String>, StoreError> {
        let Some(account) = account else { return Ok(None) };
        Ok(self.users.get(tenant, account).await?.map(|user| user.account.label()))
    }
}

/// A bid or a change order that this unit of work has locked, as it is in it. `None` if there is no such row.
pub(crate) async fn compose_signed(
    kind: SignedType,
    id: i64,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Option<Paper>, StoreError> {
    let tenant = context.tenant;
    let Some(row) = uow.rows().lock(tenant, kind.paper().shape(), id).await? else { return Ok(None) };
    let mut source = Inside(uow);
    let mut desk = Desk::new(&mut source, tenant, context.principal.time_zone()).await?;
    let said = match kind {
        SignedType::Bid => bid::compose(&row.typed()?, &mut desk).await?,
        SignedType::ChangeOrder => change_order::compose(&row.typed()?, &mut desk).await?,
    };
    Ok(Some(said.on(desk.letterhead().await?, context.now)))
}

/// Where documents are read: outside of any unit of work, or inside one.
#[async_trait]
pub(super) trait Source: Send {
    /// [`RowReader::all`].
    async fn all(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError>;

    /// The row of this id, even if it was deleted since.
    async fn ever(&mut self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError>;
}

#[async_trait]
impl Source for &dyn RowReader {
    async fn all(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError> {
        RowReader::all(*self, tenant, shape, filter, order).await
    }

    async fn ever(&mut self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError> {
        Ok(self.get_ever(tenant, shape, &[id]).await?.into_iter().next())
    }
}

struct Inside<'a>(&'a mut dyn UnitOfWork);

#[async_trait]
impl Source for Inside<'_> {
    async fn all(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
        order: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.0.rows().all(tenant, shape, filter, order).await
    }

    async fn ever(&mut self, tenant: TenantId, shape: &'static Shape, id: i64) -> Result<Option<Record>, StoreError> {
        Ok(self.0.rows().even_deleted(tenant, shape, &[id]).await?.into_iter().next())
    }
}

/// What a document says, before it is known whose it is.
pub(super) struct Content {
    pub(super) title: &'static str,
    pub(super) number: Text,
    pub(super) subtitle: Option<String>,
    pub(super) mark: Option<Mark>,
    pub(super) blocks: Vec<Block>,
}

impl Content {
    fn on(self, letterhead: Letterhead, now: Timestamp) -> Paper {
        let Self { title, number, subtitle, mark, blocks } = self;
        let title = title.to_owned();
        let composed_at = now.unix_millis();
        Paper { title, number: number.to_string(), subtitle, mark, letterhead, blocks, certificate: None, composed_at }
    }
}

/// What documents are composed with.
pub(super) struct Desk<'a> {
    source: &'a mut dyn Source,
    tenant: TenantId,
    pub(super) writing: Writing,
    pub(super) settings: LetterheadSettings,
}

impl<'a> Desk<'a> {
    async fn new(source: &'a mut dyn Source, tenant: TenantId, zone: TimeZone) -> Result<Self, StoreError> {
        let settings = only::<LetterheadSettings>(source, tenant).await?.unwrap_or_default();
        let currency = settings.currency_symbol.as_ref().map_or_else(|| "$".to_owned(), Text::to_string);
        Ok(Self { source, tenant, writing: Writing { currency, zone }, settings })
    }

    async fn letterhead(&mut self) -> Result<Letterhead, StoreError> {
        let branding = only::<BrandingSettings>(self.source, self.tenant).await?;
        Ok(self.settings.letterhead(branding.as_ref()))
    }

    /// The live rows that belong to this one, in their order.
    pub(super) async fn children<R: Resource>(
        &mut self,
        field: &str,
        id: i64,
        order: &str,
    ) -> Result<Vec<Stored<R>>, StoreError> {
        let order = R::SHAPE.field(order).map_or(0, |(at, _)| at);
        let of = Filter::is(R::SHAPE, field, Value::Integer(id));
        let rows = self.source.all(self.tenant, R::SHAPE, &of, order).await?;
        rows.iter().map(Record::typed).collect()
    }

    /// The row of this id, even if it was deleted since.
    pub(super) async fn ever<R: Resource>(&mut self, id: Option<i64>) -> Result<Option<R>, StoreError> {
        let Some(id) = id else { return Ok(None) };
        let row = self.source.ever(self.tenant, R::SHAPE, id).await?;
        row.map(|row| row.typed::<R>()).transpose().map(|row| row.map(|row| row.details))
    }

    pub(super) async fn contact(&mut self, id: Option<ContactId>) -> Result<Option<Contact>, StoreError> {
        self.ever(id.map(ContactId::get)).await
    }

    pub(super) async fn project(&mut self, id: Option<ProjectId>) -> Result<Option<Project>, StoreError> {
        self.ever(id.map(ProjectId::get)).await
    }
}

/// The row that each tenant has, if it was ever written.
async fn only<R: Resource>(source: &mut dyn Source, tenant: TenantId) -> Result<Option<R>, StoreError> {
    let rows = source.all(tenant, R::SHAPE, &Filter::all(), 0).await?;
    rows.first().map(Record::typed::<R>).transpose().map(|row| row.map(|row| row.details))
}

/// Facts without those that say nothing.
pub(super) fn facts(title: &str, rows: Vec<(&str, Option<String>)>) -> Facts {
    let said = |(label, value): (&str, Option<String>)| {
        let value = value.filter(|value| !value.trim().is_empty())?;
        Some((label.to_owned(), value))
    };
    Facts { title: title.to_owned(), rows: rows.into_iter().filter_map(said).collect() }
}

/// A person or a company, as it stands in an address.
pub(super) fn party(title: &str, contact: Option<&Contact>) -> Facts {
    let Some(contact) = contact else { return facts(title, Vec::new()) };
    let names = [contact.first_name.as_deref(), contact.last_name.as_deref()];
    let person = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let text = |text: Option<&str>| text.map(str::to_owned);
    let rows = vec![
        ("", text(contact.company_name.as_deref())),
        ("", Some(person)),
        ("", text(contact.email.as_deref())),
        ("", text(contact.phone.as_deref().or(contact.mobile.as_deref()))),
    ];
    facts(title, rows)
}

/// What a party is called in a sentence: the company, or the person.
pub(super) fn party_name(contact: &Contact) -> String {
    let names = [contact.first_name.as_deref(), contact.last_name.as_deref()];
    let person = || names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    contact.company_name.as_deref().map_or_else(person, str::to_owned)
}

/// A site, as it stands in an address.
pub(super) fn site(
    address: Option<&Text>,
    city: Option<&Text>,
    state: Option<&Text>,
    zip_code: Option<&Text>,
) -> Vec<String> {
    let region = [state, zip_code].into_iter().flatten().map(|text| &**text).collect::<Vec<_>>().join(" ");
    let place = [city.map(ToString::to_string).unwrap_or_default(), region];
    let place = place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let lines = address.into_iter().flat_map(|address| address.lines()).map(str::to_owned);
    lines.chain([place]).filter(|line| !line.trim().is_empty()).collect()
}

/// A text that people wrote, below a title. Nothing if it says nothing.
pub(super) fn text(title: &str, text: Option<&Text>) -> Option<Block> {
    let paragraphs = html::paragraphs(text?);
    (!paragraphs.is_empty()).then(|| Block::Text { title: title.to_owned(), paragraphs })
}
