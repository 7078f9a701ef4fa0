//! Rules, their tests and routes on the tools that check them.

use std::time::Duration;

use sre_kit::slo::render::{Options, render};
use sre_kit::slo::{Objective, Period, Slo, Slos, Tier, Window};

use super::tools::{files, run, succeed};
use crate::slo_set;

/// Sets that differ in what the tests have to cope with.
fn sets() -> Vec<(&'static str, Slos, Options)> {
    let slo = |name: &str, percent: f64| {
        Slo::availability(name, Objective::percent(percent).expect("an objective"))
    };
    let set = |slos: Vec<Slo>| Slos::new("shop", slos).expect("valid");
    let own = Tier::page("own", Window::minutes(45), Window::minutes(9)).factor(9.0);
    vec![
        ("representative", slo_set::shop(), slo_set::options()),
        (
            "a week and a quarter",
            set(vec![
                slo("week", 99.95).period(Period::days(7)),
                slo("quarter", 95.0).period(Period::days(90)),
            ]),
            Options::new(),
        ),
        (
            "tiers of one's own, five nines",
            set(vec![
                slo("own", 99.9).tiers([
                    own,
                    Tier::ticket("day", Window::hours(20), Window::hours(3)).factor(1.2),
                ]),
                slo("five-nines", 99.999),
            ]),
            Options::new().sloth_labels(),
        ),
        (
            "compressed, in a namespace",
            set(vec![slo("fast", 99.9)]),
            Options::new()
                .compressed(60)
                .scrape_interval(Duration::from_millis(500))
                .evaluation_interval(Duration::from_millis(500))
                .scope("namespace", "prod"),
        ),
    ]
}

fn rules_pass_on(promtool: &str) {
    for (what, slos, options) in sets() {
        let dir = tempfile::tempdir().expect("a folder");
        render(&slos, &options).expect("renders").write(dir.path()).expect("writes");
        let dir = dir.path().join("prometheus");
        println!("{what}");
        let rules = files(&dir, ".rules.yaml");
        let mut args = vec!["check", "rules", "--lint=all", "--lint-fatal"];
        args.extend(rules.iter().map(String::as_str));
        succeed(&dir, promtool, &args);
        for test in files(&dir, ".test.yaml") {
            succeed(&dir, promtool, &["test", "rules", &test]);
        }
    }
}

#[test]
#[ignore = "needs promtool; cargo xtask test --only servers"]
fn rules_and_their_tests_pass_on_prometheus_2() {
    rules_pass_on("promtool");
}

#[test]
#[ignore = "needs promtool-3; cargo xtask test --only servers"]
fn rules_and_their_tests_pass_on_prometheus_3() {
    rules_pass_on("promtool-3");
}

#[test]
#[ignore = "needs amtool; cargo xtask test --only servers"]
fn each_alert_goes_to_the_receiver_of_its_severity() {
    let dir = tempfile::tempdir().expect("a folder");
    let rendered = render(&slo_set::shop(), &slo_set::options()).expect("renders");
    rendered.write(dir.path()).expect("writes");
    let config = "alertmanager/alertmanager.yaml";
    succeed(dir.path(), "amtool", &["check-config", config]);
    let route = |receiver: &str, labels: &[&str]| {
        let file = format!("--config.file={config}");
        let verify = format!("--verify.receivers={receiver}");
        let mut args = vec!["config", "routes", "test", &file, &verify];
        args.extend(labels);
        run(dir.path(), "amtool", &args).status.success()
    };
    let burn = ["alertname=SLOErrorBudgetBurn", "service=shop", "slo=checkout"];
    let with = |severity| [burn[0], burn[1], burn[2], severity];
    assert!(route("on-call", &with("severity=page")));
    assert!(route("tickets", &with("severity=ticket")));
    assert!(!route("tickets", &with("severity=page")), "amtool does tell");
    assert!(route("on-call", &["alertname=SLOSourceAbsent", "service=shop", "severity=page"]));
    assert!(route("nobody", &["alertname=SLOErrorBudgetBurn", "service=other", "severity=page"]));
    assert!(route("heartbeat", &["alertname=Watchdog", "severity=none"]));
    assert!(route("on-call", &["alertname=PrometheusRuleFailures", "severity=critical"]));
    assert!(route("tickets", &["alertname=KubePodCrashLooping", "severity=warning"]));
    assert!(route("nobody", &["alertname=InfoInhibitor", "severity=none"]));
    // As it comes, with placeholders.
    let plain = render(&slo_set::shop(), &Options::new()).expect("renders");
    plain.write(dir.path()).expect("writes");
    succeed(dir.path(), "amtool", &["check-config", config]);
    assert!(route("nobody", &["alertname=Watchdog", "severity=none"]));
    assert!(route("nobody", &["alertname=PrometheusRuleFailures", "severity=critical"]));
}
