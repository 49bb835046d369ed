//! What secrets are kept with: a key that the operator names, or one in the data folder.

use std::path::Path;

use anyhow::{Context, bail};
use bwp_domain::{
    entropy::Entropy,
    vault::{Vault, VaultKey},
};

use crate::cli::{DatabaseArgs, OutboundArgs};

/// The file in the data folder.
const FILE: &str = "secret.key";

/// The keys that are configured, if there are any.
pub(crate) fn configured(args: &OutboundArgs) -> anyhow::Result<Vec<VaultKey>> {
    let texts = args.secret_key.iter().filter(|text| !text.trim().is_empty());
    let keys = texts.map(|text| VaultKey::parse(text).context("--secret-key: a key has 64 hexadecimal digits"));
    keys.collect()
}

/// The vault of these keys, or of the one in the data folder, which is made there the first time. Where there is no such folder, as
/// beside a database that others run, nothing can be kept.
pub(crate) fn open(keys: Vec<VaultKey>, database: &DatabaseArgs, entropy: &dyn Entropy) -> anyhow::Result<Vault> {
    if !keys.is_empty() {
        return Ok(Vault::new(keys));
    }
    if !database.data_dir.is_dir() {
        tracing::info!("no signing secrets can be kept: for webhooks, give the server a key, BWP_SECRET_KEY");
        return Ok(Vault::new(Vec::new()));
    }
    let path = database.data_dir.join(FILE);
    kept(&path, entropy).map(|key| Vault::new(vec![key]))
}

fn kept(path: &Path, entropy: &dyn Entropy) -> anyhow::Result<VaultKey> {
    let text = bwp_embedded::files::kept_secret(path, || VaultKey::generate(entropy).expose())?;
    let Some(key) = VaultKey::parse(&text) else {
        bail!("{} holds no key: 64 hexadecimal digits are expected. Restore it from a backup", path.display());
    };
    Ok(key)
}
