//! Units of work: each ends once, in its outcome.

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::work::{Work, WorkHandle, WorkOutcome, WorkUnit};
use tower::BoxError;

fn work(registry: &Registry) -> Work {
    let orders = WorkUnit::new("orders").expect("valid").message("kafka", "process");
    Work::new(registry, [WorkUnit::new("import").expect("valid"), orders]).expect("valid")
}

fn text(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

fn value(text: &str, sample: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
}

/// The ways in which a unit ends.
#[derive(Clone, Copy, Debug)]
enum Way {
    Well,
    Failed,
    Panicked,
    TimedOut,
    Unpolled,
    Dropped,
    Refused,
}

const WAYS: [(Way, WorkOutcome); 7] = [
    (Way::Well, WorkOutcome::Ok),
    (Way::Failed, WorkOutcome::Error),
    (Way::Panicked, WorkOutcome::Panic),
    (Way::TimedOut, WorkOutcome::Timeout),
    (Way::Unpolled, WorkOutcome::Canceled),
    (Way::Dropped, WorkOutcome::Canceled),
    (Way::Refused, WorkOutcome::Shed),
];

/// Lets one unit end in this way, without a runtime.
fn end(import: &WorkHandle, way: Way) {
    let mut cx = Context::from_waker(Waker::noop());
    let failed = |error: BoxError| ready(Err::<(), _>(error));
    match way {
        Way::Well => {
            assert!(
                Box::pin(import.run(ready(Ok::<_, BoxError>(1)))).as_mut().poll(&mut cx).is_ready()
            );
        }
        Way::Failed => {
            let unit = import.run(failed("failed".into()));
            assert!(Box::pin(unit).as_mut().poll(&mut cx).is_ready());
        }
        Way::TimedOut => {
            let unit = import.run(failed(tower::timeout::error::Elapsed::new().into()));
            assert!(Box::pin(unit).as_mut().poll(&mut cx).is_ready());
        }
        Way::Refused => {
            let unit = import.run(failed(tower::load_shed::error::Overloaded::new().into()));
            assert!(Box::pin(unit).as_mut().poll(&mut cx).is_ready());
        }
        Way::Panicked => {
            let unit = import.run(std::future::poll_fn(|_| -> Poll<()> {
                std::panic::resume_unwind(Box::new("in the unit"))
            }));
            let mut unit = Box::pin(unit);
            catch_unwind(AssertUnwindSafe(|| unit.as_mut().poll(&mut cx).is_ready()))
                .expect_err("continues");
        }
        Way::Unpolled => drop(import.run(pending::<()>())),
        Way::Dropped => {
            let mut unit = Box::pin(import.run(pending::<()>()));
            assert!(unit.as_mut().poll(&mut cx).is_pending());
        }
    }
}

#[test]
fn a_unit_ends_once_in_each_of_the_seven_ways() {
    for (way, outcome) in WAYS {
        let registry = Registry::new();
        let work = work(&registry);
        end(&work.unit("import").expect("declared"), way);
        let ended: Vec<_> = WorkOutcome::ALL.into_iter().filter(|&o| work.ended(o) == 1).collect();
        assert_eq!(ended, [outcome], "{way:?}");
        assert_eq!((work.started(), work.in_flight()), (1, 0), "{way:?}");
        let sample =
            format!("work_duration_seconds_count{{work=\"import\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&text(&registry), &sample), Some(1.0), "{way:?}");
    }
}

#[test]
fn started_is_the_sum_of_ended_and_in_flight_in_every_scrape() {
    const PER_THREAD: usize = 14_000;
    let registry = Registry::builder().shards(2).build().expect("valid");
    let work = work(&registry);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let import = work.unit("import").expect("declared");
                    for i in 0..PER_THREAD {
                        end(&import, WAYS[i % WAYS.len()].0);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let sum = |text: &str, name: &str| -> u64 {
                let samples = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
                samples.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
            };
            while !done.load(Ordering::Relaxed) {
                let text = text(&registry);
                let ended = sum(&text, "work_units_total");
                let active = sum(&text, "work_active_units");
                assert_eq!(sum(&text, "work_units_started_total"), ended + active);
            }
        });
        for thread in threads {
            thread.join().expect("no panic of its own");
        }
        done.store(true, Ordering::Relaxed);
    });
    let each = u64::try_from(3 * PER_THREAD / WAYS.len()).expect("few");
    assert_eq!(
        WorkOutcome::ALL.map(|outcome| work.ended(outcome)),
        [each, each, each, each, 2 * each, each]
    );
    assert_eq!(work.in_flight(), 0);
}

#[tokio::test]
async fn an_aborted_task_ends_its_unit_as_canceled() {
    let registry = Registry::new();
    let work = work(&registry);
    let (started, wait) = tokio::sync::oneshot::channel();
    let unit = work.unit("import").expect("declared").run(async move {
        started.send(()).expect("waited for");
        pending::<()>().await;
    });
    let task = tokio::spawn(unit);
    wait.await.expect("started");
    assert_eq!(work.in_flight(), 1);
    task.abort();
    task.await.expect_err("aborted");
    assert_eq!((work.ended(WorkOutcome::Canceled), work.in_flight()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_elapsed_of_tokio_is_a_timeout() {
    let registry = Registry::new();
    let work = work(&registry);
    let slow = tokio::time::timeout(Duration::from_secs(1), pending::<()>());
    work.unit("import").expect("declared").run(slow).await.expect_err("too slow");
    assert_eq!(work.ended(WorkOutcome::Timeout), 1);
}

#[test]
fn every_series_exists_at_zero() {
    let registry = Registry::new();
    let work = work(&registry);
    let text = text(&registry);
    for sample in [
        "work_units_started_total{work=\"orders\"}",
        "work_units_total{work=\"orders\",outcome=\"panic\"}",
        "work_active_units{work=\"import\"}",
        "work_duration_seconds_count{work=\"import\",outcome=\"error\"}",
        "work_wait_seconds_count{work=\"import\"}",
    ] {
        assert_eq!(value(&text, sample), Some(0.0), "{sample}: {text}");
    }
    assert_eq!(work.started(), 0);
}

#[test]
fn the_time_in_a_queue_is_recorded_and_never_negative() {
    let registry = Registry::new();
    let work = work(&registry);
    let import = work.unit("import").expect("declared");
    import.waited(Duration::from_secs(2)).run_blocking(|| ());
    import.enqueued_at(SystemTime::now() + Duration::from_hours(1)).run_blocking(|| ());
    import.run_blocking(|| ());
    let text = text(&registry);
    assert_eq!(value(&text, "work_wait_seconds_count{work=\"import\"}"), Some(2.0));
    assert_eq!(value(&text, "work_wait_seconds_sum{work=\"import\"}"), Some(2.0));
}

#[test]
fn a_message_is_also_recorded_by_the_name_of_the_conventions() {
    let registry = Registry::new();
    let work = work(&registry);
    let orders = work.unit("orders").expect("declared");
    assert!(orders.run_blocking(|| Err::<(), _>("failed")).is_err());
    let labels = "messaging_system=\"kafka\",messaging_operation_name=\"process\"";
    let sample =
        format!("messaging_process_duration_seconds_count{{{labels},error_type=\"_OTHER\"}}");
    assert_eq!(value(&text(&registry), &sample), Some(1.0));
}

#[test]
fn a_unit_that_cannot_be_declared_is_an_error() {
    for name in ["", "order 17", "ü", "x".repeat(65).as_str()] {
        assert_eq!(WorkUnit::new(name).expect_err("refused").field(), "work unit");
    }
    let twice = [WorkUnit::new("a").expect("valid"), WorkUnit::new("a").expect("valid")];
    let error = Work::new(&Registry::new(), twice).expect_err("refused");
    assert_eq!(error.rule(), "that name is declared already");
    let work = work(&Registry::new());
    let error = work.unit("imports").expect_err("refused").to_string();
    assert!(error.contains("import, orders"), "{error}");
}

#[cfg(feature = "serve")]
#[tokio::test(start_paused = true)]
async fn liveness_fails_when_no_unit_has_ended_for_too_long() {
    use sre_kit::SreKit;
    let unit = WorkUnit::new("import").expect("valid").heartbeat(Duration::from_mins(1));
    let kit = SreKit::builder(sre_kit::build_info!()).work_unit(unit).build().expect("valid");
    let import = kit.work("import").expect("declared");
    assert!(kit.work("export").expect_err("refused").to_string().contains("import"));
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(50)).await;
        import.run(ready(Ok::<_, BoxError>(()))).await.expect("succeeds");
        assert!(kit.health().snapshot().is_live());
    }
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(!kit.health().snapshot().is_live());
}
