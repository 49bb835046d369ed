//! Settings → Organization → Users.

use std::rc::Rc;

use actix_web::http::StatusCode;
use bwp_domain::{
    execute::{Command, execute},
    fields::{Field, FieldErrors},
    idempotency::RenderedResponse,
    ids::{InvitationId, UserId},
    invitations::{Invitation, InvitationError, InviteUser, Invited, WithdrawInvitation},
    store::UnitOfWork,
    users::{ChangeRole, DeactivateUser, Permission, ReactivateUser, Role, User, UserError, UserState, ports::TeamMember},
};
use maud::{Markup, html};

use crate::{
    access::Access,
    form::Form,
    layout::token,
    routes::{Answer, Entry, UNPROCESSABLE},
    trouble::{Trouble, rejected},
    visit::Visit,
    widgets::{TextField, ago, faults, good, messages, refusal, time, trouble},
};

const PATH: &str = "/settings/organization/users";
const SEE: Access = Access::May(Permission::SeeUsers);
const MANAGE: Access = Access::May(Permission::ManageUsers);

pub(crate) fn entries() -> Vec<Entry> {
    vec![
        Entry::get(PATH, SEE, show),
        Entry::get("/settings/organization/users/invite", MANAGE, invite_form),
        Entry::post("/settings/organization/users/invite", MANAGE, invite),
        Entry::post("/settings/organization/users/withdraw", MANAGE, withdraw),
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
    let team = visit.state.team.team(member.tenant.id).await?;
    let pending = if manages { visit.state.invitations.pending(member.tenant.id).await? } else { Vec::new() };
    let main = html! {
        (note)
        div.head {
            h1 { "Team" }
            @if manages { a.button href=(visit.link(&format!("{PATH}/invite"))) { "Invite" } }
        }
        (table(visit, member.user.id, &team, manages))
        @if !pending.is_empty() {
            h2 { "Invitations" }
            (invitations(visit, &pending))
        }
        h2 { "Roles" }
        dl { @for role in Role::ALL { dt { (role.label()) } dd { (role.meaning()) } } }
    };
    Ok(visit.page(status, "Team", &main))
}

fn table(visit: &Visit, own: UserId, team: &[TeamMember], manages: bool) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        table.rows {
            thead { tr {
                @for column in ["Name", "E-mail address", "Role", "Status", "Last seen"] { th scope="col" { (column) } }
                @if manages { th scope="col" { "Access" } }
            } }
            tbody {
                @for TeamMember { user, seen_at } in team {
                    tr {
                        th scope="row" { (user.account.label()) @if user.id == own { " (you)" } }
                        td data-label="E-mail address" { (user.account.email) }
                        td data-label="Role" {
                            @if manages && user.is_active() { (role_form(visit, user)) } @else { (user.role.label()) }
                        }
                        td data-label="Status" {
                            @match user.state {
                                UserState::Active => { span.state.good { "Active" } },
                                UserState::Deactivated { at } => { span.state { "No access" } " since " (time(at)) },
                            }
                        }
                        td data-label="Last seen" { @if let Some(at) = seen_at { (ago(*at, now)) } @else { "–" } }
                        @if manages { td { (access(visit, user)) } }
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
            select name="role" aria-label={ "Role of " (user.account.email) } {
                @for role in Role::ALL { option value=(role) selected[role == user.role] { (role.label()) } }
            }
            " " button.plain type="submit" aria-label={ "Save the role of " (user.account.email) } { "Save" }
        }
    }
}

fn access(visit: &Visit, user: &User) -> Markup {
    let path = visit.link(&format!("{PATH}/{}", user.id));
    html! {
        @if user.is_active() {
            a href={ (path) "/deactivate" } aria-label={ "Take the access of " (user.account.email) " away" } { "Take away" }
        } @else {
            form method="post" action={ (path) "/reactivate" } {
                (token(visit))
                button.plain type="submit" aria-label={ "Give access to " (user.account.email) " again" } { "Give again" }
            }
        }
    }
}

fn invitations(visit: &Visit, pending: &[Invitation]) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        table.rows {
            thead { tr {
                @for column in ["E-mail address", "Role", "Invited", "Good until", "Withdraw"] { th scope="col" { (column) } }
            } }
            tbody {
                @for invitation in pending {
                    tr {
                        th scope="row" { (invitation.email) }
                        td data-label="Role" { (invitation.role.label()) }
                        td data-label="Invited" { (time(invitation.created_at)) }
                        td data-label="Good until" {
                            @if invitation.is_good(now) { (time(invitation.expires_at)) } @else { "its time is over" }
                        }
                        td {
                            form method="post" action=(visit.link(&format!("{PATH}/withdraw"))) {
                                (token(visit))
                                input type="hidden" name="invitation" value=(invitation.id);
                                button.plain type="submit" aria-label={ "Withdraw the invitation of " (invitation.email) } {
                                    "Withdraw"
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Runs a change of the team, whose result no page shows.
async fn run<C, O, E>(visit: &Visit, command: C) -> Result<Result<(), E>, Trouble>
where
    C: Command<dyn UnitOfWork, Output = O, Error = E>,
    O: Send,
    E: Send,
{
    let nothing = |_: &O| RenderedResponse::default();
    let state = &visit.state;
    match execute(&*state.store, &state.environment, &visit.caller()?, None, &command, nothing).await {
        Ok(_) => Ok(Ok(())),
        Err(error) => rejected(error).map(Err),
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
    let team = visit.state.team.team(visit.member()?.tenant.id).await?;
    let user = &team.iter().find(|one| one.user.id == id).ok_or(Trouble::NotFound)?.user;
    let main = html! {
        p.trail { a href=(visit.link(PATH)) { "Team" } }
        h1 { "Take access away" }
        p {
            strong { (user.account.label()) } " (" (user.account.email) ") will be signed out here at once, and cannot sign in to \
            this organization until somebody gives the access back. API keys that they made go on working: see "
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

async fn withdraw(visit: Rc<Visit>, form: Form) -> Answer {
    let id = form.get("invitation").parse().ok().and_then(InvitationId::new).ok_or(Trouble::NotFound)?;
    match run(&visit, WithdrawInvitation { id }).await? {
        Ok(()) => Ok(visit.redirect(&format!("{PATH}?done=withdrawn"))),
        Err(InvitationError::NotFound) => Err(Trouble::NotFound),
        Err(InvitationError::Forbidden(forbidden)) => Err(forbidden.into()),
        Err(error @ (InvitationError::NotPending | InvitationError::Invalid(_))) => {
            page(&visit, StatusCode::CONFLICT, &refusal(&format!("Nothing was changed: {error}."))).await
        }
    }
}

async fn invite_form(visit: Rc<Visit>) -> Answer {
    let page = invite_page(&visit, "", Role::Member.as_str(), &FieldErrors::new());
    Ok(visit.ok("Invite", &page))
}

async fn invite(visit: Rc<Visit>, form: Form) -> Answer {
    let refuse = |errors: &FieldErrors| {
        let page = invite_page(&visit, form.get("email"), form.get("role"), errors);
        Ok(visit.page(UNPROCESSABLE, "Invite", &page))
    };
    let text = |name| match form.get(name).trim() {
        "" => Field::Absent,
        text => Field::Value(text.to_owned()),
    };
    let command = match InviteUser::parse(text("email"), text("role")) {
        Ok(command) => command,
        Err(errors) => return refuse(&errors),
    };
    let state = &visit.state;
    let nothing = |_: &Invited| RenderedResponse::default();
    // A form that is sent again makes a link in place of the one before.
    match execute(&*state.store, &state.environment, &visit.caller()?, None, &command, nothing).await {
        Ok(bwp_domain::execute::Executed::Applied { output, .. }) => Ok(visit.ok("Invited", &link_page(&visit, &output))),
        Ok(bwp_domain::execute::Executed::Replayed(_)) => Err(Trouble::Internal("replayed without a key".to_owned())),
        Err(error) => match rejected(error)? {
            InvitationError::Invalid(errors) => refuse(&errors),
            InvitationError::Forbidden(forbidden) => Err(forbidden.into()),
            InvitationError::NotFound | InvitationError::NotPending => Err(Trouble::NotFound),
        },
    }
}

/// The link of an invitation, shown once.
fn link_page(visit: &Visit, invited: &Invited) -> Markup {
    let url = visit.state.public_url.join(&format!("/invitations/{}", invited.token.expose()));
    html! {
        p.trail { a href=(visit.link(PATH)) { "Team" } }
        h1 { "Hand this link over" }
        p {
            "Whoever has the link becomes " strong { (invited.invitation.role.label()) } " here, as "
            strong { (invited.invitation.email) } ". Send it to them alone. It is good once, until "
            (time(invited.invitation.expires_at)) ", and is shown this once."
        }
        div.secret {
            code #link data-secret aria-label="The link" { (url) }
            button type="button" data-copy="link" hidden { "Copy" }
            span #copied role="status" {}
        }
        p.actions { a.button href=(visit.link(PATH)) { "Done" } }
    }
}

fn invite_page(visit: &Visit, email: &str, chosen: &str, errors: &FieldErrors) -> Markup {
    let address = TextField {
        name: "email",
        label: "E-mail address",
        kind: "email",
        value: email,
        hint: "Nothing is sent: you get a link to hand over. An earlier invitation of this address is withdrawn.",
        ..TextField::REQUIRED
    };
    html! {
        p.trail { a href=(visit.link(PATH)) { "Team" } }
        h1 { "Invite" }
        (trouble(errors))
        form method="post" action=(visit.link(&format!("{PATH}/invite"))) {
            (token(visit))
            (address.show(errors))
            fieldset.narrow {
                legend { "Role" }
                (faults("role", &messages(errors, "role")))
                @for role in Role::ALL {
                    @let id = format!("role-{role}");
                    div.choice {
                        input type="radio" id=(id) name="role" value=(role) checked[role.as_str() == chosen] required;
                        label for=(id) { strong { (role.label()) } ". " (role.meaning()) }
                    }
                }
            }
            p.actions {
                button type="submit" { "Make the link" }
                a href=(visit.link(PATH)) { "Cancel" }
            }
        }
    }
}
