//! What a reader sees while everything changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sre_kit::health::{Check, CheckResult, CheckState, HealthSnapshot};
use sre_kit::metrics::Registry;

use super::builder;

/// A check that changes with each run, and says in words what it returned.
fn restless(name: &str) -> Check {
    let n = AtomicU64::new(0);
    Check::new(name, move || {
        let n = n.fetch_add(1, Ordering::Relaxed);
        async move {
            if n.is_multiple_of(2) {
                CheckResult::warn("warned")
            } else {
                CheckResult::fail("failed")
            }
        }
    })
    .interval(Duration::from_millis(1))
    .rise(1)
    .fall(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_is_of_one_moment() {
    let mut builder = builder();
    for i in 0..8 {
        let check = restless(&format!("check-{i}"));
        builder = builder.check(if i % 2 == 0 { check.gate_readiness() } else { check });
    }
    let health = builder.build(&Registry::new()).expect("valid");
    let handle = health.spawn();
    health.wait_started().await;
    let (stop, seen) =
        (Arc::new(AtomicBool::new(false)), Arc::new([const { AtomicU64::new(0) }; 2]));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (health, stop, seen) = (health.clone(), Arc::clone(&stop), Arc::clone(&seen));
            tokio::task::spawn_blocking(move || {
                while !stop.load(Ordering::Relaxed) {
                    let ready = assert_consistent(&health.snapshot());
                    seen[usize::from(ready)].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    // Until readers saw it both ready and not, at least 100 turns and at most 20 000.
    let both = || seen.iter().all(|count| count.load(Ordering::Relaxed) > 0);
    for turn in 0..20_000 {
        if turn >= 100 && both() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        let _latch = health.latch("late");
        health.heartbeat("brief", Duration::from_mins(1)).expect("the name is free again").stop();
    }
    assert!(both(), "{seen:?}");
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("every snapshot was consistent");
    }
    handle.abort();
}

/// Asserts that all parts of a snapshot are of one moment, and says whether it is ready.
fn assert_consistent(snapshot: &HealthSnapshot) -> bool {
    let mut gates_up = true;
    for check in snapshot.checks() {
        let words = match check.state() {
            CheckState::Pending => None,
            CheckState::Warn => Some("warned"),
            CheckState::Fail => Some("failed"),
            // Where the machine stalls for 4 ms nothing is known.
            CheckState::Stale => check.message(),
            other => panic!("{other:?}"),
        };
        assert_eq!(check.message(), words, "state and words of one run");
        gates_up &= check.state().is_up() || !check.gate().holds_readiness();
    }
    let ready = gates_up && snapshot.is_started() && snapshot.draining().is_none();
    assert_eq!(snapshot.is_ready(), ready, "{snapshot:?}");
    ready
}
