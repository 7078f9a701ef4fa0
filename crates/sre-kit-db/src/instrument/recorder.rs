//! The recorder of statements.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[cfg(any(feature = "postgres", feature = "sqlite"))]
use sea_orm::error::RuntimeErr;
use sea_orm::error::{ConnAcquireErr, DbErr};

use super::operation::Operation;
use super::pending::PendingRequests;
use super::pool_metrics::PoolMetrics;
use super::span::Span;

thread_local! {
    /// The duration of the last statement on this thread, without the wait for its connection.
    /// sea-orm calls back with it in the same poll in which the statement's future completes.
    static EXECUTED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// The callback of sea-orm at the end of each statement.
pub(crate) fn on_executed(elapsed: Duration) {
    EXECUTED.set(Some(elapsed));
}

/// Records statements.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) metrics: Arc<PoolMetrics>,
    pub(crate) pending: PendingRequests,
    /// Nanoseconds from `created` to the end of the last successful statement; 0 for none.
    last_success: Arc<AtomicU64>,
    created: Instant,
}

/// The source of the connection of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionSource {
    /// The pool: the statement may wait, and sea-orm reports its duration without the wait.
    Pool,
    /// A transaction, which has one. Also `BEGIN`, whose duration sea-orm does not report.
    Existing,
}

impl Recorder {
    pub(crate) fn new(metrics: Arc<PoolMetrics>) -> Self {
        Self {
            metrics,
            pending: PendingRequests::default(),
            last_success: Arc::default(),
            created: Instant::now(),
        }
    }

    /// Returns whether a statement succeeded within the last `time`.
    pub(crate) fn succeeded_within(&self, time: Duration) -> bool {
        let at = Duration::from_nanos(self.last_success.load(Ordering::Relaxed));
        !at.is_zero() && self.created.elapsed().saturating_sub(at) <= time
    }

    /// Runs one operation and records it.
    pub(crate) async fn run<T>(
        &self,
        operation: Operation,
        source: ConnectionSource,
        work: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let span = Span::start(&operation, self.metrics.common());
        let pending = (source == ConnectionSource::Pool).then(|| self.pending.start());
        let start = Instant::now();
        let result = span.around(work).await;
        let took = start.elapsed();
        drop(pending);
        let executed = EXECUTED.take();
        if source == ConnectionSource::Pool {
            // Without a callback the statement got no connection, or sea-orm does not report its
            // kind.
            match (executed, &result) {
                (Some(executed), _) => {
                    self.metrics.waits.observe_duration(took.saturating_sub(executed));
                }
                (None, Err(DbErr::ConnectionAcquire(_))) => {
                    self.metrics.waits.observe_duration(took);
                }
                (None, _) => {}
            }
        }
        let error_type = match &result {
            Ok(_) => {
                let now = u64::try_from(self.created.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.last_success.store(now, Ordering::Relaxed);
                std::borrow::Cow::Borrowed("")
            }
            Err(error) => {
                if matches!(error, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) {
                    self.metrics.timeouts.inc();
                }
                error_type(error)
            }
        };
        self.metrics.operation(&operation, &error_type, took);
        span.end(&error_type);
        result
    }
}

/// Returns the SQLSTATE if the server sent one, else the kind of the error.
fn error_type(error: &DbErr) -> std::borrow::Cow<'static, str> {
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    if let DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error)) = error
    {
        return match &**error {
            sqlx::Error::Database(error) => {
                error.code().map_or("database".into(), |code| code.into_owned().into())
            }
            sqlx::Error::Io(_) => "io".into(),
            sqlx::Error::PoolTimedOut => "pool_timeout".into(),
            sqlx::Error::PoolClosed => "pool_closed".into(),
            _ => "_OTHER".into(),
        };
    }
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => "pool_timeout".into(),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => "pool_closed".into(),
        _ => "_OTHER".into(),
    }
}
