//! The graceful shutdown on a paused clock, without sockets.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{DrainReadiness, Lifecycle, LifecycleBuilder, ShutdownPhase, ShutdownReason, State};
use crate::metrics::{Registry, TextFormat};

const SECOND: Duration = Duration::from_secs(1);

fn builder() -> LifecycleBuilder {
    Lifecycle::builder().without_signals()
}

fn build(builder: LifecycleBuilder) -> Lifecycle {
    build_in(&Registry::new(), builder)
}

fn build_in(registry: &Registry, builder: LifecycleBuilder) -> Lifecycle {
    builder.build(registry).expect("valid")
}

/// The events of a shutdown, in their order.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<&'static str>>>);

impl Events {
    fn push(&self, event: &'static str) {
        self.0.lock().expect("no panic").push(event);
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }

    fn pusher(&self, event: &'static str) -> impl Fn() + Send + 'static {
        let events = self.clone();
        move || events.push(event)
    }
}

fn text(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

/// Records an event at every moment that a user can observe.
fn watch_everything(lifecycle: &Lifecycle, events: &Events) {
    lifecycle.on_drain("readiness", events.pusher("readiness off"));
    let (signal, closing) = (lifecycle.drain_signal(), events.pusher("streams end"));
    tokio::spawn(async move {
        signal.closing().await;
        closing();
    });
    let (signal, draining) = (lifecycle.drain_signal(), events.pusher("draining"));
    tokio::spawn(async move {
        signal.draining().await;
        draining();
    });
    let (token, ended) = (lifecycle.tasks().token(), events.pusher("task ends"));
    lifecycle.tasks().spawn(async move {
        token.cancelled().await;
        // The next phase has to wait for a task that takes longer.
        sleep(Duration::from_millis(10)).await;
        ended();
    });
    let closed = events.pusher("pool closes");
    lifecycle.on_close("pool", move || async move {
        sleep(Duration::from_millis(10)).await;
        closed();
    });
    let flushed = events.pusher("telemetry is flushed");
    lifecycle.on_flush("traces", move |_| {
        flushed();
        Ok(())
    });
    let last = events.pusher("admin closes");
    lifecycle.on_exit("admin", move || async move { last() });
}

// In real time, because a paused clock would run ahead of the thread that flushes.
#[tokio::test]
async fn the_phases_run_in_their_order() {
    for (moment, first) in [
        (DrainReadiness::Immediate, ["readiness off", "draining"]),
        (DrainReadiness::AfterDelay, ["draining", "readiness off"]),
    ] {
        let lifecycle = build(builder().drain_delay(Duration::from_millis(20)).readiness(moment));
        let events = Events::default();
        watch_everything(&lifecycle, &events);
        // Lets the spawned tasks begin to listen.
        tokio::task::yield_now().await;
        lifecycle.shutdown_handle().trigger("test");
        let report = lifecycle.run().await;
        let rest =
            ["streams end", "task ends", "pool closes", "telemetry is flushed", "admin closes"];
        assert_eq!(events.take(), [&first[..], &rest[..]].concat(), "{moment:?}");
        let phases: Vec<_> = report.phases().iter().map(|(phase, _)| *phase).collect();
        assert_eq!(
            phases,
            [
                ShutdownPhase::Delay,
                ShutdownPhase::Drain,
                ShutdownPhase::Tasks,
                ShutdownPhase::Pools,
                ShutdownPhase::Telemetry,
                ShutdownPhase::Admin
            ]
        );
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.code(), 0);
        assert_eq!(*report.reason(), ShutdownReason::Requested("test".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn where_everything_hangs_the_grace_period_still_holds() {
    let (delay, drain, flush) = (10 * SECOND, 15 * SECOND, 3 * SECOND);
    let grace = delay + drain + flush + 2 * SECOND;
    let registry = Registry::new();
    let settings =
        builder().drain_delay(delay).drain_timeout(drain).flush_timeout(flush).grace_period(grace);
    let lifecycle = build_in(&registry, settings);
    let dropped = Arc::new(());
    for _ in 0..3 {
        let held = Arc::clone(&dropped);
        lifecycle.tasks().spawn(async move {
            pending::<()>().await;
            drop(held);
        });
    }
    lifecycle.on_close("pool", pending);
    lifecycle.on_exit("last", pending);
    // A hook whose thread hangs for as long as the test runs.
    let (_hung, hang) = std::sync::mpsc::channel::<()>();
    lifecycle.on_flush("traces", move |_| {
        let _ = hang.recv();
        Ok(())
    });
    lifecycle.shutdown_handle().trigger("test");
    let began = Instant::now();
    let report = lifecycle.run().await;
    assert!(began.elapsed() <= grace, "{:?} of {grace:?}", began.elapsed());
    assert_eq!(report.tasks_left(), 3);
    assert_eq!(Arc::strong_count(&dropped), 1, "tasks that are left are dropped");
    let failures: Vec<_> = report.hook_failures().iter().map(ToString::to_string).collect();
    assert_eq!(
        failures,
        [
            "pool (pools): not done in time",
            "traces (telemetry): not done in time",
            "last (admin): not done in time"
        ]
    );
    assert_eq!(report.code(), 80);
    let text = text(&registry);
    for line in [
        "lifecycle_cut_off_total{kind=\"tasks\"} 3\n",
        "lifecycle_cut_off_total{kind=\"hooks\"} 2\n",
        "lifecycle_cut_off_total{kind=\"telemetry\"} 1\n",
        "lifecycle_cut_off_total{kind=\"requests\"} 0\n",
        "lifecycle_state{state=\"stopped\"} 1",
        "lifecycle_phase_bound_seconds{phase=\"delay\"} 10",
        "lifecycle_phase_duration_seconds{phase=\"delay\"} 10",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[tokio::test]
async fn a_hook_that_fails_keeps_no_other_from_its_turn() {
    let lifecycle = build(builder().drain_delay(Duration::ZERO));
    let events = Events::default();
    lifecycle.on_drain("broken", || panic!("in a test"));
    lifecycle.on_close("broken pool", || async { panic!("in a test") });
    lifecycle.on_close("panics at once", || -> std::future::Ready<()> { panic!("in a test") });
    lifecycle.on_flush("broken traces", |_| panic!("in a test"));
    lifecycle.on_flush("unhappy logs", |budget| {
        assert_eq!(budget, 3 * SECOND);
        Err("collector is down".into())
    });
    lifecycle.on_exit("broken admin", || async { panic!("in a test") });
    watch_everything(&lifecycle, &events);
    lifecycle.shutdown_handle().trigger("test");
    let report = lifecycle.run().await;
    let events = events.take();
    for event in
        ["readiness off", "task ends", "pool closes", "telemetry is flushed", "admin closes"]
    {
        assert!(events.contains(&event), "{event} in {events:?}");
    }
    let mut failures: Vec<_> = report.hook_failures().iter().map(ToString::to_string).collect();
    failures.sort();
    assert_eq!(
        failures,
        [
            "broken (delay): panicked",
            "broken admin (admin): panicked",
            "broken pool (pools): panicked",
            "broken traces (telemetry): panicked",
            "panics at once (pools): panicked",
            "unhappy logs (telemetry): collector is down",
        ]
    );
    assert_eq!(report.code(), 80);
}

#[tokio::test]
async fn a_flush_that_fails_is_reported_and_is_no_cut_of_the_service() {
    for (code, pool_fails, expected) in [(None, false, 0), (Some(82), false, 82), (None, true, 80)]
    {
        let registry = Registry::new();
        let mut settings = builder().drain_delay(Duration::ZERO);
        if let Some(code) = code {
            settings = settings.telemetry_lost_code(code);
        }
        let lifecycle = build_in(&registry, settings);
        lifecycle.on_flush("traces", |_| Err("collector is down".into()));
        if pool_fails {
            lifecycle.on_close("pool", || async { panic!("in a test") });
        }
        lifecycle.shutdown_handle().trigger("test");
        let report = lifecycle.run().await;
        assert!(report.telemetry_lost() && !report.is_clean());
        assert_eq!(report.is_cut_short(), pool_fails);
        assert_eq!(report.code(), expected);
        assert!(text(&registry).contains("lifecycle_cut_off_total{kind=\"telemetry\"} 1\n"));
        let hooks = format!("{{kind=\"hooks\"}} {}\n", usize::from(pool_fails));
        assert!(text(&registry).contains(&hooks));
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_and_pools_have_what_the_drain_left_of_its_time() {
    let lifecycle = build(builder().drain_delay(Duration::ZERO).drain_timeout(10 * SECOND));
    let token = lifecycle.tasks().token();
    lifecycle.tasks().spawn(async move {
        token.cancelled().await;
        sleep(6 * SECOND).await;
    });
    lifecycle.on_close("slow", || sleep(3 * SECOND));
    lifecycle.on_close("too slow", || sleep(5 * SECOND));
    lifecycle.shutdown_handle().trigger("test");
    let report = lifecycle.run().await;
    assert_eq!(report.tasks_left(), 0);
    let failures: Vec<_> = report.hook_failures().iter().map(|f| f.hook.as_str()).collect();
    assert_eq!(failures, ["too slow"]);
}

#[tokio::test(start_paused = true)]
async fn the_state_goes_from_starting_to_stopped_and_the_metric_with_it() {
    let registry = Registry::new();
    let lifecycle = build_in(&registry, builder());
    assert_eq!(lifecycle.state(), State::Starting);
    assert!(text(&registry).contains("lifecycle_state{state=\"starting\"} 1"));
    let (open, gate) = tokio::sync::oneshot::channel::<()>();
    lifecycle.ready_when(async move { drop(gate.await) });
    let mut states = lifecycle.states();
    let handle = lifecycle.shutdown_handle();
    let running = tokio::spawn(lifecycle.run());
    sleep(SECOND).await;
    assert_eq!(*states.borrow(), State::Starting);
    open.send(()).expect("waiting");
    states.wait_for(|state| *state == State::Running).await.expect("alive");
    assert!(text(&registry).contains("lifecycle_state{state=\"running\"} 1"));
    handle.trigger("first");
    handle.trigger("second");
    states.wait_for(|state| *state == State::Draining).await.expect("alive");
    let shown = text(&registry);
    assert!(shown.contains("lifecycle_state{state=\"draining\"} 1"), "{shown}");
    assert!(shown.contains("lifecycle_state{state=\"running\"} 0"), "{shown}");
    let report = running.await.expect("no panic");
    assert_eq!(report.reason().to_string(), "first");
    assert_eq!(*states.borrow(), State::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_during_startup_does_not_wait_for_its_gates() {
    let lifecycle = build(builder());
    lifecycle.ready_when(pending());
    let (handle, mut states) = (lifecycle.shutdown_handle(), lifecycle.states());
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while states.changed().await.is_ok() {
            seen.push(*states.borrow_and_update());
        }
        seen
    });
    handle.trigger("too long");
    assert!(lifecycle.run().await.is_clean());
    let seen = seen.await.expect("no panic");
    assert!(!seen.contains(&State::Running), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn health_follows_the_lifecycle() {
    let health = crate::health::Health::builder().build(&Registry::new()).expect("valid");
    let latch = health.latch("migrations");
    let checks = health.spawn();
    let lifecycle = build(builder().health(&health));
    let (handle, mut states) = (lifecycle.shutdown_handle(), lifecycle.states());
    let running = tokio::spawn(lifecycle.run());
    sleep(SECOND).await;
    assert_eq!(*states.borrow(), State::Starting);
    latch.release();
    states.wait_for(|state| *state == State::Running).await.expect("alive");
    assert!(health.is_ready());
    handle.trigger("test");
    states.wait_for(|state| *state == State::Draining).await.expect("alive");
    sleep(Duration::from_millis(1)).await;
    assert!(!health.is_ready() && health.is_live());
    assert!(running.await.expect("no panic").is_clean());
    assert!(health.is_live());
    checks.abort();
}

#[test]
fn settings_that_cannot_work_are_refused_with_a_sentence() {
    let seconds = Duration::from_secs;
    for (builder, sentence) in [
        (
            builder().grace_period(seconds(29)),
            "lifecycle.grace_period is 29s, but drain_delay 10s, drain_timeout 15s, flush_timeout 3s and 2s \
             to exit make 30s; grant at least 30s, or shorten the drain",
        ),
        (
            builder().drain_timeout(Duration::ZERO),
            "lifecycle.drain_timeout is 0ns, but it must be longer than zero and at most \
             a day; leave it out to have the default",
        ),
        (
            builder().drain_delay(Duration::MAX),
            "lifecycle.drain_delay is 18446744073709551615.999999999s, but it must be \
             at most a day; leave it out to have the default",
        ),
        (
            builder().cut_short_code(81),
            "lifecycle exit codes is (81, 81), but a clean exit has 0, and the other two \
             must differ from it and from each other; leave them out to have 80 and 81",
        ),
    ] {
        assert_eq!(builder.build(&Registry::new()).expect_err("refused").to_string(), sentence);
    }
    assert!(builder().grace_period(seconds(30)).build(&Registry::new()).is_ok());
}

#[test]
fn the_environment_sets_bounds_in_seconds() {
    let vars = |name: &str| {
        let value = match name {
            "SRE_KIT_DRAIN_DELAY" => "5",
            "SRE_KIT_DRAIN_TIMEOUT" => " 0.5s ",
            "SRE_KIT_FLUSH_TIMEOUT" => "250ms",
            "SRE_KIT_DRAIN_READINESS" => "after-delay",
            _ => "",
        };
        Some(value.to_owned())
    };
    let settings = builder().with_vars(vars).expect("valid").settings;
    assert_eq!(settings.drain_delay, 5 * SECOND);
    assert_eq!(settings.drain_timeout, SECOND / 2);
    assert_eq!(settings.flush_timeout, SECOND / 4);
    assert_eq!(settings.grace_period, None);
    assert_eq!(settings.readiness, DrainReadiness::AfterDelay);
    for (value, name) in [("-1", "SRE_KIT_DRAIN_DELAY"), ("soon", "SRE_KIT_GRACE_PERIOD")] {
        let vars = |asked: &str| (asked == name).then(|| value.to_owned());
        assert_eq!(
            builder().with_vars(vars).expect_err("refused").to_string(),
            format!(
                "{name} is {value:?}, but it is a time in seconds; write a number such as 10, 0.5 or 500ms"
            )
        );
    }
}
