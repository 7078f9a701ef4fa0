//! The metrics of tokens.

use super::db_metrics::DbMetrics;
use super::families::Families;
use sre_kit_metrics::Counter;

/// The metrics of a source of tokens.
#[derive(Clone, Debug)]
pub(crate) struct CredentialMetrics {
    refreshed: Counter,
    permanent: Counter,
    transient: Counter,
    reset: Counter,
}

impl CredentialMetrics {
    pub(crate) fn new(metrics: &DbMetrics, pool: &str) -> Self {
        let Families { refreshes, rebuilds, .. } = &*metrics.families;
        Self {
            refreshed: refreshes.with(&[pool, "ok", ""]),
            permanent: refreshes.with(&[pool, "error", "permanent"]),
            transient: refreshes.with(&[pool, "error", "transient"]),
            reset: rebuilds.with(&[pool]),
        }
    }

    pub(crate) fn refreshed(&self) {
        self.refreshed.inc();
    }

    pub(crate) fn failed(&self, error_type: &str) {
        if error_type == "permanent" { self.permanent.inc() } else { self.transient.inc() }
    }

    pub(crate) fn reset(&self) {
        self.reset.inc();
    }
}
