//! Whole servers over loopback: what a user pays for a request, from the socket to the socket.
//!
//! The binary `counts` runs one variant on one thread, under callgrind; the client is in this
//! process. The counting is switched on after a warm-up: the first request creates the series, and
//! the clock is calibrated for a time that varies. Only user-space instructions are counted: the kernel's share is the same for all variants,
//! but for the system calls that they make.

mod client;
mod count;
mod serve;
mod table;
mod variants;

pub use client::Protocol;
pub use count::{available, per_request};
pub use serve::serve;
pub use table::table;
pub use variants::{Server, by_name, servers};
