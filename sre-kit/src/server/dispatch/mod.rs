//! The services that stand between hyper and the user's service.
//!
//! They count requests, refuse those with a bad `Host`, give the others their
//! [`ConnectionInfo`](super::ConnectionInfo), and ask HTTP/1 clients to reconnect elsewhere once the
//! drain has begun.

mod body;
mod future;
mod http1_call;
mod service;

pub(super) use service::{Http1Dispatch, Http2Dispatch};
