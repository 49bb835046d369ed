//! `Content-Security-Policy` (CSP Level 3) for the HTML pages. API answers are no pages and need none.

use actix_web::http::header::{HeaderValue, InvalidHeaderValue};

/// The policy of a page with styles, scripts, images and fonts of its own, in files: nothing from elsewhere, nothing inline, no
/// frames around it, and forms that submit to this server alone.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                               connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// A source that would change the meaning of a policy, or is none.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not one source of a content security policy")]
pub struct InvalidSource(pub String);

/// [`PAGE_POLICY`], with further targets for the page's forms.
///
/// Browsers hold the *redirect* after a submitted form to `form-action` as well, so a consent page must name the origin of the
/// client that it sends the browser on to (`https://client.example`, or `com.example.app:` for an app's own scheme).
///
/// # Errors
/// A target that is empty or contains anything but visible ASCII characters without `;`, `,`, `'` and `"`.
pub fn page_policy(form_targets: &[&str]) -> Result<HeaderValue, InvalidSource> {
    let mut policy = PAGE_POLICY.to_owned();
    for &target in form_targets {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'\'' | b'"' | b'*');
        if target.is_empty() || !target.bytes().all(plain) {
            return Err(InvalidSource(target.to_owned()));
        }
        policy.push(' ');
        policy.push_str(target);
    }
    HeaderValue::from_str(&policy).map_err(|_: InvalidHeaderValue| InvalidSource(policy))
}

#[cfg(test)]
mod tests {
    use super::{PAGE_POLICY, page_policy};

    #[test]
    fn targets_of_forms_are_added() {
        assert_eq!(page_policy(&[]).unwrap(), PAGE_POLICY);
        let policy = page_policy(&["https://client.example", "com.example.app:"]).unwrap();
        assert_eq!(policy.to_str().unwrap(), format!("{PAGE_POLICY} https://client.example com.example.app:"));
    }

    #[test]
    fn no_target_changes_the_policy_otherwise() {
        for target in [
            "",
            "https://a; script-src *",
            "https://a https://b",
            "https://a,b",
            "'unsafe-inline'",
            "*",
            "https://ä",
            "a\n",
        ] {
            assert!(page_policy(&[target]).is_err(), "{target}");
        }
    }
}
