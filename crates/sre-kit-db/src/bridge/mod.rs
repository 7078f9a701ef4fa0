//! The bridge between sqlx and a server.
//!
//! sqlx connects to an [`Endpoint`] inside the process: a Unix socket, or a port of 127.0.0.1 where
//! there are none. Behind it the bridge dials the server, verifies it and logs in. So sqlx never holds a token, and each connection uses the newest one.
//! After the login it follows the messages of the session: it answers the Sync that sqlx sends at
//! each release, cancels statements that were dropped, and ends sessions that are silent.
//! TLS is the bridge's too, because sqlx accepts neither a certificate verifier nor a stream.

mod authenticate;
mod counted_io;
mod endpoint;
mod follower;
mod listener;
mod login_failure;
mod login_status;
mod relay;
mod session;
pub(crate) mod sqlstate;
mod startup_secret;

pub(crate) use endpoint::{Endpoint, LocalAddress};
pub(crate) use listener::Bridge;
pub(crate) use login_status::{FailedLogin, LoginStatus};
pub(crate) use startup_secret::OPTION as SECRET_OPTION;
