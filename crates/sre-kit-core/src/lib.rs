//! The types that the crates of [`sre-kit`](https://docs.rs/sre-kit) share.
//!
//! | Item | Purpose |
//! |---|---|
//! | [`ConfigError`] | a setting that cannot work: the field, the value, the rule and what to do |
//! | [`RequestHead`], [`ResponseHead`] | what labels, routes and classifiers see of a message |
//! | [`PoolUsage`] | how much of a pool is in use |
//! | [`Shed`] | marks a response as load shedding |
//!
//! Most services do not name this crate: `sre-kit` exports its items again.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
mod clock;
mod error;
mod head;
mod labels;
mod pool;
mod shed;

pub use error::ConfigError;
pub use head::{RequestHead, ResponseHead};
pub use pool::PoolUsage;
pub use shed::Shed;

/// Items for the other crates of this workspace, which pin the exact version.
///
/// They may change in any release.
#[doc(hidden)]
pub mod internal {
    pub use crate::accept::{AcceptElement, accept_weight, accepts_gzip, negotiate};
    pub use crate::clock::{Clock, Reading};
    pub use crate::error::with_causes;
    pub use crate::labels::{check_labels, is_identifier};
}
