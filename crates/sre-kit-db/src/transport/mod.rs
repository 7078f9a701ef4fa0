//! Verified connections to a server: TCP, TLS, and why one could not be made.

mod error;
mod identity;
mod phase;
mod tcp;
mod tls;

pub(crate) use error::{DialError, DialErrorKind, Retry};
pub(crate) use identity::Identity;
pub(crate) use phase::{PHASE_TIMEOUT, Phase, timed};
pub(crate) use tcp::connect;
pub(crate) use tls::client_config;
#[cfg(feature = "iam")]
pub(crate) use tls::describe;
