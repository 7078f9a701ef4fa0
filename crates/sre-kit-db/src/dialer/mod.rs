//! Dialling a server for the bridge, and how to respond to its authentication request.

mod auth;
#[cfg(feature = "iam")]
mod connector;
mod dial;
mod direct;

pub(crate) use auth::AuthResponse;
#[cfg(feature = "iam")]
pub(crate) use connector::ConnectorDialer;
pub(crate) use dial::{Dial, DialedServer, ServerIo};
pub(crate) use direct::{DirectDialer, DirectLogin};
