//! The answer to those who do not get in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};

use super::gate::Gates;
use super::series::Reason;
use crate::{ConfigError, Shed};

/// The longest `Retry-After`. A client that is sent away for longer is better
/// told so by something that knows why.
const LONGEST: u64 = 3_600;

/// Makes refusals, each with the next of a few values of `Retry-After`.
#[derive(Debug)]
pub(crate) struct Refusals {
    retry_after: Box<[HeaderValue]>,
    next: AtomicUsize,
}

impl Refusals {
    /// `Retry-After` is in whole seconds (RFC 9110, section 10.2.3): the bounds
    /// are rounded up.
    pub(crate) fn new(from: Duration, to: Duration) -> Result<Self, ConfigError> {
        let (first, last) = (whole_seconds(from), whole_seconds(to));
        if first == 0 || first > last || last > LONGEST {
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

    /// Counts a refusal and makes the head of its answer.
    pub(crate) fn refuse(&self, reason: Reason, gates: &Gates) -> http::Response<()> {
        gates.shared().gate().series.shed(reason);
        let mut response = http::Response::new(());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        // In turn, so that those refused together do not come back together.
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.retry_after.len();
        response.headers_mut().insert(header::RETRY_AFTER, self.retry_after[turn].clone());
        response.extensions_mut().insert(Shed);
        response
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
