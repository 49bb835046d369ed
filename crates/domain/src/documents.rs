//! Documents: files on records.

use async_trait::async_trait;

use crate::{
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    files::{
        FileName, MediaType,
        ports::{Kept, StoredBytes},
    },
    ids::AccountId,
    jobs::{Column, InCsv},
    principal::Principal,
    records::{About, RecordType},
    resource::{Draft, FieldType, Hidden, Record, Resource, ResourceError, Rules, Value, family, insert},
    scopes::ScopeSet,
    store::UnitOfWork,
    text::Text,
    users::AnyUser,
};

/// A file on a record: what is known of it. Its bytes are downloaded.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "document", read(DocumentsRead), write(DocumentsWrite), delete(DocumentsDelete))]
pub struct Document {
    /// What kind of record it is on.
    #[field(ignored, filter, example = "project")]
    pub entity_type: RecordType,
    /// The id of the record that it is on.
    #[field(ignored, filter, example = "42")]
    pub entity_id: i64,
    /// What the file was called.
    #[field(ignored, search, most = 500, example = "Plan, ground floor.pdf")]
    pub original_filename: Text,
    /// Where the bytes are. It says nothing, and leads nowhere.
    #[field(ignored, example = "documents/0f9d2c7a51e84b6f9a3c5d7e1b2a4c60")]
    pub storage_path: Text,
    /// What the file holds, by its bytes.
    #[field(ignored, example = "application/pdf")]
    pub mime_type: Text,
    /// How many bytes it has.
    #[field(ignored, example = "48213")]
    pub file_size: i64,
    /// What it is, such as `contract`, `permit`, `drawing` or `photo`.
    #[field(most = 64, filter, example = "drawing")]
    pub category: Option<Text>,
    /// What it shows.
    #[field(most = 2_000, search)]
    pub description: Option<Text>,
    /// The user who uploaded it.
    #[field(minor, ignored, refers = AnyUser)]
    pub uploaded_by: Option<AccountId>,
}

#[async_trait]
impl Rules for Document {
    /// A document is seen by those who see what it is on.
    fn hidden_from(principal: &Principal) -> Vec<Hidden> {
        let Some((at, _)) = Self::SHAPE.field("entityType") else { return Vec::new() };
        let hidden = RecordType::ALL.iter().filter(|kind| !kind.is_shown_to(principal));
        hidden.map(|kind| (at, kind.to_value().into_owned())).collect()
    }
}

#[async_trait]
impl InCsv for Document {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("entityType"),
        Column::own("entityId"),
        Column::own("originalFilename"),
        Column::own("mimeType"),
        Column::own("fileSize"),
        Column::own("category"),
        Column::own("description"),
        Column::own("uploadedBy"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
}

impl Document {
    /// The most characters of a file's name.
    pub const MOST_NAME: usize = 500;

    /// What a file is called, of what a client says: without folders, which are those of another machine.
    pub fn file_name(sent: &str) -> Result<Text, Fault> {
        let name = sent.rsplit(['/', '\\']).next().unwrap_or_default().trim();
        if name.is_empty() {
            return Err(Fault::new("required", "The file has no name. Send it with a `filename`."));
        }
        match name.chars().count() {
            count if count > Self::MOST_NAME => {
                let message =
                    format!("The name of the file has {count} characters; it may have at most {}.", Self::MOST_NAME);
                Err(Fault::new("too_long", message))
            }
            _ => Text::parse(name.to_owned()),
        }
    }
}

/// Makes a document of bytes that lie in the store.
#[derive(Clone, Debug)]
pub struct Upload {
    /// What it is on.
    pub about: About,
    /// What the file is called.
    pub name: Text,
    /// What it holds.
    pub media_type: MediaType,
    /// Its bytes.
    pub bytes: StoredBytes,
    /// Its category and its description, as a request sent them.
    pub draft: Draft,
    /// How many bytes the tenant may keep. `None`: any number.
    pub quota: Option<u64>,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Upload {
    /// The document.
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(Document::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>, Failure<ResourceError>> {
        let About { kind, id } = self.about;
        if !kind.is_shown_to(context.principal) {
            return Err(ResourceError::Forbidden(format!("Your role does not see any {}.", kind.one())).into());
        }
        if !self.about.pin(context.tenant, uow.rows()).await? {
            let fault = Fault::new("not_found", format!("There is no {} with this id.", kind.one()));
            return Err(FieldErrors::one("entityId", fault).into());
        }
        let Kept { name, total } = uow.files().keep(context.tenant, &self.bytes, context.now).await?;
        if let Some(quota) = self.quota.filter(|quota| total > *quota) {
            return Err(over_quota(quota).into());
        }
        let person = context.principal.account().map_or(Value::Null, |account| account.to_value().into_owned());
        let text = |text: &str| Value::Text(text.to_owned().into());
        let size = i64::try_from(self.bytes.size).unwrap_or(i64::MAX);
        let mut draft = self.draft.clone();
        for (field, value) in [
            ("entityType", text(kind.as_str())),
            ("entityId", Value::Integer(id)),
            ("originalFilename", text(&self.name)),
            ("storagePath", text(name.as_str())),
            ("mimeType", text(self.media_type.as_str())),
            ("fileSize", Value::Integer(size)),
            ("uploadedBy", person),
        ] {
            draft.put(Document::SHAPE, field, value);
        }
        let (record, events) = insert(family::<Document>(), &draft, context, uow).await?;
        Ok(Applied::telling(record, events))
    }
}

/// The tenant would keep more bytes than it may.
pub fn over_quota(quota: u64) -> ResourceError {
    ResourceError::Conflict(format!(
        "The files of your organization may have {quota} bytes in all, and with this one they would have more. Ask the operator \
         of the server for more."
    ))
}

/// The file that a document's record names.
pub fn file_of(document: &Document) -> Option<FileName> {
    document.storage_path.parse().ok()
}
