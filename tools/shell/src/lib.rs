//! Commands that print themselves before they run, and the workspace they run in.
//!
//! * `Cmd`: a command whose printed form can be pasted into a shell
//! * `Tally`: how many tests passed, read from what test runners print
//! * `Workspace`: the root of this repository, its files and its members
#![allow(clippy::print_stdout, reason = "a command line tool speaks there")]

mod cmd;
mod lines;
mod quote;
mod tally;
mod workspace;

pub use cmd::Cmd;
pub use tally::Tally;
pub use workspace::{Member, Workspace};
