//! Where a user is sent back to.

use url::{Host, Url};

use crate::public_address::is_public;

/// A redirect URI that a client may register, kept byte for byte as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

/// Why a redirect URI is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefusal {
    /// It cannot be read.
    #[error("must be an absolute URI of at most 2,048 visible characters")]
    Malformed,
    /// It has a user name or a password.
    #[error("must not hold a user name or a password")]
    Userinfo,
    /// It has a fragment.
    #[error("must not have a fragment")]
    Fragment,
    /// It is plain `http` to another host than this machine.
    #[error("must be https, but for http to 127.0.0.1, [::1] or localhost")]
    Insecure,
    /// Its host is not one of the public internet.
    #[error("must not point to a private address")]
    Private,
    /// Its scheme is run or shown by browsers, and not an app's own.
    #[error("must have the scheme https, http to this machine, or an app's own")]
    Scheme,
}

impl RedirectUri {
    const MOST_BYTES: usize = 2_048;
    /// Schemes that mean something to browsers and systems.
    const NOT_APPS: [&str; 13] = [
        "javascript",
        "data",
        "file",
        "blob",
        "about",
        "vbscript",
        "ws",
        "wss",
        "ftp",
        "mailto",
        "tel",
        "view-source",
        "filesystem",
    ];

    /// Reads one. No name is resolved: nobody connects to it but the user's own browser.
    pub fn parse(text: &str) -> Result<Self, RedirectRefusal> {
        if text.len() > Self::MOST_BYTES || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(RedirectRefusal::Malformed);
        }
        let url = Url::parse(text).map_err(|_| RedirectRefusal::Malformed)?;
        if url.fragment().is_some() {
            return Err(RedirectRefusal::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err(RedirectRefusal::Userinfo);
        }
        match url.scheme() {
            "https" => match url.host() {
                // Browsers pass over further slashes: what the consent page shows as the host would be empty.
                Some(host)
                    if text.starts_with("https://") && is_named(authority(text)) && is_of_the_internet(&host) => {}
                Some(_) => return Err(RedirectRefusal::Private),
                None => return Err(RedirectRefusal::Malformed),
            },
            "http" if loopback(text).is_some() => {}
            "http" => return Err(RedirectRefusal::Insecure),
            scheme if Self::NOT_APPS.contains(&scheme) => return Err(RedirectRefusal::Scheme),
            _ => {}
        }
        Ok(Self(text.to_owned()))
    }

    /// One as it was stored. It was checked then.
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The URI as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a client that registered this one may ask to be answered at `asked`: the same, byte for byte, but for the port
    /// of this machine's own addresses, which an app learns when it starts (RFC 8252, section 7.3).
    pub fn allows(&self, asked: &str) -> bool {
        if self.0 == asked {
            return true;
        }
        match (loopback(&self.0), loopback(asked)) {
            (Some(registered), Some(asked)) => registered == asked,
            _ => false,
        }
    }
}

/// Host and rest, without the port, of an `http` URI of this machine.
fn loopback(text: &str) -> Option<(&str, &str)> {
    let behind = text.strip_prefix("http://")?;
    let (authority, rest) = behind.split_at(behind.find(['/', '?']).unwrap_or(behind.len()));
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| {
        authority.strip_prefix(host).is_some_and(|port| {
            port.is_empty()
                || port.strip_prefix(':').is_some_and(|port| {
                    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
                })
        })
    })?;
    (!rest.contains('#') && rest.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')).then_some((host, rest))
}

/// Whether an authority names its host as it is, so that the consent page and its policy can name it too.
fn is_named(authority: &str) -> bool {
    !authority.is_empty() && !authority.contains([';', ',', '\'', '"', '*'])
}

/// What stands between the slashes and the path.
fn authority(text: &str) -> &str {
    let behind = text.split_once("://").map_or("", |(_, behind)| behind);
    behind.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_of_the_internet(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_public((*address).into()),
        Host::Ipv6(address) => is_public((*address).into()),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
            let inside = ["local", "internal", "localhost"];
            name.rsplit_once('.').is_some_and(|(before, last)| !before.is_empty() && !inside.contains(&last))
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn public_hosts_this_machine_and_an_apps_own_schemes_are_taken() {
        for text in [
            "https://yard.example/cb",
            "https://yard.example:8443/cb?x=1",
            "https://8.8.8.8/cb",
            "https://[2606:4700::1111]/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:51004/cb",
            "http://[::1]:9/",
            "http://localhost:3000",
            "com.example.yard:/cb",
            "com.example.yard://cb",
        ] {
            assert_eq!(RedirectUri::parse(text).expect("good").as_str(), text);
        }
    }

    #[test]
    fn all_others_are_refused() {
        use RedirectRefusal::{Fragment, Insecure, Malformed, Private, Scheme, Userinfo};
        for (text, refusal) in [
            ("", Malformed),
            ("/cb", Malformed),
            ("https://", Malformed),
            ("https://yard.example/a b", Malformed),
            ("https://yard.example\\@evil.example/", Malformed),
            ("https://yard.example/cb#x", Fragment),
            ("https://yard.example/cb#", Fragment),
            ("https://me@yard.example/cb", Userinfo),
            ("https://@yard.example/cb", Userinfo),
            ("http://yard.example/cb", Insecure),
            ("http://127.0.0.1.yard.example/cb", Insecure),
            ("http://127.0.0.2/cb", Insecure),
            ("http://localhost:0/cb", Insecure),
            ("http://localhost:99999/cb", Malformed),
            ("https://localhost/cb", Private),
            ("https://printer.local/cb", Private),
            ("https://metadata.google.internal/", Private),
            ("https://10.0.0.1/cb", Private),
            ("https://0x7f.1/cb", Private),
            ("https://[::1]/cb", Private),
            ("https://169.254.169.254/", Private),
            ("https:yard.example/cb", Private),
            ("https:yard.example/cb?x=://y", Private),
            ("https:///yard.example/cb", Private),
            ("https://yard.example;script-src/cb", Private),
            ("https://*.yard.example/cb", Private),
            ("javascript:alert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("file:///etc/passwd", Scheme),
            ("wss://yard.example/cb", Scheme),
        ] {
            assert_eq!(RedirectUri::parse(text), Err(refusal), "{text}");
        }
    }

    #[test]
    fn only_the_port_of_this_machine_is_free() {
        let registered = |text: &str| RedirectUri::parse(text).expect("good");
        let local = registered("http://127.0.0.1/cb?x=1");
        assert!(local.allows("http://127.0.0.1:51004/cb?x=1"));
        for other in [
            "http://127.0.0.1:51004/cb",
            "http://127.0.0.1:51004/other?x=1",
            "http://localhost:51004/cb?x=1",
            "https://127.0.0.1:51004/cb?x=1",
            "http://127.0.0.1:51004@evil.example/cb?x=1",
            "http://127.0.0.1:0/cb?x=1",
            "http://127.0.0.1:51004/cb?x=1#y",
        ] {
            assert!(!local.allows(other), "{other}");
        }
        let public = registered("https://yard.example/cb");
        assert!(public.allows("https://yard.example/cb"));
        for other in [
            "https://yard.example:443/cb",
            "https://YARD.example/cb",
            "https://yard.example/cb/",
            "https://yard.example/cb?x",
        ] {
            assert!(!public.allows(other), "{other}");
        }
    }
}
