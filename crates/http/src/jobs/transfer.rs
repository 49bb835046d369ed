//! Bytes of files, in and out.

use std::{ops::RangeInclusive, path::Path, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::{
        StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE,
            HeaderValue, RANGE, X_CONTENT_TYPE_OPTIONS,
        },
    },
    web::Payload,
};
use bwp_domain::{
    csv,
    files::{
        FileName,
        ports::{FileError, FileReader},
    },
    ids::TenantId,
    jobs::PrepareUpload,
};
use bwp_web::body;
use futures_util::{StreamExt, stream};

use crate::{
    disposition::disposition,
    problem::{ErrorCode, Problem},
    state::ApiState,
};

/// How long a client may be silent in the middle of an upload.
const SILENCE: Duration = Duration::from_secs(30);
/// How long longer than its link a file is kept of which nothing comes.
const KEPT: Duration = Duration::from_hours(48);

/// A file that is called `shown`, or the part of it that the request asks for.
pub(super) async fn send(
    request: &HttpRequest,
    state: &ApiState,
    name: &FileName,
    shown: &str,
) -> Result<Option<HttpResponse>, Problem> {
    let Some(size) = state.files.size(name).await? else { return Ok(None) };
    let range = match request.headers().get(RANGE).and_then(|range| range.to_str().ok()).map(|range| part(range, size))
    {
        Some(Part::Beyond) => {
            let problem = Problem::bad_request(StatusCode::RANGE_NOT_SATISFIABLE, "The file has no such bytes.");
            return Err(match HeaderValue::from_str(&format!("bytes */{size}")) {
                Ok(value) => problem.with_header(CONTENT_RANGE, value),
                Err(_) => problem,
            });
        }
        Some(Part::Of(range)) => Some(range),
        Some(Part::All) | None => None,
    };
    let mut response = HttpResponse::build(if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK });
    response
        .insert_header((CONTENT_TYPE, media_type(shown)))
        .insert_header((CONTENT_DISPOSITION, disposition(false, shown)))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((ACCEPT_RANGES, "bytes"));
    let (bytes, length) = match range {
        None if size == 0 => return Ok(Some(response.finish())),
        None => (state.files.open(name, None).await?, size),
        Some(range) => {
            response.insert_header((CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start(), range.end())));
            let length = range.end() - range.start() + 1;
            (state.files.open(name, Some(*range.start()..range.end() + 1)).await?, length)
        }
    };
    Ok(bytes.map(|bytes| response.body(SizedStream::new(length, pieces(bytes)))))
}

/// Jobs make two kinds of files.
fn media_type(shown: &str) -> &'static str {
    if Path::new(shown).extension().is_some_and(|end| end == "pdf") { "application/pdf" } else { csv::MEDIA_TYPE }
}

fn pieces(bytes: Box<dyn FileReader>) -> impl stream::Stream<Item = Result<actix_web::web::Bytes, FileError>> {
    stream::try_unfold(bytes, |mut bytes| async move { Ok(bytes.next().await?.map(|piece| (piece, bytes))) })
}

enum Part {
    All,
    Of(RangeInclusive<u64>),
    Beyond,
}

/// The bytes that a `Range` names (RFC 9110, section 14). Several ranges, and what cannot be read, are the whole.
fn part(header: &str, size: u64) -> Part {
    let Some((first, last)) =
        header.strip_prefix("bytes=").filter(|set| !set.contains(',')).and_then(|set| set.split_once('-'))
    else {
        return Part::All;
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| text.parse::<u64>().ok();
    match (first, last) {
        ("", last) => match number(last) {
            None => Part::All,
            Some(0) => Part::Beyond,
            Some(_) if size == 0 => Part::Beyond,
            Some(count) => Part::Of(size.saturating_sub(count)..=size - 1),
        },
        (first, last) => {
            let end = if last.is_empty() { Some(u64::MAX) } else { number(last) };
            match (number(first), end) {
                (Some(first), Some(end)) if first > end => Part::All,
                (Some(first), Some(_)) if first >= size => Part::Beyond,
                (Some(first), Some(end)) => Part::Of(first..=end.min(size - 1)),
                _ => Part::All,
            }
        }
    }
}

/// Refuses what is not sent as CSV.
pub(super) fn check_csv(request: &HttpRequest) -> Result<(), Problem> {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("text/csv") && !request.headers().contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    Err(Problem::bad_request(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Send the file as it is, with the header `Content-Type: text/csv`.",
    ))
}

/// Stores the body, and gives its name and how many bytes it has.
pub(super) async fn receive(
    request: &HttpRequest,
    mut payload: Payload,
    state: &ApiState,
    tenant: TenantId,
) -> Result<(FileName, u64), Problem> {
    let most = state.most_upload;
    let too_large = || {
        let detail = format!("The file is too large. At most {most} bytes are taken.");
        Problem::bad_request(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    if body::content_length(request).is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let name = FileName::generate(FileName::UPLOADS, &*state.environment.entropy);
    let until = state.environment.clock.now().plus(PrepareUpload::KEPT).plus(KEPT);
    state.job_queue.keep(tenant, &name, until).await?;
    let mut writer = state.files.create(&name).await?;
    let mut bytes = 0;
    loop {
        let next = actix_web::rt::time::timeout(SILENCE, payload.next()).await.map_err(|_| {
            let detail = format!("The body did not go on for {} seconds.", SILENCE.as_secs());
            Problem::bad_request(StatusCode::REQUEST_TIMEOUT, detail)
        })?;
        let Some(piece) = next else { break };
        let incomplete = |_| Problem::new(ErrorCode::BadRequest, "The body ended before it was complete.");
        let piece = piece.map_err(incomplete)?;
        bytes += piece.len() as u64;
        if bytes > most {
            return Err(too_large());
        }
        writer.write(piece).await?;
    }
    writer.complete().await?;
    Ok((name, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let read = |header: &str| match part(header, 10) {
            Part::All => "all".to_owned(),
            Part::Beyond => "beyond".to_owned(),
            Part::Of(range) => format!("{range:?}"),
        };
        for (header, expected) in [
            ("bytes=0-3", "0..=3"),
            ("bytes=4-", "4..=9"),
            ("bytes=-3", "7..=9"),
            ("bytes=-30", "0..=9"),
            ("bytes=9-99", "9..=9"),
            ("bytes=10-", "beyond"),
            ("bytes=-0", "beyond"),
            ("bytes=3-2", "all"),
            ("bytes=0-1,3-4", "all"),
            ("bytes=a-b", "all"),
            ("rows=0-1", "all"),
        ] {
            assert_eq!(read(header), expected, "{header}");
        }
    }
}
