//! Signing in and out, and choosing an organization.

use std::{net::IpAddr, rc::Rc};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    },
};
use bwp_domain::{
    accounts::{TypedPassword, ports::PasswordHasherError},
    audit::Excerpt,
    fields::FieldErrors,
    ids::TenantId,
    paging::Limit,
    sessions::{Membership, SessionError, SessionToken, choose, sign_out},
    sign_in::{DEVICE_LIFETIME, DeviceToken, Origin, SignInAttempt, SignInError, SignedInNow, TooMany, sign_in},
    store::StoreError,
};
use maud::{Markup, html};

use crate::{
    access::Access,
    browser::CookieName,
    form::Form,
    layout::token,
    routes::{Answer, Entry, UNPROCESSABLE},
    trouble::Trouble,
    visit::{Visit, local_path},
    widgets::{Pager, TextField, isolated, refusal, span},
};

pub(crate) fn entries() -> Vec<Entry> {
    vec![
        Entry::get(PATH, Access::Anyone, form),
        Entry::post(PATH, Access::Anyone, enter).open_always(),
        Entry::post("/sign-out", Access::SignedIn, leave).open_always(),
        Entry::get("/choose", Access::SignedIn, choices),
        Entry::post("/choose", Access::SignedIn, choose_one).open_always(),
    ]
}

const PATH: &str = "/sign-in";

/// Where invitations are.
const INVITATION: &str = "/invitations?";

/// A path, with where one is on the way to.
pub(crate) fn with_next(path: &str, next: &str) -> String {
    if next == "/" {
        return path.to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", next);
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{}", query.finish())
}

/// What the form of a second tab leads to that was opened before somebody signed in in the first one: on to where it was going. Nothing of
/// it is looked at: its token is that of the visit before.
pub(crate) fn signed_in_meanwhile(path: &str, visit: &Visit, form: &Form) -> Option<HttpResponse> {
    let is_signed_in = path == PATH && visit.account().is_some();
    is_signed_in.then(|| visit.redirect(local_path(form.get("next")).unwrap_or("/")))
}

async fn form(visit: Rc<Visit>) -> Answer {
    let note = match visit.query("done").as_str() {
        "signed-out" => crate::widgets::good("You are signed out."),
        "ended" => refusal("You were signed out. Nothing was changed."),
        "everywhere" => crate::widgets::good("You are signed out everywhere."),
        _ => html! {},
    };
    Ok(visit.ok("Sign in", &page(&visit, "", &visit.query("next"), &note)))
}

async fn enter(visit: Rc<Visit>, form: Form) -> Answer {
    let state = &visit.state;
    let attempt = SignInAttempt {
        email: form.get("email").to_owned(),
        password: TypedPassword::new(form.get("password").to_owned()),
        origin: origin(&visit),
    };
    let refuse = |status, text: &str| {
        let page = page(&visit, form.get("email"), form.get("next"), &refusal(text));
        Ok(visit.page(status, "Sign in", &page))
    };
    let refused = &state.guards.refused;
    match sign_in(&*state.store, &state.environment, &*state.passwords, refused, attempt).await {
        Ok(signed_in) => {
            // Another session of this browser's would go on without anybody who could end it.
            if let Ok(before) = visit.session() {
                sign_out(&*state.store, before).await?;
            }
            keep(&visit, &signed_in);
            let next = local_path(form.get("next")).unwrap_or("/");
            // Who was invited needs no other organization to go there.
            let is_settled = signed_in.memberships.len() == 1 || next.starts_with(INVITATION);
            if is_settled { Ok(visit.redirect(next)) } else { Ok(visit.redirect(&with_next("/choose", next))) }
        }
        Err(SignInError::Wrong) => {
            note_wrong(&visit);
            refuse(UNPROCESSABLE, "The e-mail address or the password is wrong.")
        }
        Err(SignInError::TooMany(too_many)) => {
            note_locked_out(&visit);
            let answer = refuse(StatusCode::TOO_MANY_REQUESTS, &too_many_text(too_many))?;
            Ok(come_again(answer, too_many))
        }
        Err(SignInError::Hasher(error)) => Err(busy(error)),
        Err(SignInError::Store(error)) => Err(error.into()),
    }
}

/// Says in the log from where somebody showed a wrong password. Whose it was meant to be is not said: people type the one into the field of
/// the other.
pub(crate) fn note_wrong(visit: &Visit) {
    if let Some(left_out) = visit.state.guards.wrong.turn() {
        tracing::info!(client = client(visit), left_out, "a sign-in failed: the address or the password is wrong");
    }
}

/// Says in the log from where somebody had too many failures.
pub(crate) fn note_locked_out(visit: &Visit) {
    if let Some(left_out) = visit.state.guards.locked_out.turn() {
        tracing::warn!(client = client(visit), left_out, "a sign-in was refused: there were too many failures");
    }
}

fn client(visit: &Visit) -> Option<tracing::field::DisplayValue<IpAddr>> {
    visit.address().map(tracing::field::display)
}

/// From where somebody signs in.
pub(crate) fn origin(visit: &Visit) -> Origin {
    Origin {
        address: visit.address(),
        user_agent: visit.user_agent().map(|agent| Excerpt::of(agent.as_bytes(), Origin::MAX_USER_AGENT)),
        device: visit.cookie(CookieName::Device).and_then(|text| DeviceToken::parse(&text).ok()),
    }
}

/// Has the browser keep what it is known by.
pub(crate) fn keep(visit: &Visit, signed_in: &SignedInNow) {
    keep_session(visit, &signed_in.session);
    let cookies = visit.state.cookies();
    visit.set_cookie(cookies.keep(CookieName::Device, signed_in.device.expose(), Some(DEVICE_LIFETIME)));
}

/// Has the browser keep a session's token until it is closed; the server forgets it in its own time.
pub(crate) fn keep_session(visit: &Visit, session: &SessionToken) {
    let cookies = visit.state.cookies();
    visit.set_cookie(cookies.keep(CookieName::Session, session.expose(), None));
    visit.set_cookie(cookies.forget(CookieName::Visit));
}

/// That there were too many attempts, and how long to wait.
pub(crate) fn too_many_text(too_many: TooMany) -> String {
    format!("There were too many attempts. Try again in {}.", span(too_many.retry_after))
}

/// The same, for programs.
pub(crate) fn come_again(mut answer: HttpResponse, too_many: TooMany) -> HttpResponse {
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(too_many.retry_after.as_secs()));
    answer
}

pub(crate) fn busy(error: PasswordHasherError) -> Trouble {
    match error {
        PasswordHasherError::Busy => Trouble::Store(StoreError::Busy(error.to_string())),
        PasswordHasherError::Failed(text) => Trouble::Internal(text),
    }
}

async fn leave(visit: Rc<Visit>, _form: Form) -> Answer {
    sign_out(&*visit.state.store, visit.session()?).await?;
    visit.set_cookie(visit.state.cookies().forget(CookieName::Session));
    Ok(visit.redirect("/sign-in?done=signed-out"))
}

async fn choices(visit: Rc<Visit>) -> Answer {
    let memberships = visit.state.sessions.memberships(visit.session()?.account.id).await?;
    Ok(show_choices(&visit, StatusCode::OK, &memberships, &html! {}))
}

async fn choose_one(visit: Rc<Visit>, form: Form) -> Answer {
    let state = &visit.state;
    let open = visit.session()?;
    let tenant = form.get("tenant").parse().ok().and_then(TenantId::new);
    let chosen = match tenant {
        Some(tenant) => choose(&*state.store, &state.environment, open, visit.address(), tenant).await,
        None => Err(SessionError::NotAMember),
    };
    match chosen {
        Ok(token) => {
            keep_session(&visit, &token);
            Ok(visit.redirect(local_path(form.get("next")).unwrap_or("/")))
        }
        Err(SessionError::NotAMember | SessionError::NotFound) => {
            let memberships = state.sessions.memberships(open.account.id).await?;
            let note = refusal("You are not in that organization (any more). Choose another one.");
            Ok(show_choices(&visit, UNPROCESSABLE, &memberships, &note))
        }
        Err(SessionError::SignedOut) => Err(Trouble::SignInFirst),
        Err(SessionError::Store(error)) => Err(error.into()),
    }
}

fn show_choices(visit: &Visit, status: StatusCode, memberships: &[Membership], note: &Markup) -> HttpResponse {
    let after = visit.query("after").parse().ok().and_then(TenantId::new);
    let first =
        after.and_then(|after| memberships.iter().position(|one| one.tenant.id == after)).map_or(0, |at| at + 1);
    let (shown, rest) = memberships[first..].split_at((memberships.len() - first).min(Limit::LARGEST.get()));
    let last = shown.last().filter(|_| !rest.is_empty());
    let next = visit.query("next");
    let pager = Pager {
        path: &visit.link("/choose"),
        kept: &[("next", &next)],
        is_first: first == 0,
        next: last.map(|last| ("after", last.tenant.id.to_string())),
        word: "More",
    };
    let page = html! {
        h1 { "Choose an organization" }
        (note)
        @if memberships.is_empty() {
            p { "You are in no organization at the moment. Ask an admin of yours to invite you." }
        } @else {
            p { "You act in one at a time, and can switch at the head of each page." }
            form method="post" action=(visit.link("/choose")) {
                (token(visit))
                input type="hidden" name="next" value=(next);
                @for Membership { tenant, user } in shown {
                    p {
                        button.second type="submit" name="tenant" value=(tenant.id) { (isolated(tenant.name.as_str())) }
                        " " span.quiet { (user.role.label()) }
                    }
                }
            }
            (pager.show())
        }
    };
    visit.page(status, "Choose an organization", &page)
}

fn page(visit: &Visit, email: &str, next: &str, note: &Markup) -> Markup {
    let address = TextField {
        name: "email",
        label: "E-mail address",
        kind: "email",
        value: email,
        autocomplete: "username",
        ..TextField::REQUIRED
    };
    let password = TextField {
        name: "password",
        label: "Password",
        kind: "password",
        autocomplete: "current-password",
        ..TextField::REQUIRED
    };
    html! {
        div.card {
            h1 { "Sign in" }
            (note)
            form method="post" action=(visit.link("/sign-in")) {
                (token(visit))
                input type="hidden" name="next" value=(next);
                (address.show(&FieldErrors::new()))
                (password.show(&FieldErrors::new()))
                p.actions { button type="submit" { "Sign in" } }
            }
            p.quiet { "Forgotten? The operator of this server can give you another password." }
        }
    }
}
