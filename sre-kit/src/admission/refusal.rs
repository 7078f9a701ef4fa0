//! The response to refused requests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};

use super::semaphore::Semaphore;
use super::series::Reason;
use crate::{ConfigError, Shed};

/// The longest `Retry-After`, in seconds.
const MAX_RETRY_AFTER: u64 = 3_600;

/// Creates refusals, which use the values of `Retry-After` in turn.
#[derive(Debug)]
pub(crate) struct Refusals {
    retry_after: Box<[HeaderValue]>,
    next: AtomicUsize,
}

impl Refusals {
    /// Creates the values of `Retry-After` between two bounds. The header has whole seconds (RFC
    /// 9110, section 10.2.3), so the bounds are rounded up.
    pub(crate) fn new(from: Duration, to: Duration) -> Result<Self, ConfigError> {
        let (first, last) = (whole_seconds(from), whole_seconds(to));
        if first == 0 || first > last || last > MAX_RETRY_AFTER {
            return Err(ConfigError::new(
                "retry_after",
                (from, to),
                "it goes from at least a second to at most an hour, the shorter one first",
                "one to three seconds suit a service that has more than one instance",
            ));
        }
        let retry_after = (first..=last).map(HeaderValue::from).collect();
        Ok(Self { retry_after, next: AtomicUsize::new(0) })
    }

    /// Counts a refusal and returns the head of its response.
    pub(crate) fn refuse(&self, reason: Reason, semaphore: &Semaphore) -> http::Response<()> {
        semaphore.series.shed(reason);
        let mut response = http::Response::new(());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        // In turn, so that clients that are refused together do not retry together.
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.retry_after.len();
        response.headers_mut().insert(header::RETRY_AFTER, self.retry_after[turn].clone());
        response.extensions_mut().insert(Shed);
        response
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
