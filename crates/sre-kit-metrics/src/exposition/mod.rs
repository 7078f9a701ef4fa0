//! The HTTP exposition: content negotiation, encoding and gzip compression.
//!
//! ```
//! use sre_kit_metrics::{Exposition, Registry};
//!
//! let registry = Registry::new();
//! let exposition = Exposition::new(&registry)?;
//! // `exposition` is a tower `Service` for any router. It can also be called directly:
//! # tokio_test::block_on(async {
//! let Ok(response) = exposition.respond(&http::Method::GET, &http::HeaderMap::new()).await;
//! assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
//! # });
//! # Ok::<(), sre_kit_metrics::ConfigError>(())
//! ```
//!
//! [`Format::negotiate`](crate::Format::negotiate) chooses the format. Sources: the Prometheus text
//! format 0.0.4, OpenMetrics 1.0.0, `io/prometheus/client/metrics.proto`, RFC 9110.

mod body;
mod builder;
mod future;
mod response;
mod scrape_limiter;
mod scrape_metrics;
mod service;
mod shared;

pub use body::{ExpositionBody, ExpositionBodyError};
pub use builder::ExpositionBuilder;
pub use future::ExpositionFuture;
pub use service::Exposition;
