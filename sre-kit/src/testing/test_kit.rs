//! A kit for a test.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing::dispatcher::DefaultGuard;

use super::call_context::CallContext;
use super::log_line::{self, LogLine};
use super::log_store::LogStore;
use super::scrape::{MetricAssert, Scrape};
use super::slo_assert::SloAssert;
#[cfg(feature = "telemetry")]
use super::span_tree::SpanTree;
use super::test_client::TestClient;
use super::test_time::TestTime;
use crate::golden_signals::Outcome;
use crate::{ConfigError, SreKit, SreKitBuilder};

/// A [`SreKit`] that opens no port and shares nothing with other kits of the process, and
/// assertions about what it recorded.
///
/// Assertions that compare, such as [`MetricAssert::assert_rose_by`], use the moment of the last
/// [`mark`](Self::mark) as the baseline, or that of the construction. See the
/// [module](crate::testing) for examples.
pub struct TestKit {
    kit: SreKit,
    context: CallContext,
    logs: LogStore,
    #[cfg(feature = "telemetry")]
    spans: crate::testing::CapturedSpans,
    #[cfg(feature = "telemetry")]
    telemetry: crate::telemetry::Telemetry,
    baseline: Mutex<Scrape>,
}

/// The guard of [`TestKit::set_default`]. Dropping it restores the subscriber of before.
#[must_use = "dropping the guard restores the subscriber of before"]
pub struct SubscriberGuard {
    _guard: DefaultGuard,
}

impl TestKit {
    /// Builds a kit with the settings of `builder`, which is best the one that the service itself
    /// uses.
    ///
    /// These settings are replaced: the clocks, by those of the test; the SLO checkpoint, by none;
    /// and with the feature `telemetry` the telemetry, by one that samples and keeps every span.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`SreKitBuilder::build`].
    pub fn new(builder: SreKitBuilder) -> Result<Self, ConfigError> {
        let (time, slo_clock, request_clock) = TestTime::new();
        let logs = LogStore::default();
        let builder = builder.for_test(slo_clock, request_clock);
        #[cfg(feature = "telemetry")]
        {
            let spans = crate::testing::CapturedSpans::default();
            let telemetry = telemetry(&spans, &logs)?;
            let dispatch = telemetry.dispatch().clone();
            let kit = builder.telemetry(&telemetry).build()?;
            let baseline = Mutex::new(Scrape::of(kit.registry()));
            let context = CallContext { time, dispatch };
            Ok(Self { kit, context, logs, spans, telemetry, baseline })
        }
        #[cfg(not(feature = "telemetry"))]
        {
            let dispatch = tracing::Dispatch::new(super::log_subscriber::LogSubscriber::new(&logs));
            let kit = builder.build()?;
            let baseline = Mutex::new(Scrape::of(kit.registry()));
            Ok(Self { kit, context: CallContext { time, dispatch }, logs, baseline })
        }
    }

    /// Returns the kit, to pass to the code of the service.
    pub fn kit(&self) -> &SreKit {
        &self.kit
    }

    /// Returns the telemetry, for example to wrap a client or to change the log level.
    #[cfg(feature = "telemetry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "telemetry")))]
    pub fn telemetry(&self) -> &crate::telemetry::Telemetry {
        &self.telemetry
    }

    /// Returns a client that calls `service`, which has the [layer](SreKit::http_layer) of this
    /// kit.
    ///
    /// `service` is generic over its request body, like `axum::Router` and the services of tonic:
    /// the body of these requests is `http_body_util::Full<Bytes>`.
    pub fn client<S>(&self, service: S) -> TestClient<S> {
        TestClient { service, context: self.context.clone() }
    }

    /// Runs a future with the subscriber and the time of this kit, for example that of a job.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        self.context.run(future).await
    }

    /// Makes the subscriber of this kit that of the current thread, until the guard is dropped.
    ///
    /// [`client`](Self::client) and [`run`](Self::run) need no guard. Tasks that a handler spawns
    /// do: with it, the runtime of `#[tokio::test]`, which has one thread, runs them with this
    /// subscriber.
    pub fn set_default(&self) -> SubscriberGuard {
        SubscriberGuard { _guard: tracing::dispatcher::set_default(&self.context.dispatch) }
    }

    /// Makes this moment the baseline of later assertions, and forgets log lines and spans.
    pub fn mark(&self) {
        *self.baseline.lock().unwrap_or_else(PoisonError::into_inner) = self.scrape();
        self.logs.clear();
        #[cfg(feature = "telemetry")]
        self.spans.clear();
    }

    /// Moves the time of this kit forward by `by`, and takes the snapshots of the SLO windows that
    /// are due meanwhile.
    ///
    /// This moves SLO windows and request durations. It does not move tokio's timers: use tokio's
    /// paused time for them, which the time of this kit follows.
    pub fn advance(&self, by: Duration) {
        // As often as the ticker, but not more than needed: windows of hours are coarser.
        let step = Duration::from_secs(if by > Duration::from_hours(6) { 60 } else { 2 });
        self.context.time.follow();
        let mut left = by;
        while !left.is_zero() {
            let step = step.min(left);
            left -= step;
            self.context.time.advance(step);
            self.kit.budgets().tick();
        }
    }

    /// Returns the time since the kit was built, as the SLO windows measure it.
    pub fn elapsed(&self) -> Duration {
        self.context.time.elapsed()
    }

    /// Records `per_second` good events of an SLO for `duration`, moves the time forward as much,
    /// and [marks](Self::mark) the end.
    ///
    /// Call it before an alert is tested: in a process without a past, the first failures are all
    /// that its windows contain, and a page fires at once.
    ///
    /// # Panics
    ///
    /// Panics if there is no SLO of this name.
    #[track_caller]
    pub fn past_traffic(&self, slo: &str, per_second: u64, duration: Duration) {
        const STEP: Duration = Duration::from_secs(10);
        let budget = self.budget(slo);
        let mut left = duration;
        while !left.is_zero() {
            let step = STEP.min(left);
            left -= step;
            budget.add(per_second * step.as_secs(), 0);
            self.advance(step);
        }
        self.mark();
    }

    /// Scrapes the registry.
    #[track_caller]
    pub fn scrape(&self) -> Scrape {
        Scrape::of(self.kit.registry())
    }

    /// Selects the samples called `name` for an assertion.
    #[track_caller]
    pub fn metric(&self, name: impl Into<String>) -> MetricAssert {
        self.scrape().metric_since(self.baseline(), name.into())
    }

    /// Returns assertions about the events that an SLO counted since the baseline.
    ///
    /// # Panics
    ///
    /// Panics if there is no SLO of this name.
    #[track_caller]
    pub fn slo(&self, name: &str) -> SloAssert {
        self.budget(name);
        SloAssert::new(name, self.scrape(), self.baseline())
    }

    /// Returns the log lines since the baseline.
    pub fn log_lines(&self) -> Vec<LogLine> {
        self.logs.all()
    }

    /// Asserts that a line whose message contains `text` was logged since the baseline, and returns
    /// the first one.
    ///
    /// # Panics
    ///
    /// Panics if none was.
    #[track_caller]
    pub fn assert_logged(&self, text: &str) -> LogLine {
        let lines = self.logs.all();
        match lines.iter().find(|line| line.message.contains(text)) {
            Some(line) => line.clone(),
            None => panic!(
                "expected a log line with `{text}` in its message, but there is none.\n{}",
                log_line::list(&lines)
            ),
        }
    }

    /// Asserts that no line at WARNING or ERROR was logged since the baseline.
    ///
    /// # Panics
    ///
    /// Panics if one was.
    #[track_caller]
    pub fn assert_no_warnings(&self) {
        let mut lines = self.logs.all();
        lines.retain(|line| matches!(line.severity(), "WARNING" | "ERROR"));
        assert!(
            lines.is_empty(),
            "expected no warning in the log, but found {}.\n{}",
            lines.len(),
            log_line::list(&lines)
        );
    }

    /// Returns the spans that ended since the baseline.
    #[cfg(feature = "telemetry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "telemetry")))]
    pub fn spans(&self) -> SpanTree {
        SpanTree::new(self.spans.all())
    }

    /// Asserts that every request that started has ended, and that the outcomes add up.
    ///
    /// # Panics
    ///
    /// Panics if a request is in flight, such as one whose response body is held somewhere.
    #[track_caller]
    pub fn assert_nothing_in_flight(&self) {
        let signals = self.kit.signals();
        let in_flight = signals.in_flight();
        if in_flight == 0 {
            return;
        }
        let ended: Vec<_> = Outcome::ALL
            .into_iter()
            .filter(|outcome| signals.ended(*outcome) > 0)
            .map(|outcome| format!("{outcome} {}", signals.ended(outcome)))
            .collect();
        let ended = if ended.is_empty() { "none".to_owned() } else { ended.join(", ") };
        panic!(
            "expected no request in flight, but found {in_flight} of {} that started; a response \
             body that is neither read to its end nor dropped keeps its request in flight.\n\
             Ended are: {ended}.",
            signals.started()
        );
    }

    /// Asserts that no series is new since the baseline, so that nothing a client sends becomes a
    /// label.
    ///
    /// Send each kind of request once and call [`mark`](Self::mark) before: a series is created
    /// when it is first needed.
    ///
    /// # Panics
    ///
    /// Panics if a series is new.
    #[track_caller]
    pub fn assert_no_new_series(&self) {
        let (now, before) = (self.scrape(), self.baseline());
        let new = now.new_series_since(&before);
        if new.is_empty() {
            return;
        }
        let list: Vec<_> = new.iter().take(20).map(|series| format!("  {series}")).collect();
        panic!(
            "expected no new series, but found {} beside the {} of before.\nNew are:\n{}",
            new.len(),
            before.samples().count(),
            list.join("\n")
        );
    }

    #[track_caller]
    pub(super) fn budget(&self, slo: &str) -> crate::slo::Budget {
        match self.kit.slo(slo) {
            Ok(budget) => budget,
            Err(error) => panic!("{error}"),
        }
    }

    fn baseline(&self) -> Scrape {
        self.baseline.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Builds telemetry that samples every trace, keeps the spans and writes the log to `logs`.
#[cfg(feature = "telemetry")]
fn telemetry(
    spans: &crate::testing::CapturedSpans,
    logs: &LogStore,
) -> Result<crate::telemetry::Telemetry, ConfigError> {
    use crate::telemetry::{LogFormat, Sampler, Telemetry};

    let writer = logs.clone();
    Telemetry::builder()
        .sampler(Sampler::always_on())
        .capture_spans(spans)
        .log_format(LogFormat::Json)
        .log_writer(move || writer.clone())
        .build()
}

impl fmt::Debug for TestKit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestKit").field("kit", &self.kit).finish_non_exhaustive()
    }
}

impl fmt::Debug for SubscriberGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubscriberGuard")
    }
}
