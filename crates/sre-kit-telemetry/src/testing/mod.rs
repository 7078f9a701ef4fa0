//! For tests: spans that can be read as soon as they end, and the payloads that a collector gets.

mod captured_spans;
#[cfg(feature = "otlp")]
mod otlp_payload;
mod span;

pub use captured_spans::CapturedSpans;
pub(crate) use captured_spans::CapturingProcessor;
#[cfg(feature = "otlp")]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp")))]
pub use otlp_payload::{OtlpPayload, OtlpRecord};
pub use span::Span;
