//! Inviting people.

use std::rc::Rc;

use actix_web::http::StatusCode;
use bwp_domain::{
    characters::legible,
    execute::{Executed, execute},
    fields::{Field, FieldErrors},
    idempotency::RenderedResponse,
    ids::InvitationId,
    invitations::{Invitation, InvitationError, InviteUser, Invited, WithdrawInvitation},
    users::Role,
};
use maud::{Markup, html};

use super::{PATH, page};
use crate::{
    change::run,
    form::Form,
    invitations::path_of,
    layout::token,
    routes::{Answer, UNPROCESSABLE},
    trouble::{Trouble, rejected},
    visit::Visit,
    widgets::{TextField, faults, isolated, messages, refusal, time, trouble},
};

/// The invitations that are pending.
pub(super) fn table(visit: &Visit, pending: &[Invitation]) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        table.rows role="table" {
            thead role="rowgroup" { tr role="row" {
                @for column in ["E-mail address", "Role", "Invited", "Good until", "Withdraw"] { th scope="col" role="columnheader" { (column) } }
            } }
            tbody role="rowgroup" {
                @for invitation in pending {
                    tr role="row" {
                        th scope="row" role="rowheader" { (isolated(&invitation.email)) }
                        td role="cell" data-label="Role" { (invitation.role.label()) }
                        td role="cell" data-label="Invited" { (time(invitation.created_at)) }
                        td role="cell" data-label="Good until" {
                            @if invitation.is_good(now) { (time(invitation.expires_at)) } @else { "its time is over" }
                        }
                        td role="cell" {
                            form method="post" action=(visit.link(&format!("{PATH}/withdraw"))) {
                                (token(visit))
                                input type="hidden" name="invitation" value=(invitation.id);
                                button.plain type="submit" aria-label={ "Withdraw the invitation of " (legible(&invitation.email)) } {
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

pub(super) async fn withdraw(visit: Rc<Visit>, form: Form) -> Answer {
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

pub(super) async fn form(visit: Rc<Visit>) -> Answer {
    let page = invite_page(&visit, "", Role::Member.as_str(), &FieldErrors::new());
    Ok(visit.ok("Invite", &page))
}

pub(super) async fn invite(visit: Rc<Visit>, form: Form) -> Answer {
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
        Ok(Executed::Applied { output, .. }) => Ok(visit.ok("Invited", &link_page(&visit, &output))),
        Ok(Executed::Replayed(_)) => Err(Trouble::Internal("replayed without a key".to_owned())),
        Err(error) => match rejected(error)? {
            InvitationError::Invalid(errors) => refuse(&errors),
            InvitationError::Forbidden(forbidden) => Err(forbidden.into()),
            InvitationError::NotFound | InvitationError::NotPending => Err(Trouble::NotFound),
        },
    }
}

/// The link of an invitation, shown once.
fn link_page(visit: &Visit, invited: &Invited) -> Markup {
    let url = visit.state.public_url.join(&path_of(invited.token.expose()));
    html! {
        p.trail { a href=(visit.link(PATH)) { "Team" } }
        h1 { "Hand this link over" }
        p {
            "Whoever has the link becomes " strong { (invited.invitation.role.label()) } " here, as "
            strong { (isolated(&invited.invitation.email)) } ". Send it to them alone. It is good once, until "
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
