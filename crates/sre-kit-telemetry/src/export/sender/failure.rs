//! Why a request failed, and whether it is sent again.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#failures>

use std::error::Error as _;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use prost::Message;
use sre_kit_core::internal::with_causes;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The longest delay that a collector may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The longest message of a collector that is logged, in bytes.
const MAX_MESSAGE: usize = 512;

/// When a failed request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    /// After a delay that grows.
    Backoff,
    /// After the delay that the collector asks for.
    After(Duration),
}

/// The failure of one attempt.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) text: String,
    pub(super) retry: Retry,
}

impl Failure {
    /// Creates the failure of a request without a response.
    pub(super) fn of_connection(error: reqwest::Error) -> Self {
        // The URL is that of the settings, and may have a token in its query.
        Self { text: with_causes(&error.without_url()), retry: Retry::Backoff }
    }

    /// Creates the failure of a request that was not answered in time.
    pub(super) fn timed_out() -> Self {
        Self { text: "the collector did not answer in time".to_owned(), retry: Retry::Never }
    }

    /// Creates the failure of a response by HTTP.
    pub(super) fn of_response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let after = after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        let retry = match status.as_u16() {
            429 | 503 => after.map_or(Retry::Backoff, Retry::After),
            502 | 504 => Retry::Backoff,
            _ => Retry::Never,
        };
        let mut text = format!("HTTP status {status}");
        let told = tonic_types::pb::Status::decode(body).map(|status| status.message);
        append(&mut text, told.as_deref().unwrap_or_default());
        Self { text, retry: retry.bounded() }
    }

    /// Creates the failure of a response by gRPC, or of a connection.
    pub(super) fn of_status(status: &Status) -> Self {
        let after = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let after = after.filter(|delay| !delay.is_zero());
        let retry = match status.code() {
            Code::Unavailable => after.map_or(Retry::Backoff, Retry::After),
            // The collector recovers only if it says when.
            Code::ResourceExhausted => after.map_or(Retry::Never, Retry::After),
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::DataLoss => Retry::Backoff,
            _ => Retry::Never,
        };
        let mut text = status.code().to_string();
        append(&mut text, status.message());
        if let Some(source) = status.source() {
            append(&mut text, &with_causes(source));
        }
        Self { text, retry: retry.bounded() }
    }
}

impl Retry {
    fn bounded(self) -> Self {
        match self {
            Self::After(delay) => Self::After(delay.min(MAX_RETRY_AFTER)),
            other => other,
        }
    }
}

/// Adds a part that is not there yet.
fn append(text: &mut String, part: &str) {
    let part = &part[..part.floor_char_boundary(MAX_MESSAGE)];
    if !part.is_empty() && !text.contains(part) {
        text.push_str(": ");
        text.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue, StatusCode};
    use prost::Message;
    use tonic::{Code, Status};

    use super::{Failure, Retry};

    #[test]
    fn a_response_is_asked_for_again_as_the_specification_says() {
        let http = |code: u16, after: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_static(after));
            let status = StatusCode::from_u16(code).expect("valid");
            Failure::of_response(status, &headers, b"").retry
        };
        assert_eq!(http(503, "soon"), Retry::Backoff);
        assert_eq!(http(429, "7"), Retry::After(Duration::from_secs(7)));
        assert_eq!(http(429, "3600"), Retry::After(Duration::from_secs(30)), "bounded");
        assert_eq!((http(502, "7"), http(413, "7")), (Retry::Backoff, Retry::Never));
        let grpc = |code| Failure::of_status(&Status::new(code, "")).retry;
        assert_eq!(grpc(Code::Unavailable), Retry::Backoff);
        assert_eq!(grpc(Code::ResourceExhausted), Retry::Never);
        assert_eq!(grpc(Code::Unauthenticated), Retry::Never);
    }

    #[test]
    fn the_text_has_the_message_of_the_collector_once_and_bounded() {
        let body = tonic_types::pb::Status { message: "no quota".to_owned(), ..Default::default() };
        let body = body.encode_to_vec();
        let failure = Failure::of_response(StatusCode::PAYLOAD_TOO_LARGE, &HeaderMap::new(), &body);
        assert_eq!(failure.text, "HTTP status 413 Payload Too Large: no quota");
        let long = Status::new(Code::Internal, "x".repeat(10_000));
        assert!(Failure::of_status(&long).text.len() < 600);
    }
}
