//! The service of a collector: OTLP over HTTP and over gRPC.

use std::convert::Infallible;
use std::fmt;
use std::future::{pending, ready};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use sre_kit_telemetry::testing::OtlpPayload;

use super::answer::Answer;
use super::state::State;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// Ends a connection or a stream.
#[derive(Debug)]
pub(super) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script says that the collector closes")
    }
}

impl std::error::Error for Closed {}

type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(super) async fn serve(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Closed> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let is_grpc = head
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(GRPC.as_bytes()));
    let encoding = if is_grpc { GRPC_ENCODING } else { header::CONTENT_ENCODING };
    let encoding = head.headers.get(encoding).and_then(|value| value.to_str().ok());
    let mut answer = state.next_answer();
    if matches!(answer, Answer::Accept | Answer::Reject(_)) {
        match OtlpPayload::decode(head.uri.path(), encoding, &body) {
            Ok(payload) => state.take(payload),
            Err(error) => {
                state.refuse(error);
                answer = Answer::Malformed;
            }
        }
    }
    match answer.codes() {
        Some((_, code)) if is_grpc => Ok(grpc(code, &answer.message())),
        Some((status, _)) => {
            let mut response = Response::new(Full::from(answer.message()).boxed_unsync());
            *response.status_mut() =
                http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_REQUEST);
            Ok(response)
        }
        None if answer == Answer::Hang => pending().await,
        None => Err(Closed),
    }
}

fn grpc(code: u8, message: &[u8]) -> Response<Body> {
    let status = HeaderValue::from(u16::from(code));
    if code != 0 {
        let mut response = Response::new(Full::default().boxed_unsync());
        response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
        response.headers_mut().insert(GRPC_STATUS, status);
        return response;
    }
    let trailers = HeaderMap::from_iter([(GRPC_STATUS, status)]);
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    let body = Bytes::from([&[0][..], &length, message].concat());
    let body = Full::new(body).with_trailers(ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}
