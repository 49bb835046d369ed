//! What a token is good for (RFC 8707).

use std::{fmt, str::FromStr};

/// The part of the server at which a token may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resource {
    /// All of it: a client that names nothing gets this.
    #[default]
    Server,
    /// The v1 API alone.
    Api,
    /// The tools for agents alone.
    Mcp,
}

/// A text that is no stored resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a resource")]
pub struct UnknownResource;

impl Resource {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Server, Self::Api, Self::Mcp];

    /// The resource as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Api => "api",
            Self::Mcp => "mcp",
        }
    }

    /// The path of its identifier, behind the public URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Server => "",
            Self::Api => "/api/v1",
            Self::Mcp => "/api/mcp",
        }
    }

    /// The resource that a client names by its identifier: the public URL, which has no slash at its end, and the path.
    pub fn named(identifier: &str, public_url: &str) -> Option<Self> {
        let path = identifier.strip_prefix(public_url)?;
        // The URL of a host alone has a slash at its end in some ways of writing it.
        let path = if path == "/" { "" } else { path };
        Self::ALL.into_iter().find(|resource| resource.path() == path)
    }

    /// Whether a token for this one is good at `other`.
    pub fn covers(self, other: Self) -> bool {
        self == Self::Server || self == other
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Resource {
    type Err = UnknownResource;

    fn from_str(text: &str) -> Result<Self, UnknownResource> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == text).ok_or(UnknownResource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_named_by_the_public_url_and_a_path_of_ours() {
        let named = |identifier| Resource::named(identifier, "https://build.example");
        assert_eq!(named("https://build.example"), Some(Resource::Server));
        assert_eq!(named("https://build.example/"), Some(Resource::Server));
        assert_eq!(named("https://build.example/api/v1"), Some(Resource::Api));
        assert_eq!(named("https://build.example/api/mcp"), Some(Resource::Mcp));
        for other in ["", "https://build.example.evil", "https://build.example/api", "http://build.example"] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_for_one_path_is_not_good_at_the_other() {
        assert!(Resource::Server.covers(Resource::Api) && Resource::Server.covers(Resource::Mcp));
        assert!(Resource::Api.covers(Resource::Api) && !Resource::Api.covers(Resource::Mcp));
        assert!(!Resource::Mcp.covers(Resource::Api));
    }

    #[test]
    fn reads_back() {
        for resource in Resource::ALL {
            assert_eq!(resource.as_str().parse(), Ok(resource));
        }
        assert_eq!("all".parse::<Resource>(), Err(UnknownResource));
    }
}
