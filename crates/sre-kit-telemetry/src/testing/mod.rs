//! For tests: spans that can be read as soon as they end, and the payloads that a collector gets.

mod captured_spans;
mod otlp_payload;
mod span;

pub use captured_spans::CapturedSpans;
pub(crate) use captured_spans::CapturingProcessor;
pub use otlp_payload::{OtlpPayload, OtlpRecord};
pub use span::Span;
