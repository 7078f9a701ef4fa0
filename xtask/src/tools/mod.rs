//! What a check needs from outside Rust, and how to get it.
//!
//! Programs from Debian are installed by apt. Everything else is built from its
//! own source, or installed by the client of its registry, and kept by name and
//! version outside the clone, so that every clone on the machine shares it.

mod build;
mod cache;
mod catalogue;
mod debian;
mod install;
mod tool;

pub(crate) use cache::Cache;
pub(crate) use catalogue::{all, by_name, expand, names, versions};
pub(crate) use debian::is_root;
pub(crate) use install::{Installer, about};
pub(crate) use tool::{Provider, Source, Tool, Wrapper};

/// Where a program is, looked for as steps look for theirs.
pub(crate) fn find_program(name: &str) -> Option<std::path::PathBuf> {
    debian::find_program(name).map(|found| found.dir.join(name))
}
