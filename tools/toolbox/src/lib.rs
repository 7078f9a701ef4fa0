//! What a check needs from outside Rust, and how to get it.
//!
//! Programs from Debian are installed by apt. Everything else is built from its
//! own source, or installed by the client of its registry, and kept by name and
//! version outside the clone, so that every clone on the machine shares it.
#![allow(clippy::print_stdout, reason = "a command line tool speaks there")]

mod build;
mod cache;
mod catalogue;
mod command;
mod debian;
mod install;
mod progress;
mod tool;
mod tools;

pub use cache::Cache;
pub use catalogue::{all, by_name, expand, names, versions};
pub use command::run;
pub use debian::is_root;
pub use install::{Installer, Missing, Ready, about};
pub use progress::Progress;
pub use tool::{Provider, Source, Tool, Wrapper};

/// Finds a program in `PATH`, or where Debian keeps servers.
pub fn find_program(name: &str) -> Option<std::path::PathBuf> {
    debian::find_program(name).map(|found| found.dir.join(name))
}
