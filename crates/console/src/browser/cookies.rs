//! Cookies (RFC 6265bis).

use std::time::Duration;

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time},
};

/// The cookies that the pages set. None of them is readable for scripts, or sent along with another site's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieName {
    /// The token of a session.
    Session,
    /// A random text that ties the forms of somebody who is not signed in to their browser.
    Visit,
    /// The token of a browser that has signed in before.
    Device,
}

/// How cookies are named and set: over TLS they are `Secure` and bound to the host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    pub(crate) secure: bool,
}

impl CookieName {
    const fn bare(self) -> &'static str {
        match self {
            Self::Session => "bwp_session",
            Self::Visit => "bwp_visit",
            Self::Device => "bwp_device",
        }
    }

    /// With the prefix, browsers take it over TLS alone, for this host alone, and for all paths.
    const fn bound(self) -> &'static str {
        match self {
            Self::Session => "__Host-bwp_session",
            Self::Visit => "__Host-bwp_visit",
            Self::Device => "__Host-bwp_device",
        }
    }
}

impl Cookies {
    const fn name(self, name: CookieName) -> &'static str {
        if self.secure { name.bound() } else { name.bare() }
    }

    /// What the browser sent.
    pub(crate) fn read(self, request: &HttpRequest, name: CookieName) -> Option<String> {
        request.cookie(self.name(name)).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
    }

    /// Has the browser keep `value`: for `lifetime`, or until it is closed.
    pub(crate) fn keep(self, name: CookieName, value: &str, lifetime: Option<Duration>) -> Cookie<'static> {
        let cookie = Cookie::build(self.name(name), value.to_owned())
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax);
        match lifetime {
            Some(lifetime) => {
                let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
                cookie.max_age(time::Duration::seconds(seconds)).finish()
            }
            None => cookie.finish(),
        }
    }

    /// Has the browser forget it.
    pub(crate) fn forget(self, name: CookieName) -> Cookie<'static> {
        self.keep(name, "", Some(Duration::ZERO))
    }
}
