//! One task asks for certificates, ahead of time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::super::DialError;
use super::bucket::Bucket;
use super::info::{Fresh, Info};
use crate::credentials::{Backoff, Issued, Supervisor, jittered};
use crate::instrument::CertificateMetrics;

/// How long an answer may take, all repeated calls together.
const ANSWER: Duration = Duration::from_mins(1);

/// How long a token is waited for before that counts as a failure.
const TOKEN: Duration = Duration::from_secs(10);

/// Whatever lasts how long: nobody asks more often than this.
const LEAST: Duration = Duration::from_millis(500);

/// Gives certificates.
pub(super) trait Issue: Send + Sync + 'static {
    /// One with this token in it.
    fn issue<'a>(&'a self, login: &'a Issued) -> BoxFuture<'a, Result<Fresh, DialError>>;
}

/// What is known at one moment.
#[derive(Clone, Default)]
pub(super) struct State {
    /// The newest there was.
    pub(super) info: Option<Arc<Info>>,
    /// Why there is none that is newer.
    pub(super) failing: Option<DialError>,
}

impl State {
    fn generation(&self) -> u64 {
        self.info.as_ref().map_or(0, |info| info.generation)
    }
}

/// Whoever dials asks here, and never the Admin API.
pub(super) struct Refresher {
    state: watch::Receiver<State>,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

/// What those who dial tell the task.
struct Shared {
    nudge: Notify,
    bucket: Mutex<Bucket>,
}

impl Shared {
    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refresher {
    /// Starts the task, which ends when this is dropped.
    pub(super) fn spawn(
        issuer: Arc<dyn Issue>,
        login: Arc<Supervisor>,
        metrics: CertificateMetrics,
    ) -> Self {
        let (sender, state) = watch::channel(State::default());
        let shared = Arc::new(Shared { nudge: Notify::new(), bucket: Mutex::new(Bucket::new()) });
        let task = Task { issuer, login, sender, shared: Arc::clone(&shared), metrics };
        Self { state, shared, _task: AbortOnDropHandle::new(tokio::spawn(task.run())) }
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// What a connection needs now. Waits for it until the deadline, unless it is known
    /// why there is none.
    pub(super) async fn current(&self, deadline: Instant) -> Result<Arc<Info>, DialError> {
        let fine = |state: &State| state.info.clone().filter(|info| !info.is_over());
        let last = self.state();
        if let Some(info) = fine(&last) {
            return Ok(info);
        }
        if last.info.is_some() {
            // The machine slept, or nobody was answered for too long.
            self.suspect(last.generation());
        }
        let mut state = self.state.clone();
        let told = state.wait_for(|state| fine(state).is_some() || state.failing.is_some());
        let told = match timeout_at(deadline, told).await {
            Ok(Ok(state)) => state.clone(),
            _ => State::default(),
        };
        fine(&told).ok_or_else(|| {
            told.failing.unwrap_or_else(|| {
                DialError::new("timeout", "there is no certificate for the instance yet")
                    .transient()
            })
        })
    }

    /// What is known of this generation has not worked: it is asked for at once, unless
    /// there is a newer one or it was asked for too often. Whether one is to be expected.
    pub(super) fn suspect(&self, generation: u64) -> bool {
        if self.state.borrow().generation() > generation {
            return true;
        }
        let taken = self.shared.bucket().take();
        if taken {
            self.shared.nudge.notify_one();
        }
        taken
    }

    /// Whether there is a newer one before the deadline.
    pub(super) async fn newer_than(&self, generation: u64, deadline: Instant) -> bool {
        self.wait(deadline, |state| state.generation() > generation).await
    }

    /// Whether there is one with a newer token in it before the deadline.
    pub(super) async fn with_newer_token(&self, token: u64, deadline: Instant) -> bool {
        self.wait(deadline, |state| state.info.as_ref().is_some_and(|info| info.token > token))
            .await
    }

    async fn wait(&self, deadline: Instant, until: impl FnMut(&State) -> bool) -> bool {
        let mut state = self.state.clone();
        matches!(timeout_at(deadline, state.wait_for(until)).await, Ok(Ok(_)))
    }

    /// The generation of the token in the certificate of this generation; that of the
    /// newest, where there is a newer one.
    pub(super) fn token_of(&self, generation: u64) -> Option<u64> {
        let state = self.state.borrow();
        let info = state.info.as_ref().filter(|info| info.generation >= generation)?;
        Some(info.token)
    }
}

impl fmt::Debug for Refresher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresher").finish_non_exhaustive()
    }
}

struct Task {
    issuer: Arc<dyn Issue>,
    login: Arc<Supervisor>,
    sender: watch::Sender<State>,
    shared: Arc<Shared>,
    metrics: CertificateMetrics,
}

impl Task {
    async fn run(self) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        loop {
            let asked = Instant::now();
            let (token, answer) = self.ask().await;
            let pause = match answer {
                Ok(info) => {
                    backoff.reset();
                    let lasts = info.expires_in();
                    self.shared.bucket().lasts(lasts);
                    self.accept(info);
                    jittered(lasts.mul_f64(0.5), 0.1).max(LEAST)
                }
                Err(error) => {
                    self.fail(error);
                    backoff.pause()
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                // Whoever nudges has taken what there is of the bucket.
                () = self.shared.nudge.notified() => {}
                () = self.newer_token(token) => {}
            }
            sleep_until(asked + LEAST).await;
        }
    }

    /// The generation of the token that was used, and what came of it.
    async fn ask(&self) -> (u64, Result<Info, DialError>) {
        let login = match self.login.token(Instant::now() + TOKEN).await {
            Ok(login) => login,
            Err(error) => {
                let message = format_args!("there is no token: {error}").to_string();
                return (0, Err(DialError::new("no_token", message)));
            }
        };
        let answer = timeout(ANSWER, self.issuer.issue(&login)).await.unwrap_or_else(|_| {
            let message = format_args!("no answer of the Admin API within {ANSWER:?}").to_string();
            Err(DialError::new("timeout", message).transient())
        });
        let generation = self.sender.borrow().generation() + 1;
        (login.generation, answer.map(|fresh| Info::new(fresh, generation, &login)))
    }

    /// Ends when there is a token that came after this one, and it may be used.
    async fn newer_token(&self, token: u64) {
        let far = Instant::now() + Duration::from_hours(24);
        if self.login.newer_than(token, far).await.is_none() {
            std::future::pending::<()>().await;
        }
        loop {
            let ready = self.shared.bucket().ready();
            sleep_until(ready).await;
            if self.shared.bucket().take() {
                return;
            }
        }
    }

    fn accept(&self, info: Info) {
        self.metrics.refreshed();
        self.sender.send_modify(|state| {
            state.info = Some(Arc::new(info));
            if state.failing.take().is_some() {
                tracing::info!("there are certificates for the database again");
            }
        });
    }

    fn fail(&self, error: DialError) {
        self.metrics.failed(error.error_type);
        self.sender.send_modify(|state| {
            if state.failing.is_none() {
                tracing::warn!(
                    %error,
                    "no certificate for the database; connections that exist live on until there is"
                );
            }
            state.failing = Some(error);
        });
    }
}
