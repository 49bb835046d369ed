//! Site logs: what happened at a site on a day.

use async_trait::async_trait;

use crate::{
    clock::{Day, Timestamp},
    execute::Failure,
    ids::{AccountId, ProjectId},
    jobs::{Column, Imported, InCsv, Reading},
    principal::Principal,
    projects::Project,
    resource::{Coordinate, Resource, ResourceError, Rules, Saving},
    reviews::Review,
    text::Text,
    users::{AnyUser, Permission},
};

/// What happened at a site on a day. A project may have several of one day: of two crews, two shifts, two authors.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "site log", read(SiteLogsRead), write(SiteLogsWrite), delete(SiteLogsDelete))]
pub struct SiteLog {
    /// The project whose site it is.
    #[field(refers = Project, filter, search)]
    pub project_id: ProjectId,
    /// The day, as it is written at the site: a time of day and its offset do not move it.
    #[field(range, example = "2026-05-04")]
    pub log_date: Day,
    /// A title.
    #[field(most = 500, search, example = "Foundation poured")]
    pub title: Option<Text>,
    /// What happened. The weather goes here too.
    #[field(search, example = "Dry and cold. The pump came at 9.")]
    pub notes: Text,
    /// How many people worked there.
    #[field(least = 0, most = 100_000, example = "6")]
    pub personnel_count: Option<i64>,
    /// What was done.
    #[field(search)]
    pub work_performed: Option<Text>,
    /// What was delivered.
    #[field(search)]
    pub materials_received: Option<Text>,
    /// Who visited.
    #[field(search)]
    pub visitors_on_site: Option<Text>,
    /// What went wrong.
    #[field(search)]
    pub issues: Option<Text>,
    /// What it is about, such as `progress`, `issue`, `delay`, `safety`, `delivery`, `inspection` or `general`. Repetitions, in
    /// any case, are dropped.
    #[field(most = 50, each = 100, default = [], filter = "tag")]
    pub tags: Vec<Text>,
    /// Where it was written: degrees of latitude.
    #[field(least = -90, most = 90)]
    pub lat: Option<Coordinate>,
    /// Where it was written: degrees of longitude.
    #[field(least = -180, most = 180)]
    pub lng: Option<Coordinate>,
    /// Whether it was reviewed. It can be changed afterwards; the mark stays.
    #[field(default = false, filter = "reviewed")]
    pub is_reviewed: bool,
    /// The user who reviewed it. Unless it is sent, the caller.
    #[field(minor, refers = AnyUser)]
    pub reviewed_by: Option<AccountId>,
    /// When it was reviewed. Unless it is sent, now.
    #[field(minor)]
    pub reviewed_at: Option<Timestamp>,
    /// The author, for good. A person names nobody but themselves.
    #[field(minor, once, refers = AnyUser)]
    pub created_by: AccountId,
}

#[async_trait]
impl Rules for SiteLog {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<(), Failure<ResourceError>> {
        let before = saving.before.map(|before| &before.details);
        // The author is evidence. A program logs for the crew, and has no author of its own.
        if let (None, Principal::User(signed_in)) = (before, saving.context.principal)
            && self.created_by != signed_in.account().id
        {
            return Err(ResourceError::Forbidden("to write a site log in another user's name".to_owned()).into());
        }
        let review = self.review().settled(before.map(Self::review), Permission::ReviewSiteLogs, saving.context)?;
        (self.is_reviewed, self.reviewed_by, self.reviewed_at) = (review.is_reviewed, review.by, review.at);
        Ok(())
    }
}

#[async_trait]
impl InCsv for SiteLog {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("projectId"),
        Column::named("projectName", "projectId", &[&["name"]]),
        Column::own("logDate"),
        Column::own("title"),
        Column::own("notes"),
        Column::own("workPerformed"),
        Column::own("materialsReceived"),
        Column::own("visitorsOnSite"),
        Column::own("issues"),
        Column::own("tags"),
        Column::own("personnelCount"),
        Column::own("lat"),
        Column::own("lng"),
        Column::own("isReviewed"),
        Column::own("reviewedBy"),
        Column::own("reviewedAt"),
        Column::own("createdBy"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];

    async fn read(row: &mut Imported, reading: &mut Reading<'_>) -> Result<(), Failure<ResourceError>> {
        // The author of an imported log is the one who imports it.
        if let (None, Some(author)) = (reading.before, reading.context.principal.account())
            && !row.has("createdBy")
        {
            row.cells.insert("createdBy", author.to_string());
        }
        Ok(())
    }
}

impl SiteLog {
    const fn review(&self) -> Review {
        Review { is_reviewed: self.is_reviewed, by: self.reviewed_by, at: self.reviewed_at }
    }
}
