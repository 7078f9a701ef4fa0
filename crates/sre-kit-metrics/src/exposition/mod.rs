//! What a scraper is answered: the format it asked for, compressed if it may be.
//!
//! ```
//! use sre_kit_metrics::{Exposition, Registry};
//!
//! let registry = Registry::new();
//! let exposition = Exposition::new(&registry)?;
//! // `exposition` is a tower `Service` for any router; or, by hand:
//! # tokio_test::block_on(async {
//! let Ok(response) = exposition.respond(&http::Method::GET, &http::HeaderMap::new()).await;
//! assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
//! # });
//! # Ok::<(), sre_kit_metrics::ConfigError>(())
//! ```
//!
//! The format follows [`Format::negotiate`]. Sources: the Prometheus text format
//! 0.0.4, OpenMetrics 1.0.0, `io/prometheus/client/metrics.proto`, RFC 9110.

mod accept;
mod render;
mod scrapes;
mod service;
mod slot;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, Method};

pub use accept::Format;
pub(crate) use render::encode;
pub(crate) use scrapes::Scrapes;
pub use service::ExpositionFuture;

use self::slot::Slots;
use super::registry::Registry;
use sre_kit_core::ConfigError;

/// As many scrapers as a small fleet has, twice over.
const DEFAULT_CONCURRENT: usize = 4;

/// Below this a compressed response is hardly smaller in packets.
const DEFAULT_GZIP_ABOVE: usize = 1024;

/// A response as large as this takes some tens of microseconds to write, which is
/// longer than a runtime's worker should be kept from other tasks.
const OFF_REACTOR: usize = 64 * 1024;

/// Answers scrapes of one registry: a tower `Service` for any router.
///
/// - The format is negotiated; gzip follows `Accept-Encoding`, above a size.
/// - `GET` and `HEAD`; other methods get 405 with `Allow`.
/// - A bounded number of scrapes at once, each until its last byte is sent or a
///   minute is over; one more gets 503 with `Retry-After`.
/// - A response that is expected to be large is written on a thread for blocking
///   work. Buffers are used again.
///
/// # What it reports of itself
///
/// In the registry that it shows, shared by all its expositions:
///
/// | Metric | Kind | Unit | Labels |
/// |---|---|---|---|
/// | `sre_kit_scrapes_total` | counter | scrapes | `format` (`prometheus`, `openmetrics`, `protobuf`), `outcome` (`ok`, `refused` past the cap, `failed` when a collector panicked) |
/// | `sre_kit_scrape_duration_seconds` | histogram | seconds | none: time to write and compress a response |
/// | `sre_kit_scrape_size_bytes` | histogram | bytes | none: size of responses as sent |
/// | `sre_kit_scrape_unwritable_total` | counter | scrapes | `metric`: a metric of `prometheus_client` that could not be written in the format asked for and was left out |
///
/// A scrape sees the ones before it, not itself.
#[derive(Clone)]
pub struct Exposition {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    slots: Arc<Slots>,
    scrapes: Scrapes,
    gzip_above: usize,
    /// Size of the last plain response: how large the next will be.
    last_size: AtomicUsize,
}

/// Settings of an [`Exposition`].
#[derive(Clone, Debug)]
pub struct ExpositionBuilder {
    max_concurrent: usize,
    gzip_above: usize,
}

impl ExpositionBuilder {
    /// How many scrapes may be under way at once, from the request to the last
    /// byte sent. 4 unless set; at least 1.
    #[must_use]
    pub fn max_concurrent(mut self, scrapes: usize) -> Self {
        self.max_concurrent = scrapes;
        self
    }

    /// The size in bytes from which a response is compressed if it may be. 1 024
    /// unless set; `usize::MAX` turns compression off.
    #[must_use]
    pub fn gzip_above(mut self, bytes: usize) -> Self {
        self.gzip_above = bytes;
        self
    }

    /// Builds the exposition.
    ///
    /// # Errors
    ///
    /// When no scrape would be allowed, or when a family in the registry has the
    /// name of one that expositions report.
    pub fn build(self, registry: &Registry) -> Result<Exposition, ConfigError> {
        if self.max_concurrent == 0 {
            return Err(ConfigError::new(
                "max_concurrent",
                0,
                "at least one scrape is allowed at a time",
                "leave it out to allow 4",
            ));
        }
        Ok(Exposition {
            inner: Arc::new(Inner {
                scrapes: registry.scrapes()?,
                registry: registry.clone(),
                slots: Slots::new(self.max_concurrent),
                gzip_above: self.gzip_above,
                last_size: AtomicUsize::new(usize::MAX),
            }),
        })
    }
}

impl Exposition {
    /// An exposition of `registry` with the default limits.
    ///
    /// # Errors
    ///
    /// When a family in the registry has the name of one that expositions report.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        Self::builder().build(registry)
    }

    /// Returns a builder.
    pub fn builder() -> ExpositionBuilder {
        ExpositionBuilder { max_concurrent: DEFAULT_CONCURRENT, gzip_above: DEFAULT_GZIP_ABOVE }
    }

    /// Answers one request. The response to `HEAD` has no body.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped. A response that is being written on another
    /// thread is then written to its end, dropped, and its place is free again.
    pub fn respond(&self, method: &Method, headers: &HeaderMap) -> ExpositionFuture {
        service::respond(&self.inner, method, headers)
    }
}

impl Inner {
    fn is_large(&self) -> bool {
        self.last_size.load(Ordering::Relaxed) >= OFF_REACTOR
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition")
            .field("registry", &self.inner.registry)
            .field("slots", &self.inner.slots)
            .field("gzip_above", &self.inner.gzip_above)
            .finish_non_exhaustive()
    }
}
