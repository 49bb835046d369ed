//! `bwp key`

use std::time::Duration;

use anyhow::anyhow;
use bwp_domain::{
    characters::legible,
    ids::{KeyId, KeyPublicId, TenantId, TenantPublicId},
    keys::{
        Allowlist, ApiKey, CreateKey, CreatedBy, CreatedKey, KeyFilter, KeyMode, KeyName, KeyState, KeyStatus, NewKey,
        Overlap, RevokeKey, RotateKey, RotatedKey,
        ports::{KeyListing, KeyReader},
    },
    paging::{Limit, PageRequest},
};
use bwp_postgres::PgStore;
use serde_json::{Value, json};

use crate::{
    cli::{DatabaseArgs, KeyCommand},
    commands,
    database::{Needs, with_database},
    output::Output,
    system::environment,
};

pub(crate) async fn run(args: &DatabaseArgs, command: KeyCommand, output: Output) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create { tenant, name, scopes, test, allow_ip, expires_in, rate_limit } => {
            let allowlist = Allowlist::parse(&allow_ip).map_err(|wrong| {
                let texts: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                anyhow!("--allow-ip: {}", texts.join("; "))
            })?;
            let now = environment().clock.now();
            let key = NewKey {
                name: KeyName::parse(name).map_err(commands::wrong("--name"))?,
                scopes: scopes.into_iter().collect(),
                allowlist,
                rate_limit,
                expires_at: expires_in.map(|duration| now.plus(*duration)),
            };
            let mode = if test { KeyMode::Test } else { KeyMode::Live };
            create(args, tenant, CreateKey::new(mode, key), output).await
        }
        KeyCommand::List { tenant } => list(args, tenant, output).await,
        KeyCommand::Rotate { key, overlap } => rotate(args, key, *overlap, output).await,
        KeyCommand::Revoke { key } => {
            with_database(args, Needs::Schema, async |database| {
                let store = database.store()?;
                let (tenant, id) = locate(&store, key).await?;
                let key = commands::operate(&store, tenant, RevokeKey::always(id)).await?;
                output.print(&json(&key), || format!("Revoked {}", line(&key)))?;
                Ok(())
            })
            .await
        }
    }
}

async fn locate(store: &PgStore, key: KeyPublicId) -> anyhow::Result<(TenantId, KeyId)> {
    store.locate(key).await?.ok_or_else(|| anyhow!("there is no key {key}"))
}

async fn create(args: &DatabaseArgs, tenant: TenantPublicId, command: CreateKey, output: Output) -> anyhow::Result<()> {
    with_database(args, Needs::Schema, async |database| {
        let store = database.store()?;
        let tenant = commands::tenant(&store, tenant).await?;
        let created = commands::operate(&store, tenant.id, command).await?;
        let mut shown = with_secret(&created);
        shown["tenantId"] = json!(tenant.public_id);
        output.print(&shown, || format!("Made {}", shown_once(&created)))?;
        Ok(())
    })
    .await
}

async fn rotate(args: &DatabaseArgs, key: KeyPublicId, overlap: Duration, output: Output) -> anyhow::Result<()> {
    let overlap = Overlap::new(overlap).map_err(commands::wrong("--overlap"))?;
    with_database(args, Needs::Schema, async |database| {
        let store = database.store()?;
        let (tenant, id) = locate(&store, key).await?;
        let RotatedKey { successor, replaced } = commands::operate(&store, tenant, RotateKey { id, overlap }).await?;
        let mut shown = with_secret(&successor);
        shown["replaced"] = json(&replaced);
        output.print(&shown, || format!("Rotated {}\nMade {}", line(&replaced), shown_once(&successor)))?;
        Ok(())
    })
    .await
}

async fn list(args: &DatabaseArgs, tenant: TenantPublicId, output: Output) -> anyhow::Result<()> {
    with_database(args, Needs::Schema, async |database| {
        let store = database.store()?;
        let tenant = commands::tenant(&store, tenant).await?;
        let keys = all(&store, tenant.id).await?;
        output.print(&keys.iter().map(listed_json).collect(), || {
            keys.iter().map(listed_line).collect::<Vec<_>>().join("\n")
        })?;
        Ok(())
    })
    .await
}

/// The tenant's keys, newest first.
async fn all(store: &PgStore, tenant: TenantId) -> anyhow::Result<Vec<KeyListing>> {
    let mut keys = Vec::new();
    let mut request = PageRequest { limit: Limit::LARGEST, after: None };
    loop {
        let page = KeyReader::page(store, tenant, &KeyFilter::default(), request).await?;
        keys.extend(page.items);
        request.after = page.next;
        if request.after.is_none() {
            return Ok(keys);
        }
    }
}

fn json(key: &ApiKey) -> Value {
    let (expires_at, revoked_at) = match key.state {
        KeyState::Active { expires_at } => (expires_at, None),
        KeyState::Revoked { at } => (None, Some(at)),
    };
    let (by, by_id) = match key.created_by {
        CreatedBy::Operator => ("operator", Value::Null),
        CreatedBy::User(id) => ("user", json!(id)),
        CreatedBy::Key(id) => ("key", json!(id)),
    };
    json!({
        "id": key.id,
        "keyId": key.public_id,
        "name": key.name.as_str(),
        "prefix": key.display_prefix,
        "mode": key.mode().as_str(),
        "scopes": key.scopes,
        "allowlist": key.allowlist.entries(),
        "rateLimit": key.rate_limit.get(),
        "status": key.status(environment().clock.now()).as_str(),
        "createdBy": { "type": by, "id": by_id },
        "createdAt": key.created_at,
        "expiresAt": expires_at,
        "revokedAt": revoked_at,
        "replaces": key.replaces,
        "replacedBy": key.replaced_by,
    })
}

fn with_secret(created: &CreatedKey) -> Value {
    let mut shown = json(&created.key);
    shown["key"] = json!(created.secret.expose());
    shown
}

fn shown_once(created: &CreatedKey) -> String {
    let scopes = if created.key.scopes.is_empty() {
        " It has no scope: it may ask who it is (GET /api/v1/me), and nothing else. Say --scope contacts:read, and so on, for more."
    } else {
        ""
    };
    format!("{}\n\n  {}\n\nIt is shown this once.{scopes}", line(&created.key), created.secret.expose())
}

fn line(key: &ApiKey) -> String {
    let status = key.status(environment().clock.now());
    let state = match (key.state, status) {
        (KeyState::Active { expires_at: None }, _) => "active".to_owned(),
        (KeyState::Active { expires_at: Some(at) }, KeyStatus::Expired) => format!("expired {at}"),
        (KeyState::Active { expires_at: Some(at) }, _) => format!("active until {at}"),
        (KeyState::Revoked { at }, _) => format!("revoked {at}"),
    };
    let successor = key.replaced_by.map(|by| format!("  replaced by {by}")).unwrap_or_default();
    let limit = commands::limit(key.rate_limit, "requests a minute");
    let (name, id, prefix) = (legible(key.name.as_str()), key.public_id, &key.display_prefix);
    format!("{id}  {prefix}…  {name}  {state}{successor}  {limit}  [{}]", key.scopes)
}

fn listed_json(KeyListing { key, last_used_at }: &KeyListing) -> Value {
    let mut shown = json(key);
    shown["lastUsedAt"] = json!(last_used_at);
    shown
}

fn listed_line(KeyListing { key, last_used_at }: &KeyListing) -> String {
    let used = last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"));
    format!("{}  {used}", line(key))
}
