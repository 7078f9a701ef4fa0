//! The bridge between sqlx and a server.
//!
//! sqlx connects to a Unix socket inside the process. Behind it the bridge dials the server,
//! verifies it and logs in. So sqlx never holds a token, and each connection uses the newest one.
//! TLS is the bridge's too, because sqlx accepts neither a certificate verifier nor a stream.

mod authenticate;
mod counted_io;
mod listener;
mod login_failure;
mod login_status;
mod session;
mod socket;
pub(crate) mod sqlstate;

pub(crate) use listener::Bridge;
pub(crate) use login_status::{FailedLogin, LoginStatus};
pub(crate) use socket::Socket;
