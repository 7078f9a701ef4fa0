//! The size of a pool.

use sre_kit_core::ConfigError;

/// Returns how many connections each of `instances` may have, so that all of them together stay
/// within the server's limit.
///
/// `server_max` is the server's `max_connections`. `reserved` connections are kept for superusers,
/// migrations and people. `instances` is the maximum at one time, including those that a rollout
/// adds.
///
/// ```
/// use sre_kit_db::pool_size;
///
/// // 10 replicas, and 3 more during a rollout.
/// assert_eq!(pool_size(100, 9, 13)?, 7);
/// assert!(pool_size(10, 9, 13).is_err());
/// # Ok::<(), sre_kit_db::ConfigError>(())
/// ```
///
/// # Errors
///
/// Returns an error if there is less than one connection for each instance.
pub fn pool_size(server_max: u32, reserved: u32, instances: u32) -> Result<u32, ConfigError> {
    match server_max.saturating_sub(reserved).checked_div(instances) {
        Some(size) if size > 0 => Ok(size),
        _ => Err(ConfigError::new(
            "the database's connections",
            format_args!("{server_max}, less {reserved}, for {instances}"),
            "each instance needs at least one",
            "allow more on the server, or run fewer instances",
        )),
    }
}
