//! Settings → Organization → Users.

mod invite;

use std::rc::Rc;

use actix_web::http::StatusCode;
use bwp_domain::{
    characters::legible,
    ids::UserId,
    paging::{Limit, Page, PageRequest},
    users::{
        ChangeRole, DeactivateUser, Permission, ReactivateUser, Role, User, UserError, UserState, ports::TeamMember,
    },
};
use maud::{Markup, html};

use crate::{
    access::Access,
    change::run,
    form::Form,
    layout::token,
    routes::{Answer, Entry},
    security::{position, written},
    trouble::Trouble,
    visit::Visit,
    widgets::{Pager, ago, good, isolated, refusal, time},
};

const PATH: &str = "/settings/organization/users";
const SEE: Access = Access::May(Permission::SeeUsers);
const MANAGE: Access = Access::May(Permission::ManageUsers);

pub(crate) fn entries() -> Vec<Entry> {
    vec![
        Entry::get(PATH, SEE, show),
        Entry::get("/settings/organization/users/invite", MANAGE, invite::form),
        Entry::post("/settings/organization/users/invite", MANAGE, invite::invite),
        Entry::post("/settings/organization/users/withdraw", MANAGE, invite::withdraw),
        Entry::post("/settings/organization/users/{user}/role", MANAGE, change_role),
        Entry::get("/settings/organization/users/{user}/deactivate", MANAGE, deactivate_form),
        Entry::post("/settings/organization/users/{user}/deactivate", MANAGE, deactivate),
        Entry::post("/settings/organization/users/{user}/reactivate", MANAGE, reactivate),
    ]
}

async fn show(visit: Rc<Visit>) -> Answer {
    let note = match visit.query("done").as_str() {
        "role" => good("The role is changed, from their next request on."),
        "deactivated" => good("Their access is taken away, from their next request on."),
        "reactivated" => good("They have access again."),
        "withdrawn" => good("The invitation is withdrawn: its link is good for nothing any more."),
        _ => html! {},
    };
    page(&visit, StatusCode::OK, &note).await
}

async fn page(visit: &Visit, status: StatusCode, note: &Markup) -> Answer {
    let member = visit.member()?;
    let manages = visit.may(Permission::ManageUsers);
    let after = visit.query("after").parse().ok().and_then(UserId::new);
    let team = visit.state.team.team(member.tenant.id, after, Limit::DEFAULT).await?;
    let invited = position(&visit.query("invited-before"));
    let invited_page = PageRequest { limit: Limit::DEFAULT, after: invited };
    let pending = if manages {
        visit.state.invitations.pending(member.tenant.id, invited_page).await?
    } else {
        Page { items: Vec::new(), next: None }
    };
    let path = visit.link(PATH);
    let main = html! {
        (note)
        div.head {
            h1 { "Team" }
            @if manages { a.button href=(visit.link(&format!("{PATH}/invite"))) { "Invite" } }
        }
        (table(visit, member.user.id, &team.members, manages))
        (Pager { path: &path, is_first: after.is_none(), next: team.next.map(|next| ("after", next.to_string())), word: "More", ..Pager::OLDER }.show())
        @if !pending.items.is_empty() {
            h2 { "Invitations" }
            (invite::table(visit, &pending.items))
            (Pager { path: &path, is_first: invited.is_none(), next: pending.next.map(|next| ("invited-before", written(next))), ..Pager::OLDER }.show())
        }
        h2 { "Roles" }
        dl { @for role in Role::ALL { dt { (role.label()) } dd { (role.meaning()) } } }
    };
    Ok(visit.page(status, "Team", &main))
}

fn table(visit: &Visit, own: UserId, team: &[TeamMember], manages: bool) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        table.rows role="table" {
            thead role="rowgroup" { tr role="row" {
                @for column in ["Name", "E-mail address", "Role", "Status", "Last seen"] { th scope="col" role="columnheader" { (column) } }
                @if manages { th scope="col" role="columnheader" { "Access" } }
            } }
            tbody role="rowgroup" {
                @for TeamMember { user, seen_at } in team {
                    tr role="row" {
                        th scope="row" role="rowheader" { (isolated(&user.account.label())) @if user.id == own { " (you)" } }
                        td role="cell" data-label="E-mail address" { (isolated(&user.account.email)) }
                        td role="cell" data-label="Role" {
                            @if manages && user.is_active() { (role_form(visit, user)) } @else { (user.role.label()) }
                        }
                        td role="cell" data-label="Status" {
                            @match user.state {
                                UserState::Active => { span.state.good { "Active" } },
                                UserState::Deactivated { at } => { span.state { "No access" } " since " (time(at)) },
                            }
                        }
                        td role="cell" data-label="Last seen" { @if let Some(at) = seen_at { (ago(*at, now)) } @else { "–" } }
                        @if manages { td role="cell" { (access(visit, user)) } }
                    }
                }
            }
        }
    }
}

fn role_form(visit: &Visit, user: &User) -> Markup {
    html! {
        form method="post" action=(visit.link(&format!("{PATH}/{}/role", user.id))) {
            (token(visit))
            select name="role" aria-label={ "Role of " (legible(&user.account.email)) } {
                @for role in Role::ALL { option value=(role) selected[role == user.role] { (role.label()) } }
            }
            " " button.plain type="submit" aria-label={ "Save the role of " (legible(&user.account.email)) } { "Save" }
        }
    }
}

fn access(visit: &Visit, user: &User) -> Markup {
    let path = visit.link(&format!("{PATH}/{}", user.id));
    html! {
        @if user.is_active() {
            a href={ (path) "/deactivate" } aria-label={ "Take away the access of " (legible(&user.account.email)) } { "Take away" }
        } @else {
            form method="post" action={ (path) "/reactivate" } {
                (token(visit))
                button.plain type="submit" aria-label={ "Give again the access of " (legible(&user.account.email)) } { "Give again" }
            }
        }
    }
}

fn named(visit: &Visit) -> Result<UserId, Trouble> {
    visit.part("user").parse().ok().and_then(UserId::new).ok_or(Trouble::NotFound)
}

/// To the team, where `word` says what was done; or the team, with why nothing was.
async fn after(visit: &Visit, done: Result<(), UserError>, word: &str) -> Answer {
    match done {
        // Who took their own role or access away may not see the team any more.
        Ok(()) => Ok(visit.redirect(&format!("{PATH}?done={word}"))),
        Err(UserError::NotFound) => Err(Trouble::NotFound),
        Err(UserError::Forbidden(forbidden)) => Err(forbidden.into()),
        Err(error) => page(visit, StatusCode::CONFLICT, &refusal(&format!("Nothing was changed: {error}."))).await,
    }
}

async fn change_role(visit: Rc<Visit>, form: Form) -> Answer {
    let Ok(role) = form.get("role").parse() else { return Err(Trouble::NotAForm) };
    let done = run(&visit, ChangeRole { user: named(&visit)?, role }).await?;
    after(&visit, done, "role").await
}

async fn deactivate_form(visit: Rc<Visit>) -> Answer {
    let id = named(&visit)?;
    let found = visit.state.team.members(visit.member()?.tenant.id, &[id]).await?;
    let user = found.first().ok_or(Trouble::NotFound)?;
    let main = html! {
        p.trail { a href=(visit.link(PATH)) { "Team" } }
        h1 { "Take access away" }
        p {
            strong { (isolated(&user.account.label())) } " (" (isolated(&user.account.email)) ") will be signed out here at once, and cannot sign in to \
            this organization until somebody gives the access back. Invitations that they made are withdrawn. API keys that they made go on working: see "
            a href=(visit.link("/settings/developer/api-keys")) { "API keys" } "."
        }
        form method="post" action=(visit.link(&format!("{PATH}/{id}/deactivate"))) {
            (token(&visit))
            p.actions {
                button.danger type="submit" { "Take access away" }
                a href=(visit.link(PATH)) { "Cancel" }
            }
        }
    };
    Ok(visit.ok("Take access away", &main))
}

async fn deactivate(visit: Rc<Visit>, _form: Form) -> Answer {
    let done = run(&visit, DeactivateUser { user: named(&visit)? }).await?;
    after(&visit, done, "deactivated").await
}

async fn reactivate(visit: Rc<Visit>, _form: Form) -> Answer {
    let done = run(&visit, ReactivateUser { user: named(&visit)? }).await?;
    after(&visit, done, "reactivated").await
}
