//! `bwp key`

use anyhow::anyhow;
use bwp_domain::{
    ids::TenantPublicId,
    keys::{
        Allowlist, ApiKey, CreateKey, CreatedBy, KeyMode, KeyName, KeyState, NewKey, RevokeKey,
        ports::{KeyListing, KeyReader},
    },
};
use serde_json::{Value, json};

use crate::{
    cli::{DatabaseArgs, KeyCommand},
    commands,
    database::with_database,
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
            create(args, tenant, CreateKey { mode, key, created_by: CreatedBy::Operator }, output).await
        }
        KeyCommand::List { tenant } => list(args, tenant, output).await,
        KeyCommand::Revoke { key } => {
            with_database(args, async |database| {
                let store = database.store()?;
                let (tenant, id) = store.locate(key).await?.ok_or_else(|| anyhow!("there is no key {key}"))?;
                let key = commands::operate(&store, tenant, RevokeKey { id }).await?;
                output.print(&json(&key), || format!("Revoked {}", line(&key)))?;
                Ok(())
            })
            .await
        }
    }
}

async fn create(args: &DatabaseArgs, tenant: TenantPublicId, command: CreateKey, output: Output) -> anyhow::Result<()> {
    with_database(args, async |database| {
        let store = database.store()?;
        let tenant = commands::tenant(&store, tenant).await?;
        let created = commands::operate(&store, tenant.id, command).await?;
        let mut shown = json(&created.key);
        shown["key"] = json!(created.secret.expose());
        shown["tenantId"] = json!(tenant.public_id);
        output.print(&shown, || {
            format!("Made {}\n\n  {}\n\nIt is shown this once.", line(&created.key), created.secret.expose())
        })?;
        Ok(())
    })
    .await
}

async fn list(args: &DatabaseArgs, tenant: TenantPublicId, output: Output) -> anyhow::Result<()> {
    with_database(args, async |database| {
        let store = database.store()?;
        let tenant = commands::tenant(&store, tenant).await?;
        let keys = KeyReader::list(&store, tenant.id).await?;
        output.print(&keys.iter().map(listed_json).collect(), || {
            keys.iter().map(listed_line).collect::<Vec<_>>().join("\n")
        })?;
        Ok(())
    })
    .await
}

fn json(key: &ApiKey) -> Value {
    let (status, expires_at, revoked_at) = match key.state {
        KeyState::Active { expires_at } => ("active", expires_at, None),
        KeyState::Revoked { at } => ("revoked", None, Some(at)),
    };
    let created_by = match key.created_by {
        CreatedBy::Operator => Value::Null,
        CreatedBy::User(id) => json!(id),
    };
    json!({
        "keyId": key.public_id,
        "name": key.name.as_str(),
        "prefix": key.display_prefix,
        "scopes": key.scopes,
        "allowlist": key.allowlist.networks().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "rateLimit": key.rate_limit.get(),
        "status": status,
        "createdBy": created_by,
        "createdAt": key.created_at,
        "expiresAt": expires_at,
        "revokedAt": revoked_at,
    })
}

fn line(key: &ApiKey) -> String {
    let state = match key.state {
        KeyState::Active { expires_at: None } => "active".to_owned(),
        KeyState::Active { expires_at: Some(at) } => format!("active until {at}"),
        KeyState::Revoked { at } => format!("revoked {at}"),
    };
    let limit = commands::limit(key.rate_limit, "requests a minute");
    format!("{}  {}…  {}  {state}  {limit}  [{}]", key.public_id, key.display_prefix, key.name.as_str(), key.scopes)
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
