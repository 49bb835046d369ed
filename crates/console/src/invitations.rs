//! Accepting an invitation, by its link.

use std::rc::Rc;

use actix_web::http::StatusCode;
use bwp_domain::{
    accounts::TypedPassword,
    fields::{Fault, Field, FieldErrors},
    invitations::{
        AcceptError, InvitationToken, NewcomerDraft, accept_as_newcomer, accept_signed_in, look_at,
        ports::SeenInvitation,
    },
};
use maud::{Markup, html};

use crate::{
    access::Access,
    form::Form,
    layout::token,
    routes::{Answer, Entry, UNPROCESSABLE},
    sign_in::{busy, keep, keep_session, origin},
    trouble::Trouble,
    visit::Visit,
    widgets::{TextField, isolated, refusal, time, trouble},
};

const PATH: &str = "/invitations";

/// The parameter that carries the token. Paths are logged; parameters are not.
const TOKEN: &str = "token";

/// The address of an invitation, without the server's own.
pub(crate) fn path_of(token: &str) -> String {
    format!("{PATH}?{TOKEN}={token}")
}

pub(crate) fn entries() -> Vec<Entry> {
    vec![Entry::get(PATH, Access::Anyone, show), Entry::post(PATH, Access::Anyone, accept)]
}

fn shown(visit: &Visit) -> Option<InvitationToken> {
    InvitationToken::parse(&visit.query(TOKEN)).ok()
}

async fn show(visit: Rc<Visit>) -> Answer {
    page(&visit, StatusCode::OK, &FieldErrors::new(), &html! {}, None).await
}

async fn accept(visit: Rc<Visit>, form: Form) -> Answer {
    let Some(link) = shown(&visit) else {
        return page(&visit, StatusCode::OK, &FieldErrors::new(), &html! {}, None).await;
    };
    let state = &visit.state;
    let accepted = if let Ok(open) = visit.session() {
        let token = accept_signed_in(&*state.store, &state.environment, open, &link, visit.address()).await;
        token.map(|token| keep_session(&visit, &token))
    } else {
        if form.get("password") != form.get("again") {
            let fault = Fault::new("invalid_value", "This is not the same as the password.");
            return page(&visit, UNPROCESSABLE, &FieldErrors::one("again", fault), &html! {}, Some(&form)).await;
        }
        let text = |name| match form.get(name).trim() {
            "" => Field::Absent,
            text => Field::Value(text.to_owned()),
        };
        let draft = NewcomerDraft {
            first_name: text("firstName"),
            last_name: text("lastName"),
            password: TypedPassword::new(form.get("password").to_owned()),
        };
        let (passwords, origin) = (&*state.passwords, origin(&visit));
        let reader = &*state.invitations;
        accept_as_newcomer(&*state.store, reader, &state.environment, passwords, &link, draft, &origin)
            .await
            .map(|signed_in| keep(&visit, &signed_in))
    };
    let error = match accepted {
        Ok(()) => return Ok(visit.redirect("/")),
        Err(error) => error,
    };
    match error {
        AcceptError::Invalid(errors) => page(&visit, UNPROCESSABLE, &errors, &html! {}, Some(&form)).await,
        AcceptError::Hasher(error) => Err(busy(error)),
        AcceptError::Store(error) => Err(error.into()),
        AcceptError::SignedOut => Err(Trouble::SignInFirst),
        error @ (AcceptError::NotGood
        | AcceptError::HasAccount
        | AcceptError::AnotherAddress
        | AcceptError::AlreadyAUser(_)) => {
            let note = refusal(&format!("You have not joined: {error}."));
            page(&visit, StatusCode::CONFLICT, &FieldErrors::new(), &note, Some(&form)).await
        }
    }
}

async fn page(visit: &Visit, status: StatusCode, errors: &FieldErrors, note: &Markup, filled: Option<&Form>) -> Answer {
    let state = &visit.state;
    let seen = match shown(visit) {
        Some(link) => look_at(&*state.invitations, &state.environment, &link).await?,
        None => None,
    };
    let Some(seen) = seen else {
        let main = html! {
            h1 { "This invitation is not good (any more)" }
            (note)
            p { "It was accepted, withdrawn, or replaced by another one, or its time is over. Ask for a new link." }
            p { a href=(visit.link("/")) { "To the home page" } }
        };
        let status = if status == StatusCode::OK { StatusCode::NOT_FOUND } else { status };
        return Ok(visit.page(status, "Invitation", &main));
    };
    let main = html! {
        h1 { "Join " (isolated(seen.tenant.name.as_str())) }
        (note)
        p {
            "You are invited as " strong { (seen.invitation.role.label()) } ", with the address "
            strong { (isolated(&seen.invitation.email)) } ". The invitation is good until " (time(seen.invitation.expires_at)) "."
        }
        (how(visit, &seen, errors, filled))
    };
    Ok(visit.page(status, "Invitation", &main))
}

/// What to do to accept.
fn how(visit: &Visit, seen: &SeenInvitation, errors: &FieldErrors, filled: Option<&Form>) -> Markup {
    match visit.account() {
        Some(account) if seen.invitation.is_for(&account.email) => html! {
            form method="post" action=(visit.link(&path_of(&visit.query(TOKEN)))) {
                (token(visit))
                p.actions { button type="submit" { "Join" } }
            }
        },
        Some(account) => html! {
            p { "You are signed in as " strong { (isolated(&account.email)) } ". Sign out, and open the link again." }
        },
        // One page, whether or not somebody has an account: who invites does not learn it from the link.
        None => html! {
            @let next = form_urlencoded::byte_serialize(path_of(&visit.query(TOKEN)).as_bytes()).collect::<String>();
            p {
                "If you have an account with this address, "
                a href={ (visit.link("/sign-in")) "?next=" (next) } { "sign in" } ", and you come back here. Else choose a password."
            }
            (newcomer(visit, seen, errors, filled))
        },
    }
}

fn newcomer(visit: &Visit, seen: &SeenInvitation, errors: &FieldErrors, filled: Option<&Form>) -> Markup {
    let value = |name| filled.map_or("", |form| form.get(name));
    let name = |name: &'static str, label, autocomplete| TextField {
        name,
        label,
        value: value(name),
        autocomplete,
        required: false,
        ..TextField::REQUIRED
    };
    let password = |name, label, hint| TextField {
        name,
        label,
        hint,
        kind: "password",
        autocomplete: "new-password",
        ..TextField::REQUIRED
    };
    html! {
        (trouble(errors))
        form.narrow method="post" action=(visit.link(&path_of(&visit.query(TOKEN)))) {
            (token(visit))
            input type="email" name="username" autocomplete="username" value=(seen.invitation.email) readonly hidden;
            (name("firstName", "First name", "given-name").show(errors))
            (name("lastName", "Last name", "family-name").show(errors))
            (password("password", "Password", "12 characters or more. Longer is better than odder.").show(errors))
            (password("again", "Password, again", "").show(errors))
            p.actions { button type="submit" { "Join" } }
        }
    }
}
