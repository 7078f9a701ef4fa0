//! The state that the clones of an exposition share, and one scrape.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use sre_kit_core::ConfigError;

use super::body::ExpositionBody;
use super::response::{self, ScrapeResponse};
use super::scrape_limiter::{ScrapeLimiter, ScrapePermit};
use super::scrape_metrics::{ScrapeMetrics, ScrapeOutcome};
use crate::encode::{Format, encode};
use crate::registry::Registry;

/// Writing a response of this size takes some tens of microseconds, which is longer than a worker
/// of the runtime should be kept from other tasks.
const OFF_REACTOR: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Shared {
    registry: Registry,
    limiter: Arc<ScrapeLimiter>,
    metrics: ScrapeMetrics,
    gzip_above: usize,
    /// Whether OpenMetrics 1.0 says when series began.
    created: bool,
    /// The size of the last response before compression, as an estimate of the next one.
    last_size: AtomicUsize,
}

impl Shared {
    pub(super) fn new(
        registry: &Registry,
        max_concurrent: usize,
        gzip_above: usize,
        created: bool,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            // All expositions of one registry report under the same names.
            metrics: registry.extensions().get_or_try_init(|| ScrapeMetrics::new(registry))?,
            registry: registry.clone(),
            limiter: ScrapeLimiter::new(max_concurrent),
            gzip_above,
            created,
            // The first response is written on a thread for blocking work.
            last_size: AtomicUsize::new(usize::MAX),
        })
    }

    /// Returns whether the next response is expected to be large.
    pub(super) fn expects_large(&self) -> bool {
        self.last_size.load(Ordering::Relaxed) >= OFF_REACTOR
    }

    /// Admits a scrape. Returns `None` and counts a refusal if too many are under way.
    pub(super) fn admit(&self, format: Format) -> Option<ScrapePermit> {
        let permit = self.limiter.acquire();
        if permit.is_none() {
            self.metrics.ended(format, ScrapeOutcome::Refused);
        }
        permit
    }

    /// Runs a scrape.
    pub(super) fn scrape(
        &self,
        mut permit: ScrapePermit,
        format: Format,
        content_type: HeaderValue,
        accepts_gzip: bool,
        head: bool,
    ) -> ScrapeResponse {
        let started = Instant::now();
        // Closures of the registry's users run in here and can panic.
        let encoded = catch_unwind(AssertUnwindSafe(|| {
            encode(&self.registry, format, self.created, permit.plain(), |metric| {
                self.metrics.unwritable(metric);
            });
        }));
        if encoded.is_err() {
            self.metrics.ended(format, ScrapeOutcome::Failed);
            return response::failed("a collector panicked\n");
        }
        let size = permit.plain().len();
        self.last_size.store(size, Ordering::Relaxed);
        let gzip = accepts_gzip && size >= self.gzip_above && permit.compress(compress_gzip);
        let body = ExpositionBody::pieces(permit.send());
        self.metrics.written(started.elapsed(), body.left());
        self.metrics.ended(format, ScrapeOutcome::Ok);
        response::metrics(body, content_type, gzip, head)
    }
}

/// Compresses `plain` into `compressed`, whose memory is reused.
fn compress_gzip(plain: &[u8], mut compressed: Vec<u8>) -> Option<Vec<u8>> {
    compressed.clear();
    // The fastest level: an exposition shrinks to a tenth at any level.
    let mut encoder = GzEncoder::new(compressed, Compression::fast());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}
