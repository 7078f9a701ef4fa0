//! Tokens: where they come from, and the one task that keeps them fresh.

mod backoff;
#[cfg(feature = "iam")]
mod google;
mod source;
mod state;
mod supervisor;

pub(crate) use backoff::{Backoff, jittered};
#[cfg(feature = "iam")]
pub use google::GoogleTokens;
pub use source::{Token, TokenError, TokenSource};
pub(crate) use state::Issued;
pub(crate) use supervisor::Supervisor;

#[cfg(test)]
mod tests;
