//! Tokens, their sources, and the task that refreshes them.

mod backoff;
mod credential_state;
#[cfg(feature = "iam")]
mod google;
mod source;
mod supervisor;

pub(crate) use backoff::{Backoff, jittered};
pub(crate) use credential_state::IssuedToken;
#[cfg(feature = "iam")]
pub use google::GoogleTokens;
pub use source::{Token, TokenError, TokenSource};
pub(crate) use supervisor::{RENEWAL_WAIT, Supervisor};

#[cfg(test)]
mod tests;
