//! The status codes of gRPC.

use http::HeaderValue;

/// The names of the gRPC status codes, from the gRPC core documentation.
pub const GRPC_CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Returns the code in the value of a `grpc-status` header or trailer.
///
/// A value that is no known code counts as 2, `UNKNOWN`, as it does for gRPC clients.
pub fn grpc_code(value: &HeaderValue) -> u8 {
    std::str::from_utf8(value.as_bytes())
        .ok()
        .and_then(|text| text.parse::<u8>().ok())
        .filter(|&code| code <= 16)
        .unwrap_or(2)
}
