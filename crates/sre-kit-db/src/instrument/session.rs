//! One statement from its start to its end.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::error::{ConnAcquireErr, DbErr, RuntimeErr};

use super::metrics::PoolMetrics;
use super::operation::Operation;
use super::span::Span;

thread_local! {
    /// How long the statement took that ended last on this thread, without the wait
    /// for its connection. sea-orm tells so by a callback, in the same poll in which
    /// the statement's future ends.
    static EXECUTED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// What sea-orm calls at the end of each statement.
pub(crate) fn executed(elapsed: Duration) {
    EXECUTED.set(Some(elapsed));
}

/// How many connections are wanted at the moment: by statements, and by open
/// transactions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand(Arc<AtomicU64>);

/// One of those, until it is dropped.
#[derive(Debug)]
pub(crate) struct Wanted(Arc<AtomicU64>);

impl Demand {
    pub(crate) fn want(&self) -> Wanted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Wanted(Arc::clone(&self.0))
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Records statements.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) metrics: Arc<PoolMetrics>,
    pub(crate) demand: Demand,
    /// Nanoseconds from `begun` to the end of the last statement that went well; 0 for
    /// none.
    went_well: Arc<AtomicU64>,
    begun: Instant,
}

/// Where the connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// From the pool, which may have to be waited for, and sea-orm tells the rest.
    Pool,
    /// It is there: a transaction has one. Or sea-orm does not tell.
    Elsewhere,
}

impl Recorder {
    pub(crate) fn new(metrics: Arc<PoolMetrics>, demand: Demand) -> Self {
        Self { metrics, demand, went_well: Arc::default(), begun: Instant::now() }
    }

    /// Whether a statement went well within this time.
    pub(crate) fn went_well_within(&self, time: Duration) -> bool {
        let at = Duration::from_nanos(self.went_well.load(Ordering::Relaxed));
        !at.is_zero() && self.begun.elapsed().saturating_sub(at) <= time
    }

    /// Runs one operation and records it.
    pub(crate) async fn run<T>(
        &self,
        operation: Operation,
        from: From,
        work: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let span = Span::start(&operation, self.metrics.common());
        let wanted = (from == From::Pool).then(|| self.demand.want());
        let start = Instant::now();
        let result = span.around(work).await;
        let took = start.elapsed();
        drop(wanted);
        let executed = EXECUTED.take();
        if from == From::Pool {
            // Without a word from sea-orm the statement never got a connection, or was
            // of a kind that it tells nothing of.
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
                let now = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.went_well.store(now, Ordering::Relaxed);
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

/// An SQLSTATE where the server gave one, else what kind of error it is.
fn error_type(error: &DbErr) -> std::borrow::Cow<'static, str> {
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
