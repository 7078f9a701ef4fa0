//! `GET /stream?chunks=5&ms=200`: streams a body of 5 chunks, 200 ms apart.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use super::answer::{Body, Wants};
use super::query;

const MAX_CHUNKS: u32 = 100_000;
const MAX_MS: u64 = 60_000;

pub(super) fn ticks(query: &str, wants: Wants) -> Response<Body> {
    let numbers = query::number(query, "chunks", 5, 1..=MAX_CHUNKS)
        .and_then(|chunks| Ok((chunks, query::number(query, "ms", 200, 0..=MAX_MS)?)));
    let (chunks, ms) = match numbers {
        Ok(numbers) => numbers,
        Err(refused) => return refused.into_response(wants),
    };
    let frames = stream::unfold(0, move |sent| async move {
        if sent == chunks {
            return None;
        }
        if sent > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let number = sent + 1;
        let line = match wants {
            Wants::Json => format!("{{\"tick\":{number},\"of\":{chunks}}}\n"),
            Wants::Text => format!("tick {number} of {chunks}\n"),
        };
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(line))), number))
    });
    let kind = match wants {
        Wants::Json => "application/x-ndjson",
        Wants::Text => "text/plain; charset=utf-8",
    };
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(frames)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
