use std::time::Duration;

use super::Imported;
use crate::render::{Options, render};
use crate::{Definition, Objective, Period, Slo, Slos, Tier, Window};

fn percent(value: f64) -> Objective {
    Objective::percent(value).expect("an objective")
}

/// Everything that a definition says.
fn facts(slo: &Definition) -> String {
    let mut outcomes: Vec<_> = slo.outcomes().collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    let counts: Vec<_> = outcomes.iter().map(|o| (o, slo.class_of(o))).collect();
    format!(
        "{} {:?} {} {} {} {} {} {} {:?} {} {:?} {:?} {counts:?} {:?} {:#?}",
        slo.name(),
        slo.indicator(),
        slo.source(),
        slo.share(),
        slo.objective(),
        slo.description(),
        slo.owner(),
        slo.runbooks(),
        slo.labels(),
        slo.period(),
        slo.routes(),
        slo.methods(),
        slo.exclusions(),
        slo.tiers(),
    )
}

#[test]
fn what_goes_out_as_openslo_comes_back_as_it_was() {
    let hourly = Tier::page("hourly", Window::hours(1), Window::minutes(5)).budget_share(1.0);
    let slos = Slos::new(
        "shop",
        [
            Slo::dependency("payments", percent(99.95)).share(0.25).routes(["/v1/charges"]),
            Slo::dependency("payments", percent(99.0))
                .within(Duration::from_millis(250))
                .until_headers()
                .named("payments-latency")
                .bad("client_error"),
            Slo::work("jobs", percent(95.0)).exclude("timeout", "slow"),
            Slo::work("jobs", percent(95.0)).within(Duration::from_secs(60)).named("jobs-latency"),
            Slo::availability("checkout", percent(99.95))
                .description("Orders: \"all\" of them\ngo through.")
                .owner("payments")
                .runbooks("https://runbooks.example.com")
                .label("tier", "gold")
                .period(Period::days(28))
                .routes(["/a/{id}", "/b,c"])
                .methods(["POST"])
                .good("timeout")
                .exclude("shed", "overload")
                .exclude_marked("synthetic"),
            Slo::latency("latency", percent(99.0), Duration::from_micros(1_500)).until_headers(),
            Slo::availability("few", percent(99.9)).only(["ok", "error"]),
            Slo::ratio("import", percent(90.0)).tiers([
                hourly.clone().any_bad_event(),
                Tier::ticket("daily", Window::days(1), Window::hours(2)).factor(1.5),
            ]),
            Slo::ratio("paging", percent(99.0)).tiers([hourly.min_bad_events(17)]),
            ["fast", "medium", "slow", "long"]
                .into_iter()
                .fold(Slo::ratio("silent", percent(99.0)), Slo::without_tier),
        ],
    )
    .expect("a valid set");
    let rendered = render(&slos, &Options::new()).expect("renders");
    let text = rendered.get("openslo/slos.yaml").expect("is there");
    let imported = Imported::from_openslo(text).expect("reads");
    assert_eq!(imported.notes(), [] as [String; 0], "nothing is left out");
    let back = imported.into_slos().expect("valid");
    assert_eq!(back.service(), "shop");
    let all = |slos: &Slos| slos.iter().map(facts).collect::<Vec<_>>();
    for (found, expected) in all(&back).into_iter().zip(all(&slos)) {
        assert_eq!(found, expected);
    }
    assert_eq!(back.len(), slos.len());
}

const FOREIGN: &str = "
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: orders}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Datadog, spec: {query: 'sum:orders{ok}'}}}
    total: {metricSource: {type: Datadog, spec: {query: 'sum:orders{*}'}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: orders, labels: {team: payments}}
spec:
  service: shop
  description: Orders go through.
  indicatorRef: orders
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{targetPercent: 99.5}]
  alertPolicies: [{alertPolicyRef: fast}]
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
";

#[test]
fn openslo_of_other_tools_becomes_ratios_that_the_service_counts() {
    let imported = Imported::from_openslo(FOREIGN).expect("reads");
    let notes = imported.notes().join("\n");
    for part in ["spec.ratioMetric", "budgets.slo(\"orders\")", "spec.alertPolicies", "AlertPolicy"]
    {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    let slos = imported.into_slos().expect("valid");
    let slo = slos.get("orders").expect("there");
    assert_eq!((slo.objective(), slo.period()), (percent(99.5), Period::days(28)));
    assert_eq!(slo.labels(), [("team".to_owned(), "payments".to_owned())]);
    assert_eq!(slo.description(), "Orders go through.");
}

#[test]
fn openslo_that_cannot_be_expressed_names_the_field() {
    let with = |from: &str, to: &str| {
        assert!(FOREIGN.contains(from), "{from}");
        FOREIGN.replace(from, to)
    };
    for (text, field, part) in [
        (with("Occurrences", "Timeslices"), "spec.budgetingMethod", "Timeslices"),
        (with("isRolling: true", "isRolling: false"), "spec.timeWindow[0].isRolling", "rolling"),
        (
            with("isRolling: true", "calendar: {timeZone: UTC}"),
            "spec.timeWindow[0].calendar",
            "calendar",
        ),
        (with("4w", "1Q"), "spec.timeWindow[0].duration", "30d"),
        (with("4w", "99999999999999999999w"), "spec.timeWindow[0].duration", "30d"),
        (
            with("targetPercent: 99.5", "targetPercent: 100"),
            "spec.objectives[0].targetPercent",
            "no error budget",
        ),
        (with("targetPercent: 99.5", "target: 1.5"), "spec.objectives[0].target", "between"),
        (
            with("{targetPercent: 99.5}", "{target: 0.9}, {target: 0.99}"),
            "spec.objectives",
            "one objective",
        ),
        (
            with("{targetPercent: 99.5}", "{target: 0.9, op: lte, value: 3}"),
            "spec.objectives[0].op",
            "threshold",
        ),
        (with("indicatorRef: orders", "indicatorRef: none"), "spec.indicatorRef", "no SLI"),
        (with("    good: {", "    raw: {"), "spec.ratioMetric.raw", "no events"),
        (with("  ratioMetric:", "  thresholdMetric:"), "spec.thresholdMetric", "no events"),
        (with("    total: {", "    other: {"), "spec.ratioMetric", "`total`"),
        (with("service: shop\n  desc", "desc"), "spec", "`service`"),
        (with("openslo/v1\nkind: SLO", "openslo/v2alpha\nkind: SLO"), "apiVersion", "openslo/v1"),
        (with("kind: SLO", "kind: SLX"), "file", "none of them is an SLO"),
        ("a: [".to_owned(), "file", "not YAML"),
        (String::new(), "file", "none of them"),
        ("just text".to_owned(), "file", "apiVersion"),
        ("- 1".to_owned(), "file", "apiVersion"),
    ] {
        let err = Imported::from_openslo(&text).expect_err(field);
        assert_eq!(err.field(), field, "{err}");
        assert!(err.to_string().contains(part), "{err}");
    }
}

const SLOTH: &str = "
version: prometheus/v1
service: myservice
labels: {owner: myteam, repo: myorg, tier: \"2\"}
slos:
  - name: requests-availability
    objective: 99.9
    description: Requests are answered.
    labels: {tier: \"1\"}
    sli:
      events:
        error_query: sum(rate(http_requests_total{code=~\"(5..|429)\"}[{{.window}}]))
        total_query: sum(rate(http_requests_total[{{.window}}]))
    alerting:
      name: MyServiceHighErrorRate
      page_alert: {labels: {severity: pageteam}}
      ticket_alert: {disable: true}
";

#[test]
fn slos_of_sloth_become_ratios_that_the_service_counts() {
    let imported = Imported::from_sloth(SLOTH).expect("reads");
    let notes = imported.notes().join("\n");
    for part in
        ["slos[0].sli.events", "slos[0].alerting.name", "slos[0].alerting.page_alert.labels"]
    {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    let slos = imported.into_slos().expect("valid");
    assert_eq!(slos.service(), "myservice");
    let slo = slos.get("requests-availability").expect("there");
    assert_eq!((slo.objective(), slo.owner()), (percent(99.9), "myteam"));
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(slo.labels(), [label("tier", "1"), label("repo", "myorg")]);
    let tiers: Vec<_> = slo.tiers().iter().map(|tier| tier.name().to_owned()).collect();
    assert_eq!(tiers, ["fast", "medium"], "tickets are disabled");
}

#[test]
fn sloth_that_cannot_be_expressed_names_the_field() {
    let with = |from: &str, to: &str| {
        assert!(SLOTH.contains(from), "{from}");
        SLOTH.replace(from, to)
    };
    for (text, field, part) in [
        (with("prometheus/v1", "prometheus/v2"), "version", "prometheus/v1"),
        (with("version:", "apiVersion:"), "apiVersion", "Kubernetes"),
        (with("objective: 99.9", "objective: 100"), "slos[0].objective", "no error budget"),
        (with("objective: 99.9", "objective: [1]"), "slos[0].objective", "a list of 1"),
        (with("      events:", "      raw:"), "slos[0].sli.raw", "no events"),
        (with("      events:", "      plugin:"), "slos[0].sli.plugin", "queries"),
        (with("error_query", "errors"), "slos[0].sli.events", "`error_query`"),
        (with("service: myservice\n", ""), "file", "`service`"),
        (with("labels: {tier: \"1\"}", "labels: 7"), "slos[0].labels", "a map"),
        (format!("{SLOTH}---\n{SLOTH}"), "file", "one document"),
        (with("slos:\n  - name", "slos:\n    name"), "slos", "a list"),
    ] {
        let err = Imported::from_sloth(&text).expect_err(field);
        assert_eq!(err.field(), field, "{err}");
        assert!(err.to_string().contains(part), "{err}");
    }
    // A name that does not fit a label is an error of the validation.
    let odd = Imported::from_sloth(&with("requests-availability", "requests_availability"));
    assert_eq!(odd.expect("reads").into_slos().expect_err("invalid").field(), "slo.name");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*", line in 0_usize..20, cut in 0_usize..400) {
        let _ = Imported::from_sloth(&text);
        let _ = Imported::from_openslo(&text);
        // Valid files, broken somewhere.
        for file in [SLOTH, FOREIGN] {
            let broken: Vec<_> = file.lines().enumerate().filter(|(i, _)| *i != line).map(|(_, l)| l).collect();
            let broken = broken.join("\n");
            let _ = Imported::from_openslo(&broken);
            let _ = Imported::from_sloth(&broken);
            if let Some(head) = file.get(..cut) {
                let _ = Imported::from_openslo(head);
                let _ = Imported::from_sloth(head);
            }
        }
    }
}
