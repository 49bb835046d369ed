//! The rules of site logs, time entries and projects' plans.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

mod office;
mod project_plans;
mod site_logs;
mod time_entries;
