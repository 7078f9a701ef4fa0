//! A database among the parts that watch it.

use std::time::Duration;

use crate::ConfigError;
use crate::db::{Condition, Db};
use crate::health::{Check, HealthBuilder, Verdict};
use crate::lifecycle::Lifecycle;
use crate::saturation::{PoolUse, Saturation};

/// A check takes up to three seconds: a sign of life, and one more over a new connection.
const CHECK: Duration = Duration::from_secs(5);

pub(super) fn check(health: HealthBuilder, db: &Db) -> HealthBuilder {
    let name = format!("database-{}", db.name());
    let db = db.clone();
    let check = Check::new(name, move || {
        let db = db.clone();
        async move {
            match db.check().await {
                Condition::Up => Verdict::Pass,
                Condition::Degraded(reason) => Verdict::warn(reason),
                Condition::Down(reason) => Verdict::fail(reason),
            }
        }
    });
    health.check(check.component_type("datastore").interval(CHECK).timeout(CHECK))
}

pub(super) fn add_pool(saturation: &Saturation, db: &Db) -> Result<(), ConfigError> {
    let pool = db.clone();
    saturation.add_pool(db.name().to_owned(), move || {
        let usage = pool.usage();
        Some(PoolUse {
            size: usage.size.into(),
            used: usage.used.into(),
            max: usage.max.into(),
            waiting: Some(usage.waiting),
        })
    })
}

pub(super) fn close_at_the_end(lifecycle: &Lifecycle, db: &Db) {
    let db = db.clone();
    lifecycle.on_close(format!("database {}", db.name()), move || async move { db.close().await });
}
