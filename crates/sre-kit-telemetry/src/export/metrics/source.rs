//! The source of a push.

use std::time::SystemTime;

use crate::resource::Resource;
use sre_kit_metrics::Registry;

/// The registry that is pushed, and what each push says about its origin.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) registry: Registry,
    pub(super) resource: Resource,
    /// The start of all cumulative counts.
    pub(super) started: SystemTime,
}
