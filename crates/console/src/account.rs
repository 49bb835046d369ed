//! Settings → Account: the password, and where one is signed in.

use std::rc::Rc;

use actix_web::http::StatusCode;
use bwp_domain::{
    accounts::{PasswordChange, PasswordChangeError, TypedPassword, change_password},
    fields::{Fault, FieldErrors},
    ids::SessionId,
    paging::{Limit, PageRequest},
    sessions::{SessionError, end_session, ports::SessionListing, sign_out_everywhere},
    sign_in::DeviceToken,
};
use maud::{Markup, html};

use crate::{
    access::Access,
    browser::CookieName,
    form::Form,
    layout::token,
    routes::{Answer, Entry, UNPROCESSABLE},
    security::{position, written},
    sign_in::{busy, come_again, keep_session, note_locked_out, note_wrong, origin, too_many_text},
    trouble::Trouble,
    visit::Visit,
    widgets::{Pager, TextField, ago, good, isolated, refusal, time, trouble},
};

const PATH: &str = "/settings/account";

pub(crate) fn entries() -> Vec<Entry> {
    vec![
        Entry::get(PATH, Access::SignedIn, show),
        Entry::post("/settings/account/password", Access::SignedIn, set_password),
        Entry::post("/settings/account/sessions/end", Access::SignedIn, end),
        Entry::post("/settings/account/sessions/end-all", Access::SignedIn, end_all),
    ]
}

async fn show(visit: Rc<Visit>) -> Answer {
    let note = match visit.query("done").as_str() {
        "password" => good("Your password is changed, and every other session of yours has ended."),
        "ended" => good("The session has ended."),
        _ => html! {},
    };
    page(&visit, StatusCode::OK, &FieldErrors::new(), &note).await
}

async fn set_password(visit: Rc<Visit>, form: Form) -> Answer {
    if form.get("newPassword") != form.get("again") {
        let fault = Fault::new("invalid_value", "This is not the same as the new password.");
        return page(&visit, UNPROCESSABLE, &FieldErrors::one("again", fault), &html! {}).await;
    }
    let state = &visit.state;
    let change = PasswordChange {
        present: TypedPassword::new(form.get("presentPassword").to_owned()),
        new: TypedPassword::new(form.get("newPassword").to_owned()),
        origin: origin(&visit),
    };
    let open = visit.session()?;
    let refused = &state.guards.refused;
    match change_password(&*state.store, &state.environment, &*state.passwords, refused, open, change).await {
        Ok(session) => {
            keep_session(&visit, &session);
            Ok(visit.redirect(&format!("{PATH}?done=password")))
        }
        Err(PasswordChangeError::Invalid(errors)) => {
            if errors.iter().any(|error| error.field == "presentPassword") {
                note_wrong(&visit);
            }
            page(&visit, UNPROCESSABLE, &errors, &html! {}).await
        }
        Err(PasswordChangeError::TooMany(too_many)) => {
            note_locked_out(&visit);
            let note = refusal(&too_many_text(too_many));
            let page = page(&visit, StatusCode::TOO_MANY_REQUESTS, &FieldErrors::new(), &note).await?;
            Ok(come_again(page, too_many))
        }
        Err(PasswordChangeError::SignedOut) => Err(Trouble::SignInFirst),
        Err(PasswordChangeError::Hasher(error)) => Err(busy(error)),
        Err(PasswordChangeError::Store(error)) => Err(error.into()),
    }
}

async fn end(visit: Rc<Visit>, form: Form) -> Answer {
    let state = &visit.state;
    let id = form.get("session").parse().ok().and_then(SessionId::new).ok_or(Trouble::NotFound)?;
    match end_session(&*state.store, &state.environment, visit.session()?, id).await {
        // One that has ended meanwhile has ended.
        Ok(()) | Err(SessionError::NotFound) => Ok(visit.redirect(&format!("{PATH}?done=ended"))),
        Err(error) => Err(of_session(error)),
    }
}

async fn end_all(visit: Rc<Visit>, _form: Form) -> Answer {
    let state = &visit.state;
    let kept = origin(&visit).device.as_ref().map(DeviceToken::hash);
    sign_out_everywhere(&*state.store, &state.environment, visit.session()?, visit.address(), kept)
        .await
        .map_err(of_session)?;
    visit.set_cookie(state.cookies().forget(CookieName::Session));
    Ok(visit.redirect("/sign-in?done=everywhere"))
}

fn of_session(error: SessionError) -> Trouble {
    match error {
        SessionError::SignedOut => Trouble::SignInFirst,
        SessionError::NotAMember | SessionError::NotFound => Trouble::NotFound,
        SessionError::Store(error) => error.into(),
    }
}

async fn page(visit: &Visit, status: StatusCode, errors: &FieldErrors, note: &Markup) -> Answer {
    let open = visit.session()?;
    let after = position(&visit.query("before"));
    let request = PageRequest { limit: Limit::DEFAULT, after };
    let sessions = visit.state.sessions.list(open.account.id, visit.state.environment.clock.now(), request).await?;
    let password = |name, label, autocomplete, hint| TextField {
        name,
        label,
        kind: "password",
        autocomplete,
        hint,
        ..TextField::REQUIRED
    };
    let main = html! {
        h1 { "Your account" }
        (note)
        dl {
            dt { "Name" } dd { (isolated(&open.account.label())) }
            dt { "E-mail address" } dd { (isolated(&open.account.email)) }
            dt { "Account since" } dd { (time(open.account.created_at)) }
        }
        h2 { "Change password" }
        (trouble(errors))
        form.narrow method="post" action=(visit.link("/settings/account/password")) {
            (token(visit))
            input type="email" name="username" autocomplete="username" value=(open.account.email) readonly hidden;
            (password("presentPassword", "Present password", "current-password", "").show(errors))
            (password("newPassword", "New password", "new-password", "12 characters or more. Longer is better than odder.").show(errors))
            (password("again", "New password, again", "new-password", "").show(errors))
            p.actions { button type="submit" { "Change password" } }
        }
        h2 { "Where you are signed in" }
        (table(visit, open.session.id, &sessions.items))
        (Pager { path: &visit.link(PATH), is_first: after.is_none(), next: sessions.next.map(|next| ("before", written(next))), ..Pager::OLDER }.show())
        form method="post" action=(visit.link("/settings/account/sessions/end-all")) {
            (token(visit))
            p.actions { button.danger type="submit" { "Sign out everywhere" } }
        }
    };
    Ok(visit.page(status, "Your account", &main))
}

fn table(visit: &Visit, own: SessionId, sessions: &[SessionListing]) -> Markup {
    let now = visit.state.environment.clock.now();
    html! {
        table.rows role="table" {
            thead role="rowgroup" { tr role="row" {
                @for column in ["Browser", "From", "Signed in", "Last seen", "End"] { th scope="col" role="columnheader" { (column) } }
            } }
            tbody role="rowgroup" {
                @for SessionListing { session, address, user_agent } in sessions {
                    tr role="row" {
                        td role="cell" data-label="Browser" {
                            @if let Some(agent) = user_agent { (isolated(agent)) } @else { "unknown" }
                            @if session.id == own { " " strong { "(this one)" } }
                        }
                        td role="cell" data-label="From" { @if let Some(address) = address { (address) } @else { "unknown" } }
                        td role="cell" data-label="Signed in" { (time(session.created_at)) }
                        td role="cell" data-label="Last seen" { (ago(session.seen_at, now)) }
                        td role="cell" {
                            @if session.id != own {
                                form method="post" action=(visit.link("/settings/account/sessions/end")) {
                                    (token(visit))
                                    input type="hidden" name="session" value=(session.id);
                                    button.plain type="submit" aria-label={ "End the session of " (session.created_at) } { "End" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
