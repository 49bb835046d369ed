//! Changing whose documents they are, and how they look.

use async_trait::async_trait;

use super::{Color, Layout, LetterheadSettings, Typeface};
use crate::{
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    resource::{Filter, Record, ResourceError, Rules, Told, store},
    scopes::{ScopeId, ScopeSet},
    settings::BrandingSettings,
    store::UnitOfWork,
    text::Text,
};

/// Changes the tenant's letterhead: what is `None` stays, and an empty text empties a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetLetterhead {
    /// The company's name.
    pub company_name: Option<Text>,
    /// The main colour, such as `#1f2a44`.
    pub primary_color: Option<Text>,
    /// The colour of what stands out.
    pub accent_color: Option<Text>,
    /// The address, with a line for each line.
    pub address: Option<Text>,
    /// Telephone number.
    pub phone: Option<Text>,
    /// E-mail address.
    pub email: Option<Text>,
    /// Web site.
    pub website: Option<Text>,
    /// The number of the company's licence.
    pub license_number: Option<Text>,
    /// What the company says of itself.
    pub tagline: Option<Text>,
    /// What stands at the foot of each page.
    pub footer: Option<Text>,
    /// How invoices are paid.
    pub how_to_pay: Option<Text>,
    /// What stands before amounts.
    pub currency_symbol: Option<Text>,
    /// How the head of a page is laid out.
    pub layout: Option<Layout>,
    /// The letters.
    pub typeface: Option<Typeface>,
    /// The logo, as [`logo`](super::logo) makes it.
    pub logo: Option<Text>,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl Command<dyn UnitOfWork> for SetLetterhead {
    type Output = (BrandingSettings, LetterheadSettings);
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::SettingsWrite])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<(BrandingSettings, LetterheadSettings)>> {
        self.check().or(())?;
        let branding: BrandingSettings = change(context, uow, |branding: &mut BrandingSettings| {
            set(&mut branding.company_name, self.company_name.as_ref());
            set(&mut branding.primary_color, self.primary_color.as_ref());
            set(&mut branding.accent_color, self.accent_color.as_ref());
            if let Some(logo) = &self.logo {
                branding.has_logo = !logo.is_empty();
            }
        })
        .await?;
        let letterhead = change(context, uow, |head: &mut LetterheadSettings| {
            for (field, sent) in [
                (&mut head.address, &self.address),
                (&mut head.phone, &self.phone),
                (&mut head.email, &self.email),
                (&mut head.website, &self.website),
                (&mut head.license_number, &self.license_number),
                (&mut head.tagline, &self.tagline),
                (&mut head.footer, &self.footer),
                (&mut head.how_to_pay, &self.how_to_pay),
                (&mut head.currency_symbol, &self.currency_symbol),
                (&mut head.logo, &self.logo),
            ] {
                set(field, sent.as_ref());
            }
            head.layout = self.layout.unwrap_or(head.layout);
            head.typeface = self.typeface.unwrap_or(head.typeface);
        })
        .await?;
        Ok(Applied::silently((branding, letterhead)))
    }
}

impl SetLetterhead {
    /// Colours that are none, and texts that are too long.
    fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        for (name, color) in [("primaryColor", &self.primary_color), ("accentColor", &self.accent_color)] {
            if color.as_ref().is_some_and(|color| !color.is_empty() && Color::parse(color).is_none()) {
                errors.push(name, Fault::new("invalid_format", "Must be a colour such as #1f2a44."));
            }
        }
        for (name, text, most) in [
            ("companyName", &self.company_name, 200),
            ("address", &self.address, 500),
            ("phone", &self.phone, 100),
            ("email", &self.email, 320),
            ("website", &self.website, 300),
            ("licenseNumber", &self.license_number, 100),
            ("tagline", &self.tagline, 200),
            ("footer", &self.footer, 300),
            ("howToPay", &self.how_to_pay, 10_000),
            ("currencySymbol", &self.currency_symbol, 8),
        ] {
            if text.as_ref().is_some_and(|text| text.chars().count() > most) {
                errors.push(name, Fault::new("too_long", format_args!("Must have at most {most} characters.")));
            }
        }
        errors
    }
}

fn set(field: &mut Option<Text>, sent: Option<&Text>) {
    if let Some(sent) = sent {
        *field = Some(sent.clone()).filter(|text| !text.is_empty());
    }
}

/// Changes the tenant's one row of these settings.
async fn change<R: Rules + Clone>(
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
    change: impl FnOnce(&mut R) + Send,
) -> Result<R> {
    let rows = uow.rows().all(context.tenant, R::SHAPE, &Filter::all(), 0).await?;
    let Some(id) = rows.first().map(|row| row.id) else { return Err(ResourceError::NotFound(R::SHAPE.one).into()) };
    let before = uow.rows().lock(context.tenant, R::SHAPE, id).await?.ok_or(ResourceError::NotFound(R::SHAPE.one))?;
    let mut details = Record::typed::<R>(&before)?.details;
    change(&mut details);
    store(&before, &details, Told::Nobody, context, uow).await?;
    Ok(details)
}
