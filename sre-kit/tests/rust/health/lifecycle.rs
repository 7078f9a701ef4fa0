//! Startup, readiness, liveness and draining.

use std::time::Duration;

use sre_kit::health::{CheckResult, ProbeGate};
use sre_kit::metrics::Registry;

use super::{Dial, builder, fail, next_run, pass, secs, settle, with};

#[tokio::test(start_paused = true)]
async fn without_a_check_the_service_is_ready_once_it_runs() {
    let health = builder().build(&Registry::new()).expect("valid");
    assert!(!health.is_started() && !health.is_ready(), "nothing has begun");
    assert!(health.is_live());
    health.spawn();
    health.wait_ready().await;
    assert!(health.is_started());
}

#[tokio::test(start_paused = true)]
async fn a_reported_check_holds_nothing_back() {
    let health = with(Dial::new(fail()).check("db"));
    assert_eq!(health.snapshot().check("db").map(|check| check.gate()), Some(ProbeGate::Report));
    health.spawn();
    pass(secs(100)).await;
    assert!(health.is_ready() && health.is_started() && health.is_live());
}

#[tokio::test(start_paused = true)]
async fn a_startup_gate_holds_startup_once_and_nothing_afterwards() {
    let dial = Dial::new(fail());
    let health = with(dial.check("db").rise(1).gate_startup());
    health.spawn();
    pass(secs(60)).await;
    assert!(!health.is_started() && !health.is_ready());
    dial.set(CheckResult::Pass);
    health.wait_ready().await;
    assert!(health.is_started());
    dial.set(fail());
    pass(secs(100)).await;
    assert!(health.is_started() && health.is_ready(), "started stays started");
}

#[tokio::test(start_paused = true)]
async fn a_readiness_gate_holds_readiness_whenever_it_fails() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("disk").gate_readiness());
    health.spawn();
    health.wait_ready().await;
    dial.set(fail());
    for ready in [true, true, false, false] {
        next_run().await;
        assert_eq!(health.is_ready(), ready);
    }
    assert!(health.is_started() && health.is_live());
    dial.set(CheckResult::Pass);
    for ready in [false, true] {
        next_run().await;
        assert_eq!(health.is_ready(), ready);
    }
}

#[tokio::test(start_paused = true)]
async fn a_readiness_gate_without_a_result_is_not_ready() {
    let health = with(Dial::new(CheckResult::Pass).check("disk").gate_readiness());
    assert!(!health.is_ready());
    health.spawn();
    health.wait_started().await;
    health.wait_ready().await;
}

#[tokio::test(start_paused = true)]
async fn a_check_may_gate_both() {
    let dial = Dial::new(fail());
    let check = || dial.check("db").rise(1).fall(1);
    for check in [check().gate_startup().gate_readiness(), check().gate_readiness().gate_startup()]
    {
        dial.set(fail());
        let health = with(check);
        health.spawn();
        settle().await;
        assert!(!health.is_started() && !health.is_ready());
        dial.set(CheckResult::Pass);
        next_run().await;
        assert!(health.is_started() && health.is_ready());
        dial.set(fail());
        next_run().await;
        assert!(health.is_started() && !health.is_ready());
    }
}

#[tokio::test(start_paused = true)]
async fn startup_waits_for_every_latch_by_itself() {
    let health = builder().build(&Registry::new()).expect("valid");
    let (migrations, cache) = (health.latch("migrations"), health.latch("cache"));
    health.spawn();
    settle().await;
    assert_eq!(health.snapshot().latches().collect::<Vec<_>>(), ["migrations", "cache"]);
    migrations.release();
    assert!(!health.is_started());
    cache.release();
    assert!(health.is_started() && health.is_ready(), "at once");
}

#[tokio::test(start_paused = true)]
async fn two_latches_of_one_name_are_two() {
    let health = builder().build(&Registry::new()).expect("valid");
    let (one, two) = (health.latch("worker"), health.latch("worker"));
    health.spawn();
    settle().await;
    one.release();
    assert!(!health.is_started());
    two.release();
    assert!(health.is_started());
}

#[tokio::test(start_paused = true)]
async fn a_latch_that_was_dropped_is_not_released() {
    let health = builder().build(&Registry::new()).expect("valid");
    drop(health.latch("migrations"));
    health.spawn();
    pass(secs(1_000)).await;
    assert!(!health.is_started());
    assert_eq!(health.snapshot().latches().collect::<Vec<_>>(), ["migrations"]);
}

#[tokio::test(start_paused = true)]
async fn a_latch_after_startup_holds_nothing_back() {
    let health = builder().build(&Registry::new()).expect("valid");
    health.spawn();
    health.wait_started().await;
    let late = health.latch("late");
    assert!(health.is_started() && health.is_ready());
    assert_eq!(health.snapshot().latches().count(), 0);
    late.release();
    assert!(health.is_ready());
}

#[tokio::test(start_paused = true)]
async fn draining_ends_readiness_for_good_and_touches_nothing_else() {
    let health = with(Dial::new(CheckResult::Pass).check("disk").gate_readiness());
    health.spawn();
    health.wait_ready().await;
    health.set_draining("SIGTERM");
    assert!(!health.is_ready(), "from now on");
    health.set_draining("a second reason");
    assert_eq!(health.snapshot().draining(), Some("SIGTERM"), "the first reason stays");
    pass(secs(100)).await;
    assert!(!health.is_ready() && health.is_live() && health.is_started());
}

#[tokio::test(start_paused = true)]
async fn draining_before_startup_is_never_ready() {
    let health = builder().build(&Registry::new()).expect("valid");
    health.set_draining(String::from("SIGTERM"));
    health.spawn();
    settle().await;
    assert!(health.is_started() && !health.is_ready());
}

#[tokio::test(start_paused = true)]
async fn liveness_fails_when_a_heartbeat_stops_and_recovers_with_it() {
    let health = builder().build(&Registry::new()).expect("valid");
    let heart = health.heartbeat("consumer", secs(30)).expect("valid");
    pass(secs(30)).await;
    assert!(health.is_live(), "a beat counts as made at the start");
    pass(Duration::from_millis(1)).await;
    assert!(!health.is_live() && !health.snapshot().is_live());
    heart.beat();
    assert!(health.is_live());
    pass(secs(29)).await;
    heart.beat();
    pass(secs(29)).await;
    assert!(health.is_live());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_heartbeat_fails_liveness_and_a_stopped_one_does_not() {
    let health = builder().build(&Registry::new()).expect("valid");
    health.heartbeat("done", secs(30)).expect("valid").stop();
    pass(secs(31)).await;
    assert!(health.is_live());
    drop(health.heartbeat("panicked", secs(30)).expect("valid"));
    pass(secs(31)).await;
    assert!(!health.is_live());
}

#[tokio::test(start_paused = true)]
async fn while_draining_liveness_cannot_fail() {
    let health = builder().build(&Registry::new()).expect("valid");
    let heart = health.heartbeat("consumer", secs(30)).expect("valid");
    health.set_draining("SIGTERM");
    pass(secs(1_000)).await;
    assert!(health.is_live(), "a loop that stops beats no more");
    drop(heart);
}

#[tokio::test(start_paused = true)]
async fn no_check_and_no_latch_reaches_liveness() {
    let dial = Dial::new(fail());
    let health = builder()
        .check(dial.check("a"))
        .check(dial.check("b").gate_startup())
        .check(dial.check("c").gate_readiness())
        .build(&Registry::new())
        .expect("valid");
    let _latch = health.latch("never");
    assert!(health.is_live());
    health.spawn();
    pass(secs(1_000)).await;
    assert!(health.is_live());
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_does_not_change() {
    let health = builder().build(&Registry::new()).expect("valid");
    let before = health.snapshot();
    health.spawn();
    health.wait_ready().await;
    let ready = health.snapshot();
    health.set_draining("SIGTERM");
    assert!(!before.is_started() && ready.is_ready() && !health.snapshot().is_ready());
}
