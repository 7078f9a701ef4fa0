//! Sources of tokens.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::secret::Secret;

/// A source of tokens.
///
/// One task calls it, one call at a time, and calls it again before the token expires. A call that
/// takes longer than 10 s is cancelled: its future is dropped.
///
/// ```
/// use std::time::Duration;
///
/// use futures_util::FutureExt;
/// use futures_util::future::BoxFuture;
/// use sre_kit_db::{DbSettings, Secret, Token, TokenError, TokenSource};
///
/// struct Vault;
///
/// impl TokenSource for Vault {
///     fn token(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
///         async {
///             let secret = Secret::from("from the vault".to_owned());
///             Ok(Token::new(secret).expires_in(Duration::from_mins(15)))
///         }
///         .boxed()
///     }
/// }
/// # let ca = rcgen::generate_simple_self_signed(["db".to_owned()]).unwrap().cert.pem();
///
/// let settings = DbSettings::new("postgres+iam://shop@10.0.0.3:5432/shop")?
///     .server_ca(&ca)?
///     .token_source(Vault);
/// # Ok::<(), sre_kit_db::ConfigError>(())
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Returns the current token.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no token. Say with [`TokenError::transient`] or
    /// [`TokenError::permanent`] whether another call can work.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any await point. The next call has to work afterwards.
    fn token(&self) -> BoxFuture<'_, Result<Token, TokenError>>;

    /// Drops what is cached, tokens and errors, so that the next call starts from the beginning. It
    /// is called after a server rejected a token, and after an error that persists. Defaults to
    /// doing nothing.
    fn reset(&self) {}
}

/// A token, and its expiry if that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub(crate) secret: Secret,
    pub(crate) expires_in: Option<Duration>,
}

impl Token {
    /// Creates a token with unknown expiry. The source is then polled about once a second and
    /// should answer from a cache. Prefer [`expires_in`](Self::expires_in) if the expiry is known.
    pub fn new(secret: Secret) -> Self {
        Self { secret, expires_in: None }
    }

    /// Sets how long the token is valid, from now on. The source is called again after half of it.
    /// Defaults to an unknown expiry.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.expires_in = Some(time);
        self
    }
}

/// Why there is no token. The message is shown in logs, so it must not contain a secret.
#[derive(Clone, Debug)]
pub struct TokenError {
    pub(crate) permanent: bool,
    message: String,
}

impl TokenError {
    /// Creates an error that may go away by itself: the source is called again with backoff.
    pub fn transient(message: impl fmt::Display) -> Self {
        Self { permanent: false, message: message.to_string() }
    }

    /// Creates an error that stays until the source is [reset](TokenSource::reset), which is done
    /// before the next call.
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self { permanent: true, message: message.to_string() }
    }

    /// Returns whether the error stays until the source is [reset](TokenSource::reset).
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TokenError {}
