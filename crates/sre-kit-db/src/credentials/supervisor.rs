//! The task that refreshes tokens ahead of time, and resets a source that is stuck.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::backoff::{Backoff, jittered};
use super::credential_state::{CredentialOutage, CredentialState, IssuedToken};
use super::source::{Token, TokenError, TokenSource};
use crate::instrument::CredentialMetrics;

/// The longest that a source may take.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// The polling interval of a source that does not say when its token expires.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The time after which a source that returns only transient errors is reset too.
const RESET_AFTER: Duration = Duration::from_secs(20);

/// The shortest time between two resets because of rejected tokens. A server that rejects every
/// token must not cause a reset each time.
const REJECTION_INTERVAL: Duration = Duration::from_secs(5);

/// The longest that a login waits for newer credentials after its own were rejected.
pub(crate) const RENEWAL_WAIT: Duration = Duration::from_secs(2);

/// Keeps one token valid. Logins read it here and never call the source themselves.
#[derive(Debug)]
pub(crate) struct Supervisor {
    state: watch::Receiver<CredentialState>,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    wake: Notify,
    /// The newest generation that a server has rejected.
    rejected_credential: AtomicU64,
}

impl Supervisor {
    /// Starts the task. Dropping the supervisor ends it.
    pub(crate) fn spawn(source: Arc<dyn TokenSource>, metrics: CredentialMetrics) -> Self {
        let (sender, state) = watch::channel(CredentialState::default());
        let shared = Arc::new(Shared::default());
        let task = Task { source, sender, shared: Arc::clone(&shared), metrics };
        Self { state, shared, _task: AbortOnDropHandle::new(tokio::spawn(task.run())) }
    }

    pub(crate) fn state(&self) -> CredentialState {
        self.state.borrow().clone()
    }

    /// Returns the current token. Waits for the first one until the deadline, and then returns why
    /// there is none.
    pub(crate) async fn token(&self, deadline: Instant) -> Result<Arc<IssuedToken>, TokenError> {
        if let Some(token) = self.newer_than(0, deadline).await {
            return Ok(token);
        }
        let outage = self.state.borrow().outage.clone();
        Err(outage.map_or_else(
            || TokenError::transient("there is no token yet"),
            |outage| TokenError::transient(&outage.reason),
        ))
    }

    /// Waits until the deadline for a token after `generation`.
    pub(crate) async fn newer_than(
        &self,
        generation: u64,
        deadline: Instant,
    ) -> Option<Arc<IssuedToken>> {
        let mut state = self.state.clone();
        let newer = state.wait_for(|state| state.generation() > generation);
        timeout_at(deadline, newer).await.ok()?.ok()?.token.clone()
    }

    /// Reports that a server rejected the token of `generation`. Unless there is a newer one
    /// already, it is requested at once.
    pub(crate) fn reject(&self, generation: u64) {
        // Release: the task that `wake` wakes reads this generation or a newer one.
        self.shared.rejected_credential.fetch_max(generation, Ordering::AcqRel);
        self.shared.wake.notify_one();
    }

    /// Returns the age of the token in seconds.
    pub(crate) fn token_age(&self) -> Option<f64> {
        let state = self.state.borrow();
        state.token.as_ref().map(|token| token.obtained.elapsed().as_secs_f64())
    }
}

struct Task {
    source: Arc<dyn TokenSource>,
    sender: watch::Sender<CredentialState>,
    shared: Arc<Shared>,
    metrics: CredentialMetrics,
}

impl Task {
    async fn run(self) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let mut last_rejection: Option<Instant> = None;
        loop {
            let result = timeout(TOKEN_TIMEOUT, self.source.token()).await.unwrap_or_else(|_| {
                Err(TokenError::transient(format_args!("no answer within {TOKEN_TIMEOUT:?}")))
            });
            let pause = match result {
                Ok(token) => {
                    backoff.reset();
                    let pause = token.expires_in.map_or_else(
                        || jittered(POLL_INTERVAL, 0.2),
                        |time| jittered(time.mul_f64(0.5), 0.1).max(Duration::from_millis(100)),
                    );
                    self.accept(token);
                    pause
                }
                Err(error) => {
                    if self.fail(&error) {
                        self.reset();
                    }
                    backoff.pause()
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.shared.wake.notified() => {
                    let rejected = self.shared.rejected_credential.load(Ordering::Acquire);
                    let recent = last_rejection.is_some_and(|at| at.elapsed() < REJECTION_INTERVAL);
                    if rejected >= self.sender.borrow().generation() && !recent {
                        last_rejection = Some(Instant::now());
                        self.reset();
                    } else {
                        // The token was replaced, or rejected too often: keep the usual pace.
                        sleep(pause.min(POLL_INTERVAL)).await;
                    }
                }
            }
        }
    }

    fn accept(&self, token: Token) {
        let expires = token.expires_in.map(|time| Instant::now() + time);
        self.sender.send_if_modified(|state| {
            let recovered = state.outage.take();
            if recovered.is_some() {
                tracing::info!("there are database credentials again");
            }
            if let Some(known) = state.token.as_mut().filter(|known| known.secret == token.secret) {
                if known.expires != expires {
                    *known = Arc::new(IssuedToken { expires, ..IssuedToken::clone(known) });
                }
                return recovered.is_some();
            }
            let generation = state.generation() + 1;
            let (secret, obtained) = (token.secret, Instant::now());
            state.token = Some(Arc::new(IssuedToken { secret, generation, obtained, expires }));
            self.metrics.refreshed();
            true
        });
    }

    /// Records an error, and returns whether the source has to be reset.
    fn fail(&self, error: &TokenError) -> bool {
        self.metrics.failed(if error.is_permanent() { "permanent" } else { "transient" });
        let mut needs_reset = error.is_permanent();
        self.sender.send_modify(|state| {
            let since = state.outage.as_ref().map_or_else(Instant::now, |outage| outage.since);
            if state.outage.is_none() {
                tracing::warn!(
                    %error,
                    "no database credentials; connections that exist live on until there are"
                );
            }
            needs_reset |= state.token.is_none() || since.elapsed() >= RESET_AFTER;
            state.outage = Some(CredentialOutage { since, reason: error.to_string().into() });
        });
        needs_reset
    }

    fn reset(&self) {
        self.metrics.reset();
        self.source.reset();
    }
}
