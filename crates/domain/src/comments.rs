//! Comments: what people say about a record, in a thread.

mod mentions;

use async_trait::async_trait;

use self::mentions::Mention;
use crate::{
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{AccountId, CommentId, TenantId},
    notifications::{Notice, NotificationType, notify},
    paging::{Limit, PageRequest},
    principal::Principal,
    records::{About, RecordType},
    resource::{
        Condition, FieldType, Filter, Record, Resource, ResourceError, Rules, Saving, Stored, Value,
        ports::{RowReader, record},
    },
    store::{StoreError, UnitOfWork},
    text::{Email, Name, excerpt},
    users::{AnyUser, Role},
};

/// What somebody says about a record.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "comment", read(CommentsRead), write(CommentsWrite), delete(CommentsDelete), asks)]
pub struct Comment {
    /// What kind of record it is about.
    #[field(once)]
    pub entity_type: RecordType,
    /// The id of the record that it is about.
    #[field(once)]
    pub entity_id: i64,
    /// The user who wrote it. `null`: a key that no user made did.
    #[field(ignored, refers = AnyUser)]
    pub user_id: Option<AccountId>,
    /// What they say. `@name@example.com` and `@[Name](user:5)` name users, who are notified.
    #[field(always, most = 10_000, example = "The roof is tight.")]
    pub content: Name,
    /// The comment that it answers, on the same record.
    #[field(once, refers = Comment)]
    pub parent_id: Option<CommentId>,
}

/// The most comments of a thread that are shown: the newest.
pub const MOST: usize = 1_000;

type Allowed = Result<(), Failure<ResourceError>>;

#[async_trait]
impl Rules for Comment {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        let principal = saving.context.principal;
        may_see(principal, self.entity_type)?;
        if let Some(before) = saving.before {
            return before.details.may_change(principal);
        }
        self.user_id = principal.account();
        let mut errors = FieldErrors::new();
        if !self.about().pin(saving.tenant(), saving.uow.rows()).await? {
            errors.push(
                "entityId",
                Fault::new("not_found", format!("There is no {} with this id.", self.entity_type.one())),
            );
        }
        if let Some(parent) = self.parent(saving.tenant(), saving.uow).await?
            && parent.about() != self.about()
        {
            errors.push("parentId", Fault::new("not_found", "There is no comment with this id on this record."));
        }
        Ok(errors.or(())?)
    }

    async fn saved(
        before: Option<&Stored<Self>>,
        after: &Stored<Self>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Allowed {
        let comment = &after.details;
        let mut named = mentioned(&comment.content, context.tenant, uow).await?;
        if let Some(before) = before {
            let known = mentioned(&before.details.content, context.tenant, uow).await?;
            named.retain(|person| !known.contains(person));
        }
        comment.tell(NotificationType::Mention, &named, context, uow).await?;
        if before.is_none() {
            // The one whose comment it answers has written here too, unless theirs is by somebody who is gone.
            let mut writers = uow.notifications().writers(context.tenant, comment.about()).await?;
            writers.retain(|person| !named.contains(person));
            comment.tell(NotificationType::Comment, &writers, context, uow).await?;
        }
        Ok(())
    }

    async fn delete(stored: &Stored<Self>, context: &Context<'_>, _: &mut dyn UnitOfWork) -> Allowed {
        may_see(context.principal, stored.details.entity_type)?;
        stored.details.may_change(context.principal)
    }
}

impl Comment {
    const fn about(&self) -> About {
        About { kind: self.entity_type, id: self.entity_id }
    }

    /// The comment that this one answers, which is pinned by now.
    async fn parent(&self, tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Option<Self>, StoreError> {
        let Some(parent) = self.parent_id else { return Ok(None) };
        let found = uow.rows().lock(tenant, Self::SHAPE, parent.get()).await?;
        found.map(|record| record.typed().map(|parent| parent.details)).transpose()
    }

    /// Whether those who ask may edit and delete it: keys, admins and managers any, others their own.
    fn may_change(&self, principal: &Principal) -> Allowed {
        let any = principal.role().is_none_or(|role| matches!(role, Role::CompanyAdmin | Role::Manager));
        if any || self.user_id.is_some() && self.user_id == principal.account() {
            return Ok(());
        }
        let why = "It is somebody else's comment: its writer, managers and admins change it.";
        Err(ResourceError::Forbidden(why.to_owned()).into())
    }

    async fn tell(
        &self,
        kind: NotificationType,
        people: &[AccountId],
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<(), StoreError> {
        let what = self.entity_type.one();
        let title = match kind {
            NotificationType::Mention => format!("You are named in a comment on a {what}"),
            _ => format!("There is a new comment on a {what}"),
        };
        let message = Some(excerpt(&self.content, 200));
        let notice = Notice { kind, title, message, about: Some(self.about()) };
        notify(context, uow, &notice, people.iter().copied()).await
    }
}

/// Whether the role of those who ask may see the record that a comment is about.
fn may_see(principal: &Principal, kind: RecordType) -> Result<(), ResourceError> {
    if kind.is_shown_to(principal) {
        return Ok(());
    }
    Err(ResourceError::Forbidden(format!("Your role does not see any {}.", kind.one())))
}

/// The users of the tenant that a text names.
async fn mentioned(content: &str, tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Vec<AccountId>, StoreError> {
    let mut people = Vec::new();
    for mention in mentions::read(content) {
        let person = match mention {
            Mention::Id(id) => AccountId::new(id),
            Mention::Address(address) => match Email::parse(address) {
                Ok(email) => uow.users().find_by_email(tenant, &email).await?.map(|user| user.account.id),
                Err(_) => None,
            },
        };
        people.extend(person.filter(|person| !people.contains(person)));
    }
    Ok(people)
}

/// The comments on a record, oldest first: the newest [`MOST`] of them, and whether there are more.
pub async fn thread(
    rows: &dyn RowReader,
    tenant: TenantId,
    principal: &Principal,
    about: About,
) -> Result<(Vec<Record>, bool), Failure<ResourceError>> {
    may_see(principal, about.kind)?;
    if !rows.is_there(tenant, about.kind.rows(), about.id).await? {
        return Err(ResourceError::NotFound("record").into());
    }
    let mut filter = Filter::is(Comment::SHAPE, "entityType", about.kind.to_value().into_owned());
    if let Some((at, _)) = Comment::SHAPE.field("entityId") {
        filter.add(Condition::Is(at, Value::Integer(about.id)));
    }
    let (mut thread, mut page) = (Vec::new(), PageRequest { limit: Limit::LARGEST, after: None });
    loop {
        let found = rows.page(tenant, Comment::SHAPE, &filter, page).await?;
        found.show(|row| record(Comment::SHAPE, row).map(|record| thread.push(record)))?;
        page.after = found.next;
        if page.after.is_none() || thread.len() >= MOST {
            break;
        }
    }
    thread.reverse();
    Ok((thread, page.after.is_some()))
}
