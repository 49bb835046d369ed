//! Pictures that people upload: a logo, a drawn signature.

use base64::{Engine, engine::general_purpose::STANDARD};
use krilla::image::Image;

/// The most points of a picture: more would take more memory than a document is worth.
const MOST_POINTS: u64 = 16_000_000;

/// A PNG or JPEG in base64. `None` if it is neither, or too large.
pub(crate) fn read(base64: &str) -> Option<Image> {
    let bytes = STANDARD.decode(base64).ok()?;
    let image = if bytes.starts_with(b"\x89PNG") {
        Image::from_png(bytes.into(), true)
    } else {
        Image::from_jpeg(bytes.into(), true)
    };
    let image = image.ok()?;
    let (width, height) = image.size();
    let points = u64::from(width) * u64::from(height);
    (points > 0 && points <= MOST_POINTS).then_some(image)
}

/// How large a picture is that fits into a box, in points.
pub(crate) fn fit(image: &Image, width: f32, height: f32) -> (f32, f32) {
    let (wide, high) = image.size();
    #[expect(clippy::cast_precision_loss, reason = "some thousand points")]
    let (wide, high) = (wide as f32, high as f32);
    let scale = (width / wide).min(height / high);
    (wide * scale, high * scale)
}
