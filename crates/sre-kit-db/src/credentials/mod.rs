//! Tokens, their sources, and the task that refreshes them.

mod backoff;
#[cfg(feature = "postgres")]
mod credential_state;
#[cfg(feature = "iam")]
mod google;
mod source;
#[cfg(feature = "postgres")]
mod supervisor;

pub(crate) use backoff::Backoff;
#[cfg(any(feature = "migrate", feature = "postgres"))]
pub(crate) use backoff::jittered;
#[cfg(feature = "postgres")]
pub(crate) use credential_state::IssuedToken;
#[cfg(feature = "iam")]
pub use google::GoogleTokens;
pub use source::{Token, TokenError, TokenSource};
#[cfg(feature = "postgres")]
pub(crate) use supervisor::{RENEWAL_WAIT, Supervisor};

#[cfg(all(test, feature = "postgres"))]
mod tests;
