//! Whole servers over loopback: what a user pays for a request, from the socket to the socket.
//!
//! The binary `server` runs one variant on one thread, under callgrind; the client is in this
//! process. The count of N requests is taken from that of 2 N, so that start, warm-up and end cancel
//! out. Only user-space instructions are counted: the kernel's share is the same for all variants,
//! but for the system calls that they make.

mod client;
mod count;
mod variants;

pub use client::Protocol;
pub use count::{available, per_request};
pub use variants::{Server, by_name, servers};
