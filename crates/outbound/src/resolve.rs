//! From names to addresses.

use std::net::IpAddr;

use async_trait::async_trait;

/// What knows the addresses of names.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of a host. Empty if it has none or is not known.
    async fn addresses(&self, host: &str) -> Vec<IpAddr>;
}

/// The system's way: its files and its name servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn addresses(&self, host: &str) -> Vec<IpAddr> {
        match tokio::net::lookup_host((host, 0)).await {
            Ok(found) => found.map(|address| address.ip()).collect(),
            Err(error) => {
                tracing::debug!(%error, "a name was not found");
                Vec::new()
            }
        }
    }
}
