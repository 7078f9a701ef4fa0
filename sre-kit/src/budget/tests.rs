//! Budgets on a virtual clock, from the count to the scrape.

use std::time::Duration;

use super::{Budget, Budgets, TierState};
use crate::metrics::{Registry, TextFormat};
use crate::slo::{Clock, ManualClock, Objective, Severity, Slo, Slos, Tier, Window};

const TICK: Duration = Duration::from_secs(2);

fn percent(percent: f64) -> Objective {
    Objective::percent(percent).expect("valid")
}

struct Fixture {
    registry: Registry,
    budgets: Budgets,
    clock: ManualClock,
}

fn fixture(slos: impl IntoIterator<Item = Slo>) -> Fixture {
    let (clock, handle) = Clock::manual();
    let registry = Registry::new();
    let slos = Slos::new("shop", slos).expect("valid");
    let budgets = Budgets::builder().slos(&slos).clock(clock).build(&registry).expect("valid");
    Fixture { registry, budgets, clock: handle }
}

fn checkout() -> Slo {
    Slo::availability("checkout", percent(99.9))
}

impl Fixture {
    fn budget(&self) -> Budget {
        self.budgets.slo("checkout").expect("defined")
    }

    /// Runs for `minutes` with `good` and `bad` events per tick.
    fn run(&self, minutes: u64, good: u64, bad: u64) {
        for _ in 0..minutes * 30 {
            self.clock.advance(TICK);
            self.budget().add(good, bad);
            self.budgets.tick();
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        self.registry.encode_text(&mut text, TextFormat::Prometheus);
        text
    }
}

#[test]
fn both_outcomes_and_every_reason_exist_at_zero_from_the_start() {
    let fixture = fixture([checkout().exclude_marked("synthetic")]);
    let text = fixture.text();
    for line in [
        "slo_events_total{service=\"shop\",slo=\"checkout\",outcome=\"good\"} 0\n",
        "slo_events_total{service=\"shop\",slo=\"checkout\",outcome=\"bad\"} 0\n",
        "slo_events_excluded_total{service=\"shop\",slo=\"checkout\",reason=\"client_abort\"} 0\n",
        "slo_events_excluded_total{service=\"shop\",slo=\"checkout\",reason=\"synthetic\"} 0\n",
        "slo_objective_ratio{service=\"shop\",slo=\"checkout\"} 0.999\n",
        "slo_window_seconds{service=\"shop\",slo=\"checkout\"} 2592000\n",
        "slo_instance_error_ratio{service=\"shop\",slo=\"checkout\",window=\"5m\"} 0.0\n",
        "slo_instance_burn_rate{service=\"shop\",slo=\"checkout\",window=\"30d\"} 0.0\n",
        "slo_instance_window_events{service=\"shop\",slo=\"checkout\",window=\"1d\"} 0\n",
        "slo_instance_window_coverage_ratio{service=\"shop\",slo=\"checkout\",window=\"3d\"} 0.0\n",
        "slo_instance_error_budget_remaining_ratio{service=\"shop\",slo=\"checkout\"} 1.0\n",
        "slo_instance_alert_state{service=\"shop\",slo=\"checkout\",tier=\"fast\"} 0\n",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let series = text.lines().filter(|line| line.starts_with("slo_")).count();
    assert_eq!(series, 2 + 2 + 2 + 4 * 8 + 1 + 4);
}

#[test]
fn counters_only_exports_the_two_families_that_rules_read() {
    let registry = Registry::new();
    let slos = Slos::new("shop", [checkout()]).expect("valid");
    Budgets::builder().slos(&slos).counters_only().build(&registry).expect("valid");
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let names: std::collections::BTreeSet<_> = text
        .lines()
        .filter(|line| line.starts_with("slo_"))
        .filter_map(|line| line.split('{').next())
        .collect();
    assert_eq!(Vec::from_iter(names), ["slo_events_excluded_total", "slo_events_total"]);
}

/// The formulas of the Workbook: detection after `long x factor x budget / ratio`,
/// reset after `short x (1 - factor x budget)` for a total outage.
#[test]
fn a_total_outage_pages_after_52_seconds_and_clears_within_five_minutes() {
    let fixture = fixture([checkout().tiers([Tier::fast()])]);
    let budget = fixture.budget();
    fixture.run(120, 10, 0);
    assert_eq!(budget.firing(), None);
    let mut ticks = 0;
    while !budget.burning_fast() {
        fixture.clock.advance(TICK);
        budget.add(0, 10);
        fixture.budgets.tick();
        ticks += 1;
    }
    // 3600 s x 14.4 x 0.001 = 51.84 s.
    assert_eq!(ticks * 2, 52);
    assert_eq!(budget.firing(), Some(Severity::Page));
    assert_eq!(budget.tier_state("fast"), Some(TierState::Firing));
    assert_eq!(budget.tier_state("no such tier"), None);

    let mut ticks = 0;
    while budget.burning_fast() {
        fixture.clock.advance(TICK);
        budget.add(10, 0);
        fixture.budgets.tick();
        ticks += 1;
    }
    assert!(ticks * 2 <= 5 * 60, "cleared after {} s", ticks * 2);
    assert_eq!(budget.tier_state("fast"), Some(TierState::Cooling), "the hour still burns");
    let (good, bad) = budget.totals();
    let ratio = bad as f64 / (good + bad) as f64;
    assert!((budget.budget_remaining() - (1.0 - ratio / 0.001)).abs() < 1e-9, "not clamped");
}

#[test]
fn two_percent_of_errors_page_after_43_minutes_and_one_percent_never() {
    let fixture = fixture([checkout()]);
    fixture.run(120, 100, 0);
    let mut minutes = 0;
    while !fixture.budget().burning_fast() {
        fixture.run(1, 98, 2);
        minutes += 1;
    }
    // 60 min x 14.4 x 0.001 / 0.02 = 43.2 min.
    assert_eq!(minutes, 44);

    let calm = self::fixture([checkout().without_tier("medium")]);
    calm.run(120, 990, 10);
    assert_eq!(calm.budget().firing(), Some(Severity::Ticket));
    assert!((calm.budget().burn_rate(Window::hours(1)) - 10.0).abs() < 1e-9);
}

#[test]
fn a_failure_in_a_quiet_hour_is_a_ticket_and_never_silence() {
    let fixture = fixture([checkout().tiers([Tier::fast()])]);
    let budget = fixture.budget();
    fixture.run(60, 0, 0);
    budget.add(9, 1);
    fixture.run(1, 0, 0);
    assert!((budget.burn_rate(Window::hours(1)) - 100.0).abs() < 1e-9);
    assert_eq!(budget.tier_state("fast"), Some(TierState::Firing));
    assert_eq!((budget.firing(), budget.burning_fast()), (Some(Severity::Ticket), false));
    assert_eq!(budget.tiers()[0].severity(), Severity::Ticket);
    budget.add(0, 4);
    fixture.run(1, 0, 0);
    assert_eq!(budget.firing(), Some(Severity::Page), "five bad events are no chance");
}

#[test]
fn a_duration_on_the_threshold_is_good() {
    let slo = Slo::latency("checkout", percent(99.0), Duration::from_millis(300));
    let fixture = fixture([slo]);
    let budget = fixture.budget();
    budget.record(true, Duration::from_millis(300));
    budget.record(true, Duration::from_nanos(300_000_001));
    budget.record(false, Duration::ZERO);
    assert_eq!(budget.totals(), (1, 2));
}

#[test]
fn an_undeclared_reason_has_one_series_for_all() {
    let fixture = fixture([checkout().exclude_marked("synthetic")]);
    let budget = fixture.budget();
    for reason in ["synthetic", "surprise", "another"] {
        budget.record_excluded(reason);
    }
    assert_eq!(budget.excluded_total(), [("client_abort", 0), ("synthetic", 1), ("other", 2)]);
    assert_eq!(budget.totals(), (0, 0), "what is left out is no event");
}

#[test]
fn a_read_takes_the_snapshot_that_a_stalled_ticker_missed() {
    let fixture = fixture([checkout()]);
    fixture.budget().add(0, 8);
    fixture.clock.advance(Duration::from_mins(1));
    let stats = fixture.budget().window(Window::minutes(5));
    assert_eq!((stats.bad(), stats.span()), (8, Duration::from_mins(1)));
}

#[test]
fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
    let fixture = fixture([checkout(), Slo::ratio("import", percent(95.0))]);
    let err = fixture.budgets.slo("chekout").expect_err("a slip");
    assert!(err.to_string().contains("the names are checkout, import"), "{err}");
}

#[test]
fn more_slos_than_a_family_holds_are_an_error() {
    let registry = Registry::builder().max_series_per_family(16).build().expect("valid");
    let slos = |n: usize| {
        Slos::new("shop", (0..n).map(|i| Slo::ratio(format!("s{i}"), percent(99.0))))
            .expect("valid")
    };
    let err = Budgets::new(&registry, &slos(3)).expect_err("24 windows");
    assert_eq!(err.field(), "max_series_per_family");
    Budgets::builder().slos(&slos(8)).counters_only().build(&registry).expect("16 outcomes fit");
    let err = Budgets::new(&registry, &slos(1)).expect_err("a second set");
    assert_eq!(err.field(), "metric name");
}

#[test]
fn the_report_is_the_same_as_json_and_as_a_table() {
    let fixture = fixture([
        checkout().owner("payments").description("Orders go through."),
        Slo::availability("loose", percent(90.0)),
    ]);
    fixture.run(5, 1, 1);
    fixture.budget().record_excluded("client_abort");
    let report = fixture.budgets.report();
    let json = report.to_json();
    let slo = &json["slos"][0];
    assert_eq!(json["service"], "shop");
    assert_eq!(json["burning_fast"], true);
    assert_eq!(slo["name"], "checkout");
    assert_eq!(slo["objective_percent"], "99.9");
    assert_eq!(slo["excluded"]["client_abort"], 1);
    assert_eq!(slo["windows"][0]["window"], "5m");
    assert_eq!(slo["windows"][0]["bad"], 150);
    assert_eq!(slo["windows"][0]["coverage"], 1.0);
    assert_eq!(slo["tiers"][0]["state"], "firing");
    assert_eq!(slo["firing"], "page");
    let table = report.to_string();
    for part in [
        "checkout: availability 99.9 % over 30d",
        "page FIRES",
        "since start: 150 good, 150 bad, 1 client_abort",
        "        5m          150          150    0.500000     500.00   100.0 %",
        "fast     firing  page   burn > 14.4 over 1h and 5m",
        "note: SLO `loose`, tier `fast`: left out",
    ] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_ticker_ticks_by_itself_and_ends_when_dropped() {
    let registry = Registry::new();
    let slos = Slos::new("shop", [checkout().tiers([Tier::fast()])]).expect("valid");
    let budgets = Budgets::new(&registry, &slos).expect("valid");
    let ticker = budgets.spawn();
    let budget = budgets.slo("checkout").expect("defined");
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        budget.add(0, 1);
    }
    assert!(budget.burning_fast(), "read without any call that ticks");
    drop(ticker);
    budgets.tick();
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert!(budget.burning_fast(), "nothing ticks any more");
    let five = budget.window(Window::minutes(5));
    assert_eq!(five.bad(), 0, "a read does");
    assert!(!budget.burning_fast());
}

#[tokio::test(start_paused = true)]
async fn the_ticker_writes_the_checkpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slo.checkpoint");
    let slos = Slos::new("shop", [checkout()]).expect("valid");
    let budgets =
        Budgets::builder().slos(&slos).checkpoint(&path).build(&Registry::new()).expect("valid");
    let _ticker = budgets.spawn();
    while !path.exists() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        // The file is written on a thread that no paused clock waits for.
        std::thread::yield_now();
    }
}
