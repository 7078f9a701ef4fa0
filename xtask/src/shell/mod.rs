//! Commands that print themselves, and what test runners say.

mod cmd;
mod lines;
mod quote;
mod tally;

pub(crate) use cmd::Cmd;
pub(crate) use tally::Tally;
