//! The connections that are in use or waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of connections that statements and open transactions have or wait for.
#[derive(Clone, Debug, Default)]
pub(crate) struct PendingRequests(Arc<AtomicU64>);

/// One of them, until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the request"]
pub(crate) struct PendingGuard(Arc<AtomicU64>);

impl PendingRequests {
    pub(crate) fn start(&self) -> PendingGuard {
        self.0.fetch_add(1, Ordering::Relaxed);
        PendingGuard(Arc::clone(&self.0))
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for PendingGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
