//! Where tokens come from.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::Secret;

/// Gives the token that is current.
///
/// One task asks, one question at a time, and asks again before the token ends. An
/// answer that takes longer than ten seconds is given up: the future is dropped where
/// it last waited.
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
    /// The token that is current.
    fn token(&self) -> BoxFuture<'_, Result<Token, TokenError>>;

    /// Forgets what is cached and what has failed: the next question is asked as if it
    /// were the first. Called when a token was refused, or an error would not go away.
    fn reset(&self) {}
}

/// A token, and how long it lasts where that is known.
#[derive(Clone, Debug)]
pub struct Token {
    pub(crate) secret: Secret,
    pub(crate) lasts: Option<Duration>,
}

impl Token {
    /// A token that lasts nobody knows how long: its source is asked about once a
    /// second, so it should answer from memory.
    pub fn new(secret: Secret) -> Self {
        Self { secret, lasts: None }
    }

    /// It lasts this long from now on. Its source is asked again when half of that is
    /// over.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.lasts = Some(time);
        self
    }
}

/// Why there is no token.
#[derive(Clone, Debug)]
pub struct TokenError {
    pub(crate) permanent: bool,
    message: String,
}

impl TokenError {
    /// Asking again later may help.
    pub fn transient(message: impl fmt::Display) -> Self {
        Self { permanent: false, message: message.to_string() }
    }

    /// Asking again helps only after [`start_over`](TokenSource::start_over).
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self { permanent: true, message: message.to_string() }
    }

    /// Whether asking again helps only after [`start_over`](TokenSource::start_over).
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
