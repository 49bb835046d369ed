//! `bwp tenant`

use std::path::Path;

use anyhow::{Context, anyhow};
use bwp_domain::{
    characters::legible,
    papers::{SetLetterhead, logo},
    store::Store,
    tenants::{NewTenant, Tenant, TenantName, make_tenant, ports::TenantDirectory},
    text::Text,
};
use serde_json::{Value, json};

use crate::{
    cli::{DatabaseArgs, LetterheadArgs, TenantCommand},
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
        | TenantCommand::SetTimeZone { .. }
        | TenantCommand::SetLetterhead(_) => Needs::Schema,
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
            TenantCommand::SetLetterhead(args) => {
                let id = commands::tenant(&store, args.tenant).await?.id;
                let (branding, head) = commands::operate(&store, id, letterhead(*args)?).await?;
                let shown = json!({
                    "companyName": branding.company_name,
                    "primaryColor": branding.primary_color,
                    "accentColor": branding.accent_color,
                    "hasLogo": branding.has_logo,
                    "layout": head.layout.as_str(),
                    "typeface": head.typeface.as_str(),
                });
                let logo = if branding.has_logo { "with a logo" } else { "without a logo" };
                output.print(&shown, || {
                    let company = branding.company_name.as_deref().unwrap_or("no name");
                    format!("Now: {}, {}, {}, {logo}", legible(company), head.layout, head.typeface)
                })?;
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

/// What is asked for, with the bytes of the logo.
fn letterhead(args: LetterheadArgs) -> anyhow::Result<SetLetterhead> {
    let text = |text: Option<String>, argument| text.map(Text::parse).transpose().map_err(commands::wrong(argument));
    let logo = match args.logo {
        None => None,
        Some(path) if path.is_empty() => Some(text(Some(String::new()), "--logo")?.unwrap_or_default()),
        Some(path) => {
            let bytes = std::fs::read(&path).with_context(|| format!("--logo {}", Path::new(&path).display()))?;
            Some(logo(&bytes).context("--logo")?)
        }
    };
    Ok(SetLetterhead {
        company_name: text(args.company_name, "--company-name")?,
        primary_color: text(args.primary_color, "--primary-color")?,
        accent_color: text(args.accent_color, "--accent-color")?,
        address: text(args.address, "--address")?,
        phone: text(args.phone, "--phone")?,
        email: text(args.email, "--email")?,
        website: text(args.website, "--website")?,
        license_number: text(args.license_number, "--license-number")?,
        tagline: text(args.tagline, "--tagline")?,
        footer: text(args.footer, "--footer")?,
        how_to_pay: text(args.how_to_pay, "--how-to-pay")?,
        currency_symbol: text(args.currency_symbol, "--currency-symbol")?,
        layout: args.layout,
        typeface: args.typeface,
        logo,
    })
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
