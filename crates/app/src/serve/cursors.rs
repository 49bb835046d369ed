//! Which secrets sign cursors.

use anyhow::bail;
use bwp_domain::{
    execute::Environment,
    paging::{CursorKeys, CursorSecret},
    store::StoreError,
};
use bwp_http::Cursors;
use bwp_postgres::PgStore;

/// The secrets that the operator configured.
pub(super) fn configured(texts: &[String]) -> anyhow::Result<Vec<CursorSecret>> {
    let mut secrets = Vec::new();
    // An empty variable sets nothing.
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        match CursorSecret::new(text.as_bytes().to_vec()) {
            Some(secret) => secrets.push(secret),
            // The text itself is secret.
            None => bail!("--cursor-secret: a secret has at least {} bytes", CursorSecret::MIN_BYTES),
        }
    }
    Ok(secrets)
}

/// Cursors signed by the first configured secret, else by the one in the database. All of them are accepted, so that a
/// change breaks no cursor that is still carried around.
pub(super) async fn open(
    store: &PgStore,
    environment: &Environment,
    configured: Vec<CursorSecret>,
) -> anyhow::Result<Cursors> {
    let keys = load(store, environment, &configured).await?;
    let (store, environment) = (store.clone(), environment.clone());
    let again = move || {
        let (store, environment, configured) = (store.clone(), environment.clone(), configured.clone());
        Box::pin(async move { load(&store, &environment, &configured).await }) as _
    };
    Ok(Cursors::new(keys, Box::new(again)))
}

async fn load(
    store: &PgStore,
    environment: &Environment,
    configured: &[CursorSecret],
) -> Result<CursorKeys, StoreError> {
    let stored = store.cursor_secrets(&CursorSecret::generate(&*environment.entropy)).await?;
    let mut secrets = configured.iter().cloned();
    Ok(match secrets.next() {
        None => CursorKeys::new(stored.current, stored.previous.into_iter().collect()),
        Some(signing) => CursorKeys::new(signing, secrets.chain([stored.current]).chain(stored.previous).collect()),
    })
}
