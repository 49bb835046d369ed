//! Whose documents they are, and how they look: settings of the tenant.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Color, Layout, Letterhead, Typeface};
use crate::{
    resource::{Resource, Rules},
    settings::BrandingSettings,
    text::Text,
};

/// What the tenant's documents say of the company beside its name and colours. A tenant has one row.
#[derive(Clone, Debug, PartialEq, Eq, Resource)]
#[resource(one = "letterhead settings", many = "letterhead settings", read(SettingsRead), write(SettingsWrite))]
pub struct LetterheadSettings {
    /// The address, with a line for each line.
    #[field(most = 500)]
    pub address: Option<Text>,
    /// Telephone number, as written.
    #[field(most = 100)]
    pub phone: Option<Text>,
    /// E-mail address, as written.
    #[field(most = 320)]
    pub email: Option<Text>,
    /// Web site, as written.
    #[field(most = 300)]
    pub website: Option<Text>,
    /// The number of the company's licence.
    #[field(most = 100)]
    pub license_number: Option<Text>,
    /// What the company says of itself.
    #[field(most = 200)]
    pub tagline: Option<Text>,
    /// What stands at the foot of each page.
    #[field(most = 300)]
    pub footer: Option<Text>,
    /// How invoices are paid, as simple HTML.
    #[field(most = 10_000)]
    pub how_to_pay: Option<Text>,
    /// What stands before amounts. `null`: a dollar sign.
    #[field(most = 8, example = "$")]
    pub currency_symbol: Option<Text>,
    /// How the head of a page is laid out.
    #[field(default = "classic")]
    pub layout: Layout,
    /// The letters.
    #[field(default = "sans")]
    pub typeface: Typeface,
    /// The logo: a PNG or JPEG, in base64. It is small, is read with the other settings, and is backed up with them.
    #[field(most = 700_000)]
    pub logo: Option<Text>,
}

impl Rules for LetterheadSettings {}

impl Default for LetterheadSettings {
    fn default() -> Self {
        Self {
            address: None,
            phone: None,
            email: None,
            website: None,
            license_number: None,
            tagline: None,
            footer: None,
            how_to_pay: None,
            currency_symbol: None,
            layout: Layout::Classic,
            typeface: Typeface::Sans,
            logo: None,
        }
    }
}

/// Why a file is no logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoFault {
    /// It is neither.
    #[error("a logo is a PNG or a JPEG file")]
    Kind,
    /// It has too many bytes.
    #[error("a logo has {} bytes at most", MOST_LOGO)]
    Size,
}

/// The most bytes of a logo.
const MOST_LOGO: usize = 512 * 1024;

/// A file as a logo is stored.
pub fn logo(bytes: &[u8]) -> Result<Text, LogoFault> {
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") && !bytes.starts_with(b"\xff\xd8\xff") {
        return Err(LogoFault::Kind);
    }
    if bytes.len() > MOST_LOGO {
        return Err(LogoFault::Size);
    }
    Text::parse(STANDARD.encode(bytes)).map_err(|_| LogoFault::Kind)
}

/// The colours of a tenant that has chosen none.
const PRIMARY: Color = Color(0x1f, 0x2a, 0x44);
const ACCENT: Color = Color(0x1d, 0x4e, 0xd8);

impl LetterheadSettings {
    /// What documents show of them, with the tenant's name and colours.
    pub(super) fn letterhead(&self, branding: Option<&BrandingSettings>) -> Letterhead {
        let color = |chosen: Option<&Text>, default| chosen.and_then(|text| Color::parse(text)).unwrap_or(default);
        let chosen = branding;
        let text = |text: &Option<Text>| text.as_ref().map(Text::to_string).filter(|text| !text.is_empty());
        let address = self.address.iter().flat_map(|address| address.lines()).map(str::to_owned);
        let license = text(&self.license_number).map(|number| format!("License {number}"));
        let others = [text(&self.phone), text(&self.email), text(&self.website), license];
        Letterhead {
            company: chosen.and_then(|chosen| text(&chosen.company_name)).unwrap_or_default(),
            lines: address.chain(others.into_iter().flatten()).collect(),
            tagline: text(&self.tagline),
            footer: text(&self.footer),
            logo: text(&self.logo),
            layout: self.layout,
            typeface: self.typeface,
            primary: color(chosen.and_then(|chosen| chosen.primary_color.as_ref()), PRIMARY),
            accent: color(chosen.and_then(|chosen| chosen.accent_color.as_ref()), ACCENT),
        }
    }
}
