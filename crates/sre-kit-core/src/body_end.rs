//! What a head says about the end of its body.

use http::{HeaderMap, StatusCode, header};

/// Returns the size that a head declares.
#[inline]
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    std::str::from_utf8(value.as_bytes()).ok()?.trim().parse().ok()
}

/// Returns whether a response with this status has no body.
#[inline]
pub fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status.as_u16(), 204 | 304)
}

/// Returns whether a content type is that of gRPC with trailers. gRPC-Web has its trailers inside
/// the body.
pub fn is_grpc(content_type: &[u8]) -> bool {
    let has = |prefix: &[u8]| {
        let start = content_type.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    has(b"application/grpc") && !has(b"application/grpc-web")
}
