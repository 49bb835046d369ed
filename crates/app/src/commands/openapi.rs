//! `bwp openapi`

use bwp_web::public_url::PublicUrl;

use crate::{cli::OpenapiArgs, output::Output};

pub(crate) fn run(args: &OpenapiArgs, output: Output) -> anyhow::Result<()> {
    let public_url: PublicUrl = args.public_url.parse()?;
    let document = bwp_http::document(public_url.as_str(), env!("CARGO_PKG_VERSION"));
    let text = String::from_utf8_lossy(document.as_bytes());
    // It is JSON either way; for people it has lines.
    output.print(&serde_json::from_str(&text)?, || text.into_owned())?;
    Ok(())
}
