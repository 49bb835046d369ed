//! A request for a page: who asks, from where, and how they are answered.

use std::{cell::RefCell, net::IpAddr, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::Cookie,
    http::{
        Method, StatusCode,
        header::{self, CONTENT_SECURITY_POLICY, HeaderName, LOCATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY},
    },
    web::Data,
};
use bwp_domain::{
    accounts::Account,
    principal::{Caller, Principal},
    rate_limits::Asked,
    scopes::ScopeSet,
    sessions::{OpenSession, SessionToken, SignedIn},
    users::Permission,
};
use bwp_web::{client_address::ClientAddress, content_security_policy::PAGE_POLICY, request_id::RequestId};
use maud::Markup;

use crate::{
    access::Access,
    browser::{CookieName, FormToken, check_origin, random_text, without_tls},
    form::Form,
    layout,
    routes::page_of,
    sign_in::with_next,
    state::ConsoleState,
    trouble::Trouble,
};

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A request for a page.
pub(crate) struct Visit {
    pub(crate) state: Data<ConsoleState>,
    request_id: RequestId,
    request: HttpRequest,
    found: Option<OpenSession>,
    token: Option<FormToken>,
    /// What the answer has the browser keep or forget.
    cookies: RefCell<Vec<Cookie<'static>>>,
}

impl Visit {
    /// A request of which nothing is known.
    pub(crate) fn of_a_stranger(state: Data<ConsoleState>, request: HttpRequest) -> Self {
        let request_id = RequestId::of(&request);
        Self { state, request_id, request, found: None, token: None, cookies: RefCell::default() }
    }

    /// Finds out who asks. Their address is charged before anything is looked for.
    pub(crate) async fn begin(state: Data<ConsoleState>, request: HttpRequest) -> Result<Self, Trouble> {
        let mut visit = Self::of_a_stranger(state, request);
        visit.state.guards.budgets.charge_address(visit.address(), visit.asked())?;
        let cookies = visit.state.cookies();
        let shown = cookies.read(&visit.request, CookieName::Session);
        visit.found = visit.find(shown.as_deref()).await?;
        if shown.is_some() && visit.found.is_none() {
            visit.set_cookie(cookies.forget(CookieName::Session));
        }
        let ties = if visit.found.is_some() { shown } else { Some(visit.visit_cookie()) };
        visit.token = ties.as_deref().and_then(FormToken::of);
        Ok(visit)
    }

    async fn find(&self, shown: Option<&str>) -> Result<Option<OpenSession>, Trouble> {
        let Some(token) = shown.and_then(|text| SessionToken::parse(text).ok()) else { return Ok(None) };
        let now = self.state.environment.clock.now();
        let found = self.state.sessions.find(&token.hash(), now).await?;
        Ok(found.filter(|found| !found.session.is_over(now)))
    }

    /// What ties the forms of somebody who is not signed in to their browser.
    fn visit_cookie(&self) -> String {
        let cookies = self.state.cookies();
        cookies.read(&self.request, CookieName::Visit).unwrap_or_else(|| {
            let text = random_text(&*self.state.environment.entropy);
            self.set_cookie(cookies.keep(CookieName::Visit, &text, None));
            text
        })
    }

    /// Whether they may see the page.
    pub(crate) fn check(&self, access: Access) -> Result<(), Trouble> {
        match access {
            Access::Anyone => Ok(()),
            Access::SignedIn => self.session().map(|_| ()),
            Access::Member => self.member().map(|_| ()),
            Access::May(permission) => Ok(self.principal()?.require(permission)?),
        }
    }

    /// Whether a form was sent from a page of ours, as far as the browser tells.
    pub(crate) fn check_origin(&self) -> Result<(), Trouble> {
        check_origin(&self.request, &self.state.public_url.origin()).map_err(Trouble::ForeignOrigin)
    }

    /// Whether a form that was sent is one of ours.
    pub(crate) fn check_form(&self, form: &Form) -> Result<(), Trouble> {
        if self.token.as_ref().is_some_and(|token| token.is(form.get(crate::form::TOKEN))) {
            return Ok(());
        }
        // It was sent along with a page; a browser that has none now did not keep it.
        let no_cookie = [CookieName::Visit, CookieName::Session].iter().all(|name| self.cookie(*name).is_none());
        let why = without_tls(&self.request, &self.state.public_url.origin()).filter(|_| no_cookie);
        Err(why.map_or(Trouble::Forged, Trouble::ForeignOrigin))
    }

    /// Charges the account of who is signed in, if anybody is.
    pub(crate) fn charge_account(&self) -> Result<(), Trouble> {
        let account = self.account().map(|account| account.id);
        let charge = |account| self.state.guards.budgets.charge_account(account, self.asked());
        Ok(account.map_or(Ok(()), charge)?)
    }

    /// What is asked for.
    fn asked(&self) -> Asked {
        if self.request.method() == Method::POST { Asked::Form } else { Asked::Page }
    }

    /// The session.
    pub(crate) fn session(&self) -> Result<&OpenSession, Trouble> {
        self.found.as_ref().ok_or(Trouble::SignInFirst)
    }

    /// Who is signed in, if anybody is.
    pub(crate) fn account(&self) -> Option<&Account> {
        self.found.as_ref().map(|found| &found.account)
    }

    /// The user that they act as.
    pub(crate) fn member(&self) -> Result<&Arc<SignedIn>, Trouble> {
        let signed_in = self.session()?.signed_in.as_ref().ok_or(Trouble::ChooseFirst)?;
        signed_in.admit(self.state.environment.clock.now())?;
        Ok(signed_in)
    }

    /// The user that they act as, whether or not they may do anything.
    pub(crate) fn acting(&self) -> Option<&Arc<SignedIn>> {
        self.found.as_ref()?.signed_in.as_ref()
    }

    fn principal(&self) -> Result<Principal, Trouble> {
        Ok(Principal::User(Arc::clone(self.member()?)))
    }

    /// Whether they act as a user who may do this: for what is shown of a page, not for what is done.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.acting().is_some_and(|signed_in| signed_in.user.role.may(permission))
    }

    /// The caller of a change.
    pub(crate) fn caller(&self) -> Result<Caller, Trouble> {
        Ok(Caller { principal: self.principal()?, address: self.address(), needs: ScopeSet::EMPTY })
    }

    /// Where they call from.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        ClientAddress::of(&self.request)
    }

    /// What their browser calls itself.
    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.request.headers().get(header::USER_AGENT)?.to_str().ok()
    }

    pub(crate) fn request_id(&self) -> &str {
        self.request_id.as_str()
    }

    /// The address of a path, for a link.
    pub(crate) fn link(&self, path: &str) -> String {
        self.state.link(path)
    }

    /// The path of this page, without the public URL's own.
    pub(crate) fn path(&self) -> &str {
        self.request.path()
    }

    /// The query of this page.
    pub(crate) fn query_string(&self) -> &str {
        self.request.query_string()
    }

    /// The path of this page with its query.
    pub(crate) fn path_and_query(&self) -> String {
        match self.request.query_string() {
            "" => self.path().to_owned(),
            query => format!("{}?{query}", self.path()),
        }
    }

    /// A part of the path.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// A parameter of the query; empty if it was not sent.
    pub(crate) fn query(&self, name: &str) -> String {
        let mut pairs = form_urlencoded::parse(self.request.query_string().as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// What the browser keeps under this name.
    pub(crate) fn cookie(&self, name: CookieName) -> Option<String> {
        self.state.cookies().read(&self.request, name)
    }

    pub(crate) fn set_cookie(&self, cookie: Cookie<'static>) {
        self.cookies.borrow_mut().push(cookie);
    }

    /// The token for this browser's forms.
    pub(crate) fn form_token(&self) -> &str {
        self.token.as_ref().map_or("", FormToken::as_str)
    }

    /// A page.
    pub(crate) fn page(&self, status: StatusCode, title: &str, main: &Markup) -> HttpResponse {
        // A reader hears the title first.
        let title = if status.is_client_error() { format!("Error: {title}") } else { title.to_owned() };
        self.html(status, layout::page(self, &title, main).into_string())
    }

    /// A page, found and shown.
    pub(crate) fn ok(&self, title: &str, main: &Markup) -> HttpResponse {
        self.page(StatusCode::OK, title, main)
    }

    /// HTML, with what keeps a browser from doing more with it than it should. Its `Cache-Control` is that of every answer:
    /// `no-store`.
    pub(crate) fn html(&self, status: StatusCode, html: String) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        response
            .content_type(header::ContentType::html())
            .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
            .insert_header((CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
            // With the usual `no-referrer` a browser would tell no origin of its own forms. The rest of an address is nobody's
            // business: that of an invitation is a secret.
            .insert_header((REFERRER_POLICY, "strict-origin"));
        if self.state.public_url.is_https() {
            response.insert_header((STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
        }
        self.cookies.borrow_mut().drain(..).for_each(|cookie| {
            response.cookie(cookie);
        });
        response.body(html)
    }

    /// To another page, by GET.
    pub(crate) fn redirect(&self, path: &str) -> HttpResponse {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((LOCATION, self.link(path)));
        self.cookies.borrow_mut().drain(..).for_each(|cookie| {
            response.cookie(cookie);
        });
        response.finish()
    }

    /// To any address, by 302 (RFC 6749, section 1.7), which learns nothing of the one that led there.
    pub(crate) fn found(&self, url: &str) -> HttpResponse {
        let mut response = HttpResponse::Found();
        response.insert_header((LOCATION, url)).insert_header((REFERRER_POLICY, "no-referrer"));
        self.cookies.borrow_mut().drain(..).for_each(|cookie| {
            response.cookie(cookie);
        });
        response.finish()
    }

    /// To the sign-in page, and back here afterwards.
    pub(crate) fn to_sign_in(&self) -> HttpResponse {
        if self.request.method() == Method::GET {
            return self.redirect(&with_next("/sign-in", self.path()));
        }
        // A form that was sent is not sent again: the way leads to where it can be filled in again.
        let page = page_of(&self.request.match_pattern().unwrap_or_default(), self.path());
        let with_query = self.request.uri().path_and_query().map_or(page, |whole| whole.as_str());
        let next = if page == self.path() { with_query } else { page };
        self.redirect(&with_next("/sign-in?done=ended", next))
    }
}

/// A path of ours that somebody was on the way to. What leads elsewhere is none.
pub(crate) fn local_path(next: &str) -> Option<&str> {
    let mut bytes = next.bytes();
    let local = bytes.next() == Some(b'/') && !matches!(next.as_bytes().get(1), Some(b'/' | b'\\'));
    (local && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn only_paths_of_ours_are_gone_to() {
        for path in ["/", "/settings/developer/api-keys", "/a?b=c"] {
            assert_eq!(local_path(path), Some(path));
        }
        for path in ["", "//evil.example", "/\\evil.example", "https://evil.example", "settings", "/a\r\nb", "/a b"] {
            assert_eq!(local_path(path), None, "{path}");
        }
    }
}
