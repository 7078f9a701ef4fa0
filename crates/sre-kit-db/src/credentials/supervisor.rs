//! One task owns the credentials: it asks ahead of time, and mends a source that is
//! stuck.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::backoff::{Backoff, jittered};
use super::source::{Token, TokenError, TokenSource};
use super::state::{CredentialState, Failing, Issued};
use crate::instrument::CredentialMetrics;

/// How long a source may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How often a source is looked at that does not tell how long its token lasts.
const LOOK: Duration = Duration::from_secs(1);

/// A source that has given nothing but errors for so long is made to start over, even
/// if it calls them transient.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that refuses every token must not make the source start over each time.
const SUSPICIONS: Duration = Duration::from_secs(5);

/// Whoever needs a token asks here, and never the source.
#[derive(Debug)]
pub(crate) struct Supervisor {
    state: watch::Receiver<CredentialState>,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    nudge: Notify,
    /// The newest generation that a server has refused.
    suspect: AtomicU64,
}

impl Supervisor {
    /// Starts the task, which ends when this is dropped.
    pub(crate) fn spawn(source: Arc<dyn TokenSource>, metrics: CredentialMetrics) -> Self {
        let (sender, state) = watch::channel(CredentialState::default());
        let shared = Arc::new(Shared::default());
        let task = Task { source, sender, shared: Arc::clone(&shared), metrics };
        Self { state, shared, _task: AbortOnDropHandle::new(tokio::spawn(task.run())) }
    }

    pub(crate) fn state(&self) -> CredentialState {
        self.state.borrow().clone()
    }

    /// The current token; waits for the first one until the deadline, and then tells
    /// why there is none.
    pub(crate) async fn token(&self, deadline: Instant) -> Result<Arc<Issued>, TokenError> {
        if let Some(token) = self.newer_than(0, deadline).await {
            return Ok(token);
        }
        let failing = self.state.borrow().failing.clone();
        Err(failing.map_or_else(
            || TokenError::transient("there is no token yet"),
            |failing| TokenError::transient(&failing.reason),
        ))
    }

    /// The first token that came after `generation`.
    pub(crate) async fn newer_than(
        &self,
        generation: u64,
        deadline: Instant,
    ) -> Option<Arc<Issued>> {
        let mut state = self.state.clone();
        let newer = state.wait_for(|state| state.generation() > generation);
        timeout_at(deadline, newer).await.ok()?.ok()?.token.clone()
    }

    /// A server has refused the token of this generation: a newer one is asked for at
    /// once, unless there is one.
    pub(crate) fn suspect(&self, generation: u64) {
        self.shared.suspect.fetch_max(generation, Ordering::AcqRel);
        self.shared.nudge.notify_one();
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
        let mut accused: Option<Instant> = None;
        loop {
            let answer = timeout(ANSWER, self.source.token()).await.unwrap_or_else(|_| {
                Err(TokenError::transient(format_args!("no answer within {ANSWER:?}")))
            });
            let pause = match answer {
                Ok(token) => {
                    backoff.reset();
                    let pause = token.lasts.map_or_else(
                        || jittered(LOOK, 0.2),
                        |lasts| jittered(lasts.mul_f64(0.5), 0.1).max(Duration::from_millis(100)),
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
                () = self.shared.nudge.notified() => {
                    let refused = self.shared.suspect.load(Ordering::Acquire);
                    let recent = accused.is_some_and(|at| at.elapsed() < SUSPICIONS);
                    if refused >= self.sender.borrow().generation() && !recent {
                        accused = Some(Instant::now());
                        self.reset();
                    } else {
                        // No answer is worth more for being asked for again at once.
                        sleep(pause.min(LOOK)).await;
                    }
                }
            }
        }
    }

    fn accept(&self, token: Token) {
        let ends = token.lasts.map(|lasts| Instant::now() + lasts);
        self.sender.send_if_modified(|state| {
            let healed = state.failing.take();
            if healed.is_some() {
                tracing::info!("there are database credentials again");
            }
            if let Some(known) = state.token.as_mut().filter(|known| known.secret == token.secret) {
                if known.ends != ends {
                    *known = Arc::new(Issued { ends, ..Issued::clone(known) });
                }
                return healed.is_some();
            }
            let generation = state.generation() + 1;
            let (secret, obtained) = (token.secret, Instant::now());
            state.token = Some(Arc::new(Issued { secret, generation, obtained, ends }));
            self.metrics.refreshed();
            true
        });
    }

    /// Whether the source should start over.
    fn fail(&self, error: &TokenError) -> bool {
        self.metrics.failed(if error.is_permanent() { "permanent" } else { "transient" });
        let mut start_over = error.is_permanent();
        self.sender.send_modify(|state| {
            let since = state.failing.as_ref().map_or_else(Instant::now, |failing| failing.since);
            if state.failing.is_none() {
                tracing::warn!(
                    %error,
                    "no database credentials; connections that exist live on until there are"
                );
            }
            start_over |= state.token.is_none() || since.elapsed() >= PATIENCE;
            state.failing = Some(Failing { since, reason: error.to_string().into() });
        });
        start_over
    }

    fn reset(&self) {
        self.metrics.started_over();
        self.source.reset();
    }
}
