//! Marks that name the phase in which a connection failed.

mod connect_error;
mod marked;

pub use connect_error::{ConnectError, ConnectPhase};
pub use marked::{Marked, MarkedFuture};
