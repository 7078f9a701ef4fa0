//! A fake of IAM.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sre_kit::db::{Secret, Token, TokenError, TokenSource};
use tokio::sync::watch;

/// Issues tokens, and knows which of them are valid.
#[derive(Clone, Default)]
pub(crate) struct Tokens(Arc<Inner>);

#[derive(Default)]
struct Inner {
    good: Mutex<HashMap<String, Instant>>,
    issued: AtomicU64,
    logins: Mutex<Vec<(Instant, bool)>>,
    held: watch::Sender<bool>,
    asking: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Tokens {
    /// Issues a token that is valid for `lasts`. It is as long as Google's.
    pub(crate) fn issue(&self, lasts: Duration) -> String {
        let number = self.0.issued.fetch_add(1, Ordering::SeqCst);
        let token = format!("ya29.sesame-{number}-{}", "x".repeat(1_000));
        self.0.good.lock().expect("held").insert(token.clone(), Instant::now() + lasts);
        token
    }

    pub(crate) fn revoke_all(&self) {
        self.0.good.lock().expect("held").clear();
    }

    pub(crate) fn issued(&self) -> u64 {
        self.0.issued.load(Ordering::SeqCst)
    }

    /// Returns whether the token is valid, and records the login.
    pub(crate) fn check(&self, token: &str) -> bool {
        let good = self.0.good.lock().expect("held");
        let fine = good.get(token).is_some_and(|until| Instant::now() < *until);
        self.0.logins.lock().expect("held").push((Instant::now(), fine));
        fine
    }

    /// Like `check`, but waits while logins are held.
    pub(crate) async fn ask(&self, token: &str) -> bool {
        let asking = self.0.asking.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_at_once.fetch_max(asking, Ordering::SeqCst);
        let mut held = self.0.held.subscribe();
        held.wait_for(|held| !held).await.expect("the sender is ours");
        let fine = self.check(token);
        self.0.asking.fetch_sub(1, Ordering::SeqCst);
        fine
    }

    /// Holds all logins.
    pub(crate) fn hold(&self) {
        self.0.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.0.held.send_replace(false);
    }

    /// Returns the maximum number of concurrent logins.
    pub(crate) fn most_at_once(&self) -> usize {
        self.0.most_at_once.load(Ordering::SeqCst)
    }

    /// Returns the time of each login, and whether it succeeded.
    pub(crate) fn logins(&self) -> Vec<(Instant, bool)> {
        self.0.logins.lock().expect("held").clone()
    }
}

/// A source of tokens with a lifetime, which can be broken.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) tokens: Tokens,
    pub(crate) lasts: Duration,
    /// If set, the only token, like a password that is read once.
    pub(crate) frozen: Option<String>,
    pub(crate) broken: Arc<AtomicBool>,
    held: Arc<Mutex<Option<(String, Instant)>>>,
}

impl Source {
    pub(crate) fn new(tokens: &Tokens, lasts: Duration) -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let (frozen, held) = (None, Arc::default());
        Self { tokens: tokens.clone(), lasts, frozen, broken, held }
    }
}

impl TokenSource for Source {
    fn token(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        async {
            if let Some(frozen) = &self.frozen {
                return Ok(Token::new(Secret::from(frozen.clone())));
            }
            if self.broken.load(Ordering::SeqCst) {
                return Err(TokenError::transient("IAM is away"));
            }
            let mut held = self.held.lock().expect("held");
            let now = Instant::now();
            // As Google's do: a new one well before the old one ends.
            let fresh = held.as_ref().is_some_and(|(_, until)| now < *until);
            if !fresh {
                *held = Some((self.tokens.issue(self.lasts), now + self.lasts / 2));
            }
            let token = held.as_ref().map(|(token, _)| token.clone()).unwrap_or_default();
            Ok(Token::new(Secret::from(token)).expires_in(self.lasts / 4))
        }
        .boxed()
    }

    fn reset(&self) {
        *self.held.lock().expect("held") = None;
    }
}
