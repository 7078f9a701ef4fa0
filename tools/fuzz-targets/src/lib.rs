//! What is fuzzed: one function per parser of what strangers, files or the environment say.
//!
//! `fuzz/` runs the functions under libFuzzer with coverage. The test of this crate runs them on
//! stable Rust over the corpus in `fuzz/corpus`, with a bounded number of mutations from a fixed
//! seed.

mod corpus;
mod mutate;
mod targets;

pub use corpus::corpus;
pub use mutate::Mutator;
pub use targets::{TARGETS, Target, checkpoint_seed};
