//! `bwp tenant`

use anyhow::anyhow;
use bwp_domain::{
    characters::legible,
    store::Store,
    tenants::{NewTenant, Tenant, TenantName, make_tenant, ports::TenantDirectory},
};
use serde_json::{Value, json};

use crate::{
    cli::{DatabaseArgs, TenantCommand},
    commands,
    database::{Needs, with_database},
    output::Output,
    system::environment_of,
};

pub(crate) async fn run(args: &DatabaseArgs, command: TenantCommand, output: Output) -> anyhow::Result<()> {
    let needs = match command {
        // With this one begins.
        TenantCommand::Create { .. } => Needs::Beginning,
        TenantCommand::List
        | TenantCommand::SetStatus { .. }
        | TenantCommand::SetLimit { .. }
        | TenantCommand::SetTimeZone { .. } => Needs::Schema,
    };
    with_database(args, needs, async |database| {
        let store = database.store()?;
        match command {
            TenantCommand::Create { name, rate_limit } => {
                let name = TenantName::parse(name).map_err(commands::wrong("--name"))?;
                let environment = environment_of(&store).await?;
                let mut uow = store.begin().await?;
                let new = NewTenant { rate_limit, ..NewTenant::new(name, &environment) };
                let tenant = make_tenant(&mut *uow, new).await?;
                uow.commit().await?;
                output.print(&json(&tenant), || format!("Made {}", line(&tenant)))?;
            }
            TenantCommand::List => {
                let tenants = store.list().await?;
                output.print(&tenants.iter().map(json).collect(), || {
                    tenants.iter().map(line).collect::<Vec<_>>().join("\n")
                })?;
            }
            TenantCommand::SetStatus { tenant, status } => {
                let id = commands::tenant(&store, tenant).await?.id;
                let tenant = store.set_status(id, status).await?.ok_or_else(|| anyhow!("the tenant is gone"))?;
                output.print(&json(&tenant), || format!("Now: {}", line(&tenant)))?;
            }
            TenantCommand::SetTimeZone { tenant, zone } => {
                let id = commands::tenant(&store, tenant).await?.id;
                let tenant = store.set_time_zone(id, zone).await?.ok_or_else(|| anyhow!("the tenant is gone"))?;
                output.print(&json(&tenant), || format!("Now: {}", line(&tenant)))?;
            }
            TenantCommand::SetLimit { tenant, limit } => {
                let id = commands::tenant(&store, tenant).await?.id;
                let tenant = store.set_rate_limit(id, limit).await?.ok_or_else(|| anyhow!("the tenant is gone"))?;
                output.print(&json(&tenant), || format!("Now: {}", line(&tenant)))?;
            }
        }
        Ok(())
    })
    .await
}

fn json(tenant: &Tenant) -> Value {
    json!({
        "id": tenant.id,
        "publicId": tenant.public_id,
        "name": tenant.name.as_str(),
        "status": tenant.status.as_str(),
        "rateLimit": tenant.rate_limit.get(),
        "timeZone": tenant.time_zone.as_str(),
        "createdAt": tenant.created_at,
    })
}

fn line(tenant: &Tenant) -> String {
    let limit = commands::limit(tenant.rate_limit, "units an hour");
    format!("{}  {}  {limit}  {}  {}", tenant.public_id, tenant.status, tenant.time_zone, legible(tenant.name.as_str()))
}
