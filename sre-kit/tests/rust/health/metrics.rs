//! What a check leaves in the metrics.

use std::future::pending;

use sre_kit::health::{Check, CheckResult, Health};
use sre_kit::metrics::Registry;

use super::{Dial, exposition, fail, pass, secs, settle};

/// The series of `family`, without its comments.
fn series(registry: &Registry, family: &str) -> Vec<String> {
    exposition(registry)
        .lines()
        .filter(|line| line.starts_with(&format!("{family}{{")))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_series_exists_from_build() {
    let registry = Registry::new();
    let _health = Health::builder()
        .check(Check::new("db", || async {}))
        .check(Check::new("disk", || async {}).gate_readiness())
        .check(Check::new("cache", || async {}).gate_startup())
        .check(Check::new("both", || async {}).gate_startup().gate_readiness())
        .build(&registry)
        .expect("valid");
    assert_eq!(
        series(&registry, "health_check_up"),
        [
            "health_check_up{check=\"db\",gate=\"report\"} 0.0",
            "health_check_up{check=\"disk\",gate=\"readiness\"} 0.0",
            "health_check_up{check=\"cache\",gate=\"startup\"} 0.0",
            "health_check_up{check=\"both\",gate=\"startup_and_readiness\"} 0.0",
        ]
    );
    for family in ["health_check_degraded", "health_check_last_success_timestamp_seconds"] {
        let expected =
            ["db", "disk", "cache", "both"].map(|name| format!("{family}{{check=\"{name}\"}} 0.0"));
        assert_eq!(series(&registry, family), expected);
    }
    let totals = series(&registry, "health_checks_total");
    for check in ["db", "disk", "cache", "both"] {
        for result in ["pass", "warn", "fail", "timeout", "panic"] {
            let line = format!("health_checks_total{{check=\"{check}\",result=\"{result}\"}} 0");
            assert!(totals.contains(&line), "{line} in {totals:#?}");
        }
        let count = format!("health_check_duration_seconds_count{{check=\"{check}\"}} 0");
        assert!(exposition(&registry).contains(&count));
    }
    assert_eq!(totals.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn each_run_is_counted_by_how_it_ended() {
    let registry = Registry::new();
    let dials =
        [Dial::new(CheckResult::Pass), Dial::new(CheckResult::warn("slow")), Dial::new(fail())];
    let health = Health::builder()
        .check(dials[0].check("pass"))
        .check(dials[1].check("warn"))
        .check(dials[2].check("fail"))
        .check(Check::new("timeout", pending::<()>).jitter(0.0))
        .check(Check::new("panic", || async { assert!(std::hint::black_box(false)) }).jitter(0.0))
        .build(&registry)
        .expect("valid");
    health.spawn();
    pass(secs(95)).await;
    let totals = series(&registry, "health_checks_total");
    for name in ["pass", "warn", "fail", "timeout", "panic"] {
        for result in ["pass", "warn", "fail", "timeout", "panic"] {
            let runs = if name == result { 10 } else { 0 };
            let line =
                format!("health_checks_total{{check=\"{name}\",result=\"{result}\"}} {runs}");
            assert!(totals.contains(&line), "{line} in {totals:#?}");
        }
    }
    let text = exposition(&registry);
    for line in [
        "health_check_up{check=\"pass\",gate=\"report\"} 1.0",
        "health_check_up{check=\"warn\",gate=\"report\"} 1.0",
        "health_check_up{check=\"fail\",gate=\"report\"} 0.0",
        "health_check_up{check=\"timeout\",gate=\"report\"} 0.0",
        "health_check_up{check=\"panic\",gate=\"report\"} 0.0",
        "health_check_degraded{check=\"pass\"} 0.0",
        "health_check_degraded{check=\"warn\"} 1.0",
        "health_check_degraded{check=\"fail\"} 0.0",
        "health_check_last_success_timestamp_seconds{check=\"fail\"} 0.0",
        "health_check_duration_seconds_sum{check=\"timeout\"} 20.0",
        "health_check_duration_seconds_count{check=\"timeout\"} 10",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_success_is_a_time_and_stays_while_the_check_fails() {
    let registry = Registry::new();
    let dial = Dial::new(CheckResult::Pass);
    let health = Health::builder().check(dial.check("db")).build(&registry).expect("valid");
    let read = || -> f64 {
        let lines = series(&registry, "health_check_last_success_timestamp_seconds");
        lines[0].rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
    };
    health.spawn();
    settle().await;
    let at = read();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64();
    assert!((1.7e9..=now).contains(&at), "{at}");
    dial.set(fail());
    pass(secs(100)).await;
    assert_eq!(read().to_bits(), at.to_bits());
}

#[tokio::test(start_paused = true)]
async fn a_stale_check_is_not_up_and_not_degraded() {
    let registry = Registry::new();
    let check = Dial::new(CheckResult::warn("slow")).check("db");
    let health = Health::builder().check(check).build(&registry).expect("valid");
    let handle = health.spawn();
    settle().await;
    assert_eq!(
        series(&registry, "health_check_degraded"),
        ["health_check_degraded{check=\"db\"} 1.0"]
    );
    handle.abort();
    pass(secs(33)).await;
    assert_eq!(
        series(&registry, "health_check_degraded"),
        ["health_check_degraded{check=\"db\"} 0.0"]
    );
    assert_eq!(
        series(&registry, "health_check_up"),
        ["health_check_up{check=\"db\",gate=\"report\"} 0.0"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_age_of_each_heartbeat_is_exported_while_it_is_there() {
    let registry = Registry::new();
    let health = Health::builder().build(&registry).expect("valid");
    assert!(!exposition(&registry).contains("health_heartbeat_age_seconds"));
    let heart = health.heartbeat("consumer", secs(30)).expect("valid");
    pass(secs(7)).await;
    assert_eq!(
        series(&registry, "health_heartbeat_age_seconds"),
        ["health_heartbeat_age_seconds{heartbeat=\"consumer\"} 7.0"]
    );
    heart.beat();
    assert_eq!(
        series(&registry, "health_heartbeat_age_seconds"),
        ["health_heartbeat_age_seconds{heartbeat=\"consumer\"} 0.0"]
    );
    heart.stop();
    assert!(!exposition(&registry).contains("health_heartbeat_age_seconds"));
}
