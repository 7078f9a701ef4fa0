//! The types that the crates of [`sre-kit`](https://docs.rs/sre-kit) share.
//!
//! | Item | Purpose |
//! |---|---|
//! | [`ConfigError`] | the error for a setting that cannot work: field, value, rule and advice |
//! | [`RequestHead`], [`ResponseHead`] | a message without its body, for labels, routes and classifiers |
//! | [`PoolUsage`] | how much of a pool is in use |
//! | [`Shed`] | marks a response as load shedding |
//!
//! # Features
//!
//! | Feature | Adds |
//! |---|---|
//! | `tls` | The choice of the TLS provider, which the other crates use. |
//! | `ring`, `aws-lc-rs` | That provider of rustls. They do nothing without `tls`. |
//!
//! Most services do not depend on this crate directly: `sre-kit` re-exports its items.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
mod body_end;
mod clock;
mod error;
mod grpc_status;
mod head;
mod labels;
mod loopback;
mod method;
mod pool;
mod random;
mod shed;
mod tls_provider;

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
    pub use crate::body_end::{content_length, has_no_body, is_grpc};
    pub use crate::clock::{Clock, ClockHandle, Reading};
    pub use crate::error::with_causes;
    pub use crate::grpc_status::{GRPC_CODES, grpc_code};
    pub use crate::labels::{check_labels, is_identifier};
    pub use crate::loopback::is_loopback_host;
    pub use crate::method::{METHODS, is_connect, is_head, method_index, method_name};
    pub use crate::random::random_fraction;
    pub use crate::tls_provider::no_tls_provider;
    #[cfg(feature = "tls")]
    pub use crate::tls_provider::{install_tls_provider, tls_provider};
}
