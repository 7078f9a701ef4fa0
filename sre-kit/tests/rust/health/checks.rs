//! One check: its loop, and what it takes for its state to change.

use std::future::pending;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use sre_kit::health::{Check, CheckResult, CheckState, Health};
use sre_kit::metrics::Registry;
use tokio::time::Instant;

use super::{Dial, builder, fail, next_run, pass, secs, settle, state, with};

#[tokio::test(start_paused = true)]
async fn nothing_is_known_before_the_first_run_and_the_first_result_counts_at_once() {
    for (verdict, expected) in [
        (CheckResult::Pass, CheckState::Pass),
        (CheckResult::warn("slow"), CheckState::Warn),
        (fail(), CheckState::Fail),
    ] {
        let health = with(Dial::new(verdict).check("db"));
        assert_eq!(state(&health, "db"), CheckState::Pending);
        let handle = health.spawn();
        settle().await;
        assert_eq!(state(&health, "db"), expected);
        handle.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_passing_check_fails_at_the_third_failure_in_a_row() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("db"));
    health.spawn();
    settle().await;

    dial.set(fail());
    for contrary in 1..=2 {
        next_run().await;
        assert_eq!(state(&health, "db"), CheckState::Pass);
        assert_eq!(health.snapshot().check("db").expect("there").contrary_runs(), contrary);
    }
    next_run().await;
    let snapshot = health.snapshot();
    let check = snapshot.check("db").expect("there");
    assert_eq!((check.state(), check.message()), (CheckState::Fail, Some("refused")));
    assert_eq!(check.contrary_runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failing_check_passes_at_the_second_pass_in_a_row() {
    let dial = Dial::new(fail());
    let health = with(dial.check("db"));
    health.spawn();
    settle().await;

    dial.set(CheckResult::Pass);
    next_run().await;
    assert_eq!(state(&health, "db"), CheckState::Fail);
    dial.set(fail());
    next_run().await;
    dial.set(CheckResult::Pass);
    next_run().await;
    assert_eq!(state(&health, "db"), CheckState::Fail, "the row was broken");
    next_run().await;
    assert_eq!(state(&health, "db"), CheckState::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_flaps_with_every_run_keeps_its_state() {
    for first in [CheckResult::Pass, fail()] {
        let (up, n) = (first == CheckResult::Pass, AtomicU64::new(0));
        let health = with(
            Check::new("db", move || {
                let even = n.fetch_add(1, Ordering::SeqCst) % 2 == 0;
                async move { if even == up { CheckResult::Pass } else { fail() } }
            })
            .jitter(0.0),
        );
        let handle = health.spawn();
        settle().await;
        for _ in 0..50 {
            assert_eq!(state(&health, "db").is_up(), up);
            next_run().await;
        }
        handle.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_is_degraded_and_well_again_without_rise_or_fall() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("db").gate_readiness());
    health.spawn();
    settle().await;
    dial.set(CheckResult::warn("3 s behind"));
    next_run().await;
    let snapshot = health.snapshot();
    let check = snapshot.check("db").expect("there");
    assert_eq!((check.state(), check.message()), (CheckState::Warn, Some("3 s behind")));
    assert!(snapshot.is_ready(), "degraded is not down");
    dial.set(CheckResult::Pass);
    next_run().await;
    assert_eq!(state(&health, "db"), CheckState::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_check_may_return_nothing_a_verdict_or_a_result_of_either() {
    use CheckState::{Fail, Pass, Warn};

    let health = builder()
        .check(Check::new("nothing", || async {}))
        .check(Check::new("verdict", || async { CheckResult::warn("w") }))
        .check(Check::new("ok", || async { Ok::<(), String>(()) }))
        .check(Check::new("err", || async { "x".parse::<u8>().map(|_| ()) }))
        .check(Check::new("ok-warn", || async { Ok::<_, String>(CheckResult::warn("w")) }))
        .check(Check::new("async-closure", async || Err::<(), _>("plain text")))
        .build(&Registry::new())
        .expect("valid");
    health.spawn();
    settle().await;
    let states: Vec<_> = health.snapshot().checks().map(|check| check.state()).collect();
    assert_eq!(states, [Pass, Warn, Pass, Fail, Warn, Fail]);
    let snapshot = health.snapshot();
    let message = snapshot.check("err").and_then(|check| check.message());
    assert_eq!(message, Some("invalid digit found in string"));
}

/// Counts those that are alive, and the most at one time.
#[derive(Clone, Default)]
struct Alive {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Alive {
    fn enter(&self) -> Guard {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Guard(Arc::clone(&self.now))
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn hanging(alive: &Alive) -> Check {
    let alive = alive.clone();
    Check::new("db", move || {
        let guard = alive.enter();
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    })
    .jitter(0.0)
}

#[tokio::test(start_paused = true)]
async fn a_run_that_hangs_is_dropped_at_its_timeout_and_the_next_one_comes() {
    let alive = Alive::default();
    let health = with(hanging(&alive));
    health.spawn();
    pass(Duration::from_millis(1_990)).await;
    assert_eq!((alive.now(), state(&health, "db")), (1, CheckState::Pending));
    pass(Duration::from_millis(20)).await;
    assert_eq!((alive.now(), state(&health, "db")), (0, CheckState::Fail));
    let took = health.snapshot().check("db").and_then(|check| check.took());
    assert_eq!(took, Some(secs(2)));
    pass(secs(9)).await;
    assert_eq!(alive.now(), 1, "the next run");
    pass(secs(1_000)).await;
    assert_eq!(alive.most(), 1, "and never two at once");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_dropped_when_the_loops_are_stopped() {
    let alive = Alive::default();
    let health = with(hanging(&alive));
    let handle = health.spawn();
    pass(secs(1)).await;
    assert_eq!(alive.now(), 1);
    handle.abort();
    settle().await;
    assert_eq!(alive.now(), 0);

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(health.clone().run(async {
        let _ = stopped.await;
    }));
    pass(secs(1)).await;
    assert_eq!(alive.now(), 1);
    stop.send(()).expect("listening");
    running.await.expect("no panic");
    settle().await;
    assert_eq!(alive.now(), 0);
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "from the destructor");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_of_that_run_and_of_nothing_else() {
    let runs = Arc::new(AtomicU64::new(0));
    let count = |runs: &Arc<AtomicU64>| {
        let runs = Arc::clone(runs);
        move || runs.fetch_add(1, Ordering::SeqCst)
    };
    let (calls, polls, drops) = (count(&runs), count(&runs), count(&runs));
    let health = builder()
        .check(Check::new("at-the-call", move || {
            calls();
            assert!(runs.load(Ordering::SeqCst) == 0, "refused to be called");
            async {}
        }))
        .check(Check::new("in-the-future", move || {
            polls();
            async {
                tokio::task::yield_now().await;
                assert!(std::hint::black_box(false), "while running");
            }
        }))
        .check(Check::new("in-a-destructor", move || {
            drops();
            let trap = PanicsOnDrop;
            async move {
                let _trap = trap;
                pending::<()>().await;
            }
        }))
        .check(Check::new("well", || async {}))
        .build(&Registry::new())
        .expect("valid");
    health.spawn();
    pass(secs(120)).await;
    let snapshot = health.snapshot();
    for (name, said) in [
        ("at-the-call", "refused to be called"),
        ("in-the-future", "while running"),
        ("in-a-destructor", "from the destructor"),
    ] {
        let check = snapshot.check(name).expect("there");
        assert_eq!((check.state(), check.message()), (CheckState::Fail, Some(said)), "{name}");
        assert!(check.age().expect("it ran") < secs(12), "{name} still runs");
    }
    assert_eq!(state(&health, "well"), CheckState::Pass);
}

/// The starts of the runs that begin in `duration`.
async fn starts(check: impl Fn(Check) -> Check, duration: Duration) -> Vec<Instant> {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&starts);
    let health = with(check(Check::new("db", move || {
        log.lock().expect("not poisoned").push(Instant::now());
        async {}
    })));
    let handle = health.spawn();
    pass(duration).await;
    handle.abort();
    std::mem::take(&mut starts.lock().expect("not poisoned"))
}

fn gaps(starts: &[Instant]) -> Vec<Duration> {
    starts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn jitter_moves_each_pause_within_its_share_of_the_interval() {
    let without = gaps(&starts(|check| check.jitter(0.0), secs(1_000)).await);
    assert!(without.len() > 90 && without.iter().all(|gap| *gap == secs(10)), "{without:?}");

    let mut with = gaps(&starts(|check| check.jitter(0.2), secs(10_000)).await);
    assert!(with.len() > 800);
    // The timer's resolution is a millisecond, upwards.
    let bounds = secs(8)..=Duration::from_millis(12_001);
    assert!(with.iter().all(|gap| bounds.contains(gap)), "{with:?}");
    with.sort();
    // The deciles of a thousand uniform draws from 8 s to 12 s have a standard deviation
    // of at most 4 s × √(0.25 / 1000) = 0.063 s; this allows for six of them.
    for tenth in 1..10_usize {
        let at = with[with.len() * tenth / 10].as_secs_f64();
        let expected = 8.0 + 0.4 * f64::from(u32::try_from(tenth).expect("small"));
        assert!((at - expected).abs() < 0.4, "tenth {tenth}: {at} and not {expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_as_long_as_the_interval_is_followed_by_the_next_and_never_doubled() {
    let alive = Alive::default();
    let health = with(hanging(&alive).interval(secs(5)).timeout(secs(5)));
    health.spawn();
    pass(secs(502)).await;
    assert_eq!((alive.now(), alive.most()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_blocks_for_many_intervals_is_not_made_up_for() {
    let runs = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&runs);
    let health = with(
        Check::new("db", move || {
            let run = count.fetch_add(1, Ordering::SeqCst);
            async move {
                if run == 0 {
                    // As for a thread that blocks: time passes within one poll of the loop.
                    tokio::time::advance(secs(100)).await;
                }
            }
        })
        .jitter(0.0),
    );
    health.spawn();
    settle().await;
    assert_eq!(runs.load(Ordering::SeqCst), 2, "the first, and one that was due");
    pass(secs(10)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 3, "then every ten seconds again");
}

#[tokio::test(start_paused = true)]
async fn a_result_is_stale_after_three_intervals_and_a_timeout() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("db").gate_readiness());
    let handle = health.spawn();
    settle().await;
    handle.abort();

    pass(secs(32)).await;
    assert_eq!(health.snapshot().check("db").and_then(|check| check.age()), Some(secs(32)));
    assert_eq!((state(&health, "db"), health.is_ready()), (CheckState::Pass, true));
    pass(Duration::from_millis(1)).await;
    assert_eq!((state(&health, "db"), health.is_ready()), (CheckState::Stale, false));
    assert!(!CheckState::Stale.is_up());

    // What was known is worth nothing: the next result counts at once.
    dial.set(fail());
    let handle = health.spawn();
    settle().await;
    assert_eq!(state(&health, "db"), CheckState::Fail);
    handle.abort();
    pass(secs(33)).await;
    dial.set(CheckResult::Pass);
    health.spawn();
    settle().await;
    assert_eq!((state(&health, "db"), health.is_ready()), (CheckState::Pass, true));
}

#[tokio::test(start_paused = true)]
async fn two_monitors_do_not_run_a_check_twice_and_the_second_takes_over() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("db"));
    let first = health.spawn();
    let _second = health.spawn();
    settle().await;
    assert_eq!(dial.runs(), 1);
    pass(secs(100)).await;
    assert_eq!(dial.runs(), 11);
    first.abort();
    settle().await;
    assert_eq!(dial.runs(), 12, "the second begins with a run");
    pass(secs(100)).await;
    assert_eq!(dial.runs(), 22);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_check_holds_up_no_other() {
    let dial = Dial::new(CheckResult::Pass);
    let health = builder()
        .check(hanging(&Alive::default()))
        .check(dial.check("other"))
        .build(&Registry::new())
        .expect("valid");
    health.spawn();
    settle().await;
    assert_eq!(state(&health, "other"), CheckState::Pass);
    pass(secs(100)).await;
    assert_eq!(dial.runs(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_any_length_is_kept_short() {
    let health = with(Check::new("db", || async { CheckResult::fail("ä".repeat(100_000)) }));
    health.spawn();
    settle().await;
    let snapshot = health.snapshot();
    let message = snapshot.check("db").and_then(|check| check.message()).expect("said");
    assert_eq!(message.len(), 1_024);
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_health_leaves_its_loops_until_they_are_aborted() {
    let ended = Arc::new(AtomicBool::new(false));
    let guard = SetOnDrop(Arc::clone(&ended));
    let health: Health = with(Check::new("db", move || {
        let _ = &guard;
        async {}
    }));
    let handle = health.spawn();
    settle().await;
    drop(health);
    settle().await;
    assert!(!ended.load(Ordering::SeqCst), "the loops go on");
    handle.abort();
    settle().await;
    assert!(ended.load(Ordering::SeqCst), "and leave nothing behind");
}
