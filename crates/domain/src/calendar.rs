//! The calendar: what has a date, in one list.

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    ids::{AccountId, ProjectId, TenantId},
    scopes::{ScopeId, ScopeSet},
    store::StoreError,
    words,
};

words! {
    /// What an event is of. Of events that begin at the same time, those of an earlier kind come first.
    pub enum EventKind {
        /// A project.
        Project = "project",
        /// A phase of a project.
        Phase = "phase",
        /// A task of a project.
        Task = "task",
        /// A lead, on the day on which it is expected to be won.
        Lead = "lead",
        /// A bid, on the last day on which it is valid.
        Bid = "bid",
        /// Something that a user did or will do.
        Activity = "activity",
    }
}

impl EventKind {
    /// The scope without which nobody sees such events.
    pub const fn scope(self) -> ScopeId {
        match self {
            Self::Project | Self::Phase | Self::Task => ScopeId::ProjectsRead,
            Self::Lead | Self::Activity => ScopeId::LeadsRead,
            Self::Bid => ScopeId::BidsRead,
        }
    }

    /// Whether such an event may be of a project.
    pub const fn has_project(self) -> bool {
        matches!(self, Self::Project | Self::Phase | Self::Task | Self::Bid)
    }

    /// Whether such an event may be a user's.
    pub const fn has_assignee(self) -> bool {
        !matches!(self, Self::Phase)
    }
}

/// Something on the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarEvent {
    /// What it is of.
    pub kind: EventKind,
    /// The id of what it is of: with the kind, one of its own.
    pub id: i64,
    /// What it is called.
    pub title: String,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends: not before it begins.
    pub end: Timestamp,
    /// Whose it is.
    pub assigned_to: Option<AccountId>,
    /// The project that it is of.
    pub project: Option<ProjectId>,
}

/// From when to when, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
}

/// Why there is no such window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// It ends before it begins.
    #[error("`end` is before `start`.")]
    Backwards,
    /// It is too long.
    #[error("From `start` to `end` may be at most {} days. Ask for less at once.", Window::MOST_DAYS)]
    TooLong,
}

impl Window {
    /// How many days it may have.
    pub const MOST_DAYS: i64 = 366;

    /// From `start` to `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, WindowError> {
        let length = end.unix_millis() - start.unix_millis();
        if length < 0 {
            return Err(WindowError::Backwards);
        }
        if length > Self::MOST_DAYS * 86_400_000 {
            return Err(WindowError::TooLong);
        }
        Ok(Self { start, end })
    }

    /// Its first moment.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// Its last moment.
    pub const fn end(self) -> Timestamp {
        self.end
    }
}

/// Which events are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarQuery {
    /// Those that overlap this.
    pub window: Window,
    /// Of these kinds.
    pub kinds: Vec<EventKind>,
    /// Of this user alone.
    pub assigned_to: Option<i64>,
    /// Of this project alone.
    pub project: Option<i64>,
}

impl CalendarQuery {
    /// The most events of an answer.
    pub const MOST: usize = 10_000;

    /// The kinds of which a holder of these scopes sees any: no others are looked for.
    pub fn kinds_for(&self, scopes: ScopeSet) -> Vec<EventKind> {
        let seen = |kind: &&EventKind| {
            scopes.contains(kind.scope())
                && (self.assigned_to.is_none() || kind.has_assignee())
                && (self.project.is_none() || kind.has_project())
        };
        EventKind::ALL.iter().filter(|kind| self.kinds.contains(kind)).filter(seen).copied().collect()
    }
}

/// Where the calendar is read.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CalendarReader: Send + Sync {
    /// The tenant's events of `kinds` that fit the query, at most one more than [`CalendarQuery::MOST`]: by when they begin, then
    /// by their kind, then by their id.
    ///
    /// Left out are what has no date, deleted rows and those of deleted projects, cancelled projects and what is theirs, leads that
    /// are won or lost, and bids that are accepted, rejected or cancelled. A row that lacks one of two dates has the other twice, and
    /// of two in the wrong order the earlier one comes first.
    ///
    /// MUST cost what the events in the window cost, however many others there are.
    async fn events(
        &self,
        tenant: TenantId,
        query: &CalendarQuery,
        kinds: &[EventKind],
    ) -> Result<Vec<CalendarEvent>, StoreError>;
}
