//! What a scrape reads of a database.

use std::sync::Arc;

use super::Inner;
use crate::instrument::{GaugeSource, PoolConnections, PoolSnapshot};

impl GaugeSource for Inner {
    fn read(&self) -> Option<PoolSnapshot> {
        if self.pool.is_closed() {
            return None;
        }
        let (idle, size) = (self.pool.idle(), self.pool.size());
        let used = u64::from(size.saturating_sub(idle));
        Some(PoolSnapshot {
            pool: Arc::clone(&self.name),
            connections: Some(PoolConnections {
                idle: idle.into(),
                used,
                max: self.pool.max().into(),
                min: self.min.into(),
                pending: self.recorder.pending.get().saturating_sub(used),
            }),
            migrations: self.recorder.metrics.pending(),
            ..self.login_snapshot()
        })
    }
}

impl Inner {
    /// Returns the gauges of the parts that only PostgreSQL has.
    #[cfg(feature = "postgres")]
    fn login_snapshot(&self) -> PoolSnapshot {
        let can_log_in = self.bridge.as_ref().is_none_or(|bridge| bridge.can_log_in());
        let dialer = self.bridge.as_ref().map(|bridge| bridge.dialer());
        PoolSnapshot {
            paused: self.recycling.as_ref().map(|recycling| recycling.is_paused(can_log_in)),
            token_age: dialer.and_then(|dialer| dialer.token_age()),
            certificate_expiry: dialer.and_then(|dialer| dialer.certificate_expiry()),
            ..PoolSnapshot::default()
        }
    }

    #[cfg(not(feature = "postgres"))]
    #[allow(clippy::unused_self, reason = "SQLite has no logins")]
    fn login_snapshot(&self) -> PoolSnapshot {
        PoolSnapshot::default()
    }
}
