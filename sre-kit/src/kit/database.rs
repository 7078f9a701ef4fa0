//! A database among the parts that watch it.

use std::time::Duration;

use crate::db::{Db, DbHealth};
use crate::health::{Check, CheckResult};
use crate::lifecycle::Lifecycle;

/// A check takes up to three seconds: one ping, and one more over a new connection.
const CHECK: Duration = Duration::from_secs(5);

pub(super) fn check(db: &Db) -> Check {
    let name = format!("database-{}", db.name());
    let db = db.clone();
    let check = Check::new(name, move || {
        let db = db.clone();
        async move {
            match db.check().await {
                DbHealth::Up => CheckResult::Pass,
                DbHealth::Degraded(reason) => CheckResult::warn(reason),
                DbHealth::Down(reason) => CheckResult::fail(reason),
            }
        }
    });
    check.component_type("datastore").interval(CHECK).timeout(CHECK)
}

#[cfg(feature = "saturation")]
pub(super) fn add_pool(
    saturation: &crate::saturation::Saturation,
    db: &Db,
) -> Result<(), crate::ConfigError> {
    let pool = db.clone();
    saturation.add_pool(db.name().to_owned(), move || Some(pool.usage()))
}

/// Closes the pool in its phase of the shutdown, after `before`.
pub(super) fn close_at_the_end(
    lifecycle: &Lifecycle,
    db: &Db,
    before: impl FnOnce() + Send + 'static,
) {
    let db = db.clone();
    lifecycle.on_close(format!("database {}", db.name()), move || async move {
        before();
        db.close().await;
    });
}
