//! Settings that cannot work are refused at build, in a sentence.

use std::time::Duration;

use sre_kit::ConfigError;
use sre_kit::health::{Check, Health};
use sre_kit::metrics::Registry;

use super::{builder, secs};

fn refusal(check: impl Fn(Check) -> Check) -> String {
    let check = check(Check::new("db", || async {}));
    builder().check(check).build(&Registry::new()).expect_err("refused").to_string()
}

#[test]
fn two_checks_of_one_name_are_refused() {
    let err = builder()
        .check(Check::new("db", || async {}))
        .check(Check::new("cache", || async {}))
        .check(Check::new("db", || async {}))
        .build(&Registry::new())
        .expect_err("refused");
    assert_eq!(
        err.to_string(),
        "check name is \"db\", but another check has that name, and a name tells them apart in \
         paths and metrics; rename one of them"
    );
}

#[test]
fn a_name_is_a_segment_of_a_path() {
    for name in ["", "a/b", "a b", "ä", "a?b", "a%20b", ".", "..", "a\nb", "a:b", "a~b"] {
        let err: ConfigError = builder()
            .check(Check::new(name, || async {}))
            .build(&Registry::new())
            .expect_err("refused");
        assert_eq!((err.field(), err.value()), ("check name", &*format!("{name:?}")));
        assert!(err.to_string().ends_with("; write it like `orders-database`"), "{err}");
    }
    for name in ["a", "orders-database", "v1.cache_2", "..."] {
        assert!(
            builder().check(Check::new(name, || async {})).build(&Registry::new()).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn times_are_refused_with_the_name_of_the_check() {
    assert_eq!(
        refusal(|check| check.interval(Duration::ZERO)),
        "interval of check `db` is 0ns, but it lies between a millisecond and a day; \
         leave it out to have 10 s"
    );
    assert!(refusal(|check| check.interval(secs(86_401))).starts_with("interval of check `db`"));
    assert!(refusal(|check| check.interval(Duration::from_micros(999))).contains("999µs"));
    assert!(refusal(|check| check.interval(Duration::MAX)).starts_with("interval of check `db`"));
    assert_eq!(
        refusal(|check| check.timeout(Duration::ZERO)),
        "timeout of check `db` is 0ns, but a run needs some time to answer; \
         leave it out to have 2 s"
    );
    assert_eq!(
        refusal(|check| check.interval(secs(5)).timeout(secs(6))),
        "timeout of check `db` is 6s, but a run ends before the next one is due, so a timeout \
         is at most the interval; shorten the timeout or lengthen the interval"
    );
}

#[test]
fn rise_fall_and_jitter_have_bounds() {
    assert_eq!(
        refusal(|check| check.rise(0)),
        "rise of check `db` is 0, but it takes at least one run to change one's mind; \
         write 1 to let each run count at once"
    );
    assert!(refusal(|check| check.fall(0)).starts_with("fall of check `db` is 0, but"));
    for jitter in [-0.1, 0.51, f64::NAN, f64::INFINITY] {
        let refusal = refusal(|check| check.jitter(jitter));
        assert!(refusal.contains("a share of the interval from 0 to 0.5"), "{refusal}");
    }
}

#[test]
fn the_extremes_that_can_work_are_taken() {
    for check in [
        Check::new("db", || async {}).interval(Duration::from_millis(1)),
        Check::new("db", || async {}).interval(secs(86_400)).timeout(secs(86_400)),
        Check::new("db", || async {}).interval(secs(1)),
        Check::new("db", || async {}).interval(secs(1)).timeout(secs(1)),
        Check::new("db", || async {}).rise(u32::MAX).fall(u32::MAX).jitter(0.5),
        Check::new("db", || async {}).rise(1).fall(1).jitter(0.0),
    ] {
        assert!(builder().check(check).build(&Registry::new()).is_ok());
    }
}

#[test]
fn a_registry_holds_one_health() {
    let registry = Registry::new();
    Health::builder().build(&registry).expect("the first");
    let err = Health::builder().build(&registry).expect_err("the second");
    assert_eq!((err.field(), err.value()), ("metric name", "\"health_check_up\""));
}

#[tokio::test]
async fn a_heartbeat_has_a_name_of_its_own_and_an_age() {
    let health = builder().build(&Registry::new()).expect("valid");
    let first = health.heartbeat("consumer", secs(30)).expect("valid");
    assert_eq!(
        health.heartbeat("consumer", secs(30)).expect_err("taken").to_string(),
        "heartbeat name is \"consumer\", but another heartbeat has that name, and beats for one \
         would hide the other; rename one of them, or stop the first"
    );
    assert_eq!(health.heartbeat("a b", secs(1)).expect_err("refused").field(), "heartbeat name");
    assert_eq!(
        health.heartbeat("other", Duration::ZERO).expect_err("refused").to_string(),
        "max_age of heartbeat `other` is 0ns, but every beat is older than that; \
         write several times the longest turn of the loop"
    );
    first.stop();
    assert!(health.heartbeat("consumer", Duration::MAX).is_ok(), "the name is free again");
    assert!(health.is_live());
}
