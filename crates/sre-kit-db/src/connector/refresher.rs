//! The task that refreshes certificates.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::connection_info::ConnectionInfo;
use super::issuer::CertificateIssuer;
use super::refresh_limiter::RefreshLimiter;
use crate::credentials::{Backoff, Supervisor, jittered};
use crate::instrument::CertificateMetrics;
use crate::transport::{DialError, DialErrorKind};

/// The longest that a certificate may take, all retries together.
const ISSUE_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest wait for a token.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// The shortest time between two refreshes, whatever the lifetime of certificates is.
const MIN_INTERVAL: Duration = Duration::from_millis(500);

/// The state of the refreshes.
#[derive(Clone, Default)]
pub(super) struct RefreshState {
    /// The newest certificate.
    pub(super) info: Option<Arc<ConnectionInfo>>,
    /// Why the last refresh failed; `None` if it succeeded.
    pub(super) failure: Option<DialError>,
}

impl RefreshState {
    fn generation(&self) -> u64 {
        self.info.as_ref().map_or(0, |info| info.generation)
    }

    fn valid(&self) -> Option<Arc<ConnectionInfo>> {
        self.info.clone().filter(|info| !info.has_expired())
    }
}

/// Keeps one certificate valid. Dials read it here and never call the Admin API themselves.
pub(super) struct Refresher {
    state: watch::Receiver<RefreshState>,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

/// The state that dials and the task share.
struct Shared {
    /// Wakes the task. Only a caller that got a permit of the limiter may notify.
    wake: Notify,
    limiter: Mutex<RefreshLimiter>,
}

impl Shared {
    fn limiter(&self) -> MutexGuard<'_, RefreshLimiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refresher {
    /// Starts the task. Dropping the refresher ends it.
    pub(super) fn spawn(
        issuer: Arc<dyn CertificateIssuer>,
        login: Arc<Supervisor>,
        metrics: CertificateMetrics,
    ) -> Self {
        let (sender, state) = watch::channel(RefreshState::default());
        let limiter = Mutex::new(RefreshLimiter::new());
        let shared = Arc::new(Shared { wake: Notify::new(), limiter });
        let task = Task { issuer, login, sender, shared: Arc::clone(&shared), metrics };
        Self { state, shared, _task: AbortOnDropHandle::new(tokio::spawn(task.run())) }
    }

    pub(super) fn state(&self) -> RefreshState {
        self.state.borrow().clone()
    }

    /// Returns the valid certificate. Waits for one until the deadline, unless a refresh has
    /// failed.
    pub(super) async fn current(
        &self,
        deadline: Instant,
    ) -> Result<Arc<ConnectionInfo>, DialError> {
        let last = self.state();
        if let Some(info) = last.valid() {
            return Ok(info);
        }
        if last.info.is_some() {
            // It expired: the machine slept, or the Admin API failed for too long.
            self.reject(last.generation());
        }
        let mut state = self.state.clone();
        let changed = state.wait_for(|state| state.valid().is_some() || state.failure.is_some());
        let found = match timeout_at(deadline, changed).await {
            Ok(Ok(state)) => state.clone(),
            _ => RefreshState::default(),
        };
        found.valid().ok_or_else(|| {
            found.failure.unwrap_or_else(|| {
                DialError::timed_out("there is no certificate for the instance yet")
            })
        })
    }

    /// Reports that the certificate of `generation` did not work, and requests a newer one, within
    /// the limit. Returns whether there is a newer one or one is on its way.
    pub(super) fn reject(&self, generation: u64) -> bool {
        if self.state.borrow().generation() > generation {
            return true;
        }
        let permitted = self.shared.limiter().take();
        if permitted {
            self.shared.wake.notify_one();
        }
        permitted
    }

    /// Waits until the deadline for a certificate after `generation`, and returns whether there is
    /// one.
    pub(super) async fn has_newer(&self, generation: u64, deadline: Instant) -> bool {
        self.wait(deadline, |state| state.generation() > generation).await
    }

    /// Waits until the deadline for a certificate with a token after `token`, and returns whether
    /// there is one.
    pub(super) async fn has_newer_token(&self, token: u64, deadline: Instant) -> bool {
        let newer = |info: &Arc<ConnectionInfo>| info.token_generation > token;
        self.wait(deadline, |state| state.info.as_ref().is_some_and(newer)).await
    }

    async fn wait(&self, deadline: Instant, until: impl FnMut(&RefreshState) -> bool) -> bool {
        let mut state = self.state.clone();
        matches!(timeout_at(deadline, state.wait_for(until)).await, Ok(Ok(_)))
    }

    /// Returns the generation of the token in the certificate of `generation`, or of the newest
    /// certificate if that one was replaced.
    pub(super) fn token_generation(&self, generation: u64) -> Option<u64> {
        let state = self.state.borrow();
        let info = state.info.as_ref().filter(|info| info.generation >= generation)?;
        Some(info.token_generation)
    }
}

impl fmt::Debug for Refresher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresher").finish_non_exhaustive()
    }
}

struct Task {
    issuer: Arc<dyn CertificateIssuer>,
    login: Arc<Supervisor>,
    sender: watch::Sender<RefreshState>,
    shared: Arc<Shared>,
    metrics: CertificateMetrics,
}

impl Task {
    async fn run(self) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        loop {
            let requested = Instant::now();
            let (token, result) = self.request().await;
            let pause = match result {
                Ok(info) => {
                    backoff.reset();
                    let lifetime = info.expires_in();
                    self.shared.limiter().set_lifetime(lifetime);
                    self.accept(info);
                    jittered(lifetime.mul_f64(0.5), 0.1).max(MIN_INTERVAL)
                }
                Err(error) => {
                    self.fail(error);
                    backoff.pause()
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                // The caller that notified has taken the permit already.
                () = self.shared.wake.notified() => {}
                () = self.newer_token(token) => {}
            }
            sleep_until(requested + MIN_INTERVAL).await;
        }
    }

    /// Requests a certificate. Returns the generation of the token that was used too.
    async fn request(&self) -> (u64, Result<ConnectionInfo, DialError>) {
        let login = match self.login.token(Instant::now() + TOKEN_TIMEOUT).await {
            Ok(login) => login,
            Err(error) => {
                let message = format_args!("there is no token: {error}").to_string();
                let error = DialError::new(DialErrorKind::Credentials, "no_token", message)
                    .caused_by(error);
                return (0, Err(error));
            }
        };
        let issued = self.issuer.issue(&login);
        let issued = timeout(ISSUE_TIMEOUT, issued).await.unwrap_or_else(|_| {
            let within = format_args!("no answer of the Admin API within {ISSUE_TIMEOUT:?}");
            Err(DialError::timed_out(within.to_string()))
        });
        let generation = self.sender.borrow().generation() + 1;
        (login.generation, issued.map(|issued| ConnectionInfo::new(issued, generation, &login)))
    }

    /// Completes when there is a token after `token`, and the limit permits a refresh.
    async fn newer_token(&self, token: u64) {
        let far = Instant::now() + Duration::from_hours(24);
        if self.login.newer_than(token, far).await.is_none() {
            std::future::pending::<()>().await;
        }
        loop {
            let ready_at = self.shared.limiter().ready_at();
            sleep_until(ready_at).await;
            if self.shared.limiter().take() {
                return;
            }
        }
    }

    fn accept(&self, info: ConnectionInfo) {
        self.metrics.refreshed();
        self.sender.send_modify(|state| {
            state.info = Some(Arc::new(info));
            if state.failure.take().is_some() {
                tracing::info!("there are certificates for the database again");
            }
        });
    }

    fn fail(&self, error: DialError) {
        self.metrics.failed(error.error_type);
        self.sender.send_modify(|state| {
            if state.failure.is_none() {
                tracing::warn!(
                    %error,
                    "no certificate for the database; connections that exist live on until there is"
                );
            }
            state.failure = Some(error);
        });
    }
}
