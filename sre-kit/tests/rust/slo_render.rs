//! What is generated, read by the parsers of those who will read it.
#![cfg(feature = "render")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use promql_parser::parser::{self, Expr};
use proptest::prelude::*;
use serde_yaml_ng::Value;
use sre_kit::slo::render::{Options, Receiver, Rendered, render};
use sre_kit::slo::{Objective, Period, Severity, Slo, Slos, Tier, Window};

use crate::slo_set;

fn yaml(rendered: &Rendered, path: &str) -> Value {
    let text = rendered.get(path).unwrap_or_else(|| panic!("{path} is generated"));
    serde_yaml_ng::from_str(text).unwrap_or_else(|err| panic!("{path}: {err}\n{text}"))
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_sequence().unwrap_or_else(|| panic!("no list {key} in {value:?}"))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key} in {value:?}"))
}

/// Every rule of every rule file.
fn rules(rendered: &Rendered) -> Vec<Value> {
    let files = rendered.files().map(|(path, _)| path).filter(|p| p.ends_with(".rules.yaml"));
    let mut rules = Vec::new();
    for path in files.filter(|path| path.starts_with("prometheus/")) {
        for group in list(&yaml(rendered, path), "groups") {
            rules.extend(list(group, "rules").iter().cloned());
        }
    }
    rules
}

fn parse(expr: &str) -> Expr {
    parser::parse(expr).unwrap_or_else(|err| panic!("{err}: {expr}"))
}

/// A dashboard's expression with Grafana's variables filled in.
fn fill_in(expr: &str) -> String {
    ["$job", "$route", "$slo"]
        .iter()
        .fold(expr.replace("$__rate_interval", "1m"), |text, name| text.replace(name, ".*"))
}

fn panels(rendered: &Rendered) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in ["grafana/golden-signals.json", "grafana/slo.json"] {
        let text = rendered.get(path).expect("generated");
        let board: serde_json::Value = serde_json::from_str(text).expect("JSON");
        for panel in board["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let title = panel["title"].as_str().expect("a title").to_owned();
                found.push((title, target["expr"].as_str().expect("an expression").to_owned()));
            }
        }
    }
    found
}

fn shop() -> Rendered {
    render(&slo_set::shop(), &slo_set::options()).expect("renders")
}

#[test]
fn every_expression_is_promql() {
    let rendered = shop();
    for rule in rules(&rendered) {
        parse(text(&rule, "expr"));
    }
    for (_, expr) in panels(&rendered) {
        parse(&fill_in(&expr));
    }
    let pages = rendered.files().filter(|(path, _)| path.starts_with("runbooks/"));
    let mut queries = 0;
    for (_, page) in pages {
        for query in page.split("```promql\n").skip(1) {
            parse(query.split("```").next().expect("the query"));
            queries += 1;
        }
    }
    assert!(queries > 20, "runbooks have queries to paste: {queries}");
}

#[test]
fn the_three_rule_files_of_an_slo_hold_the_same_rules() {
    let rendered = shop();
    let plain = yaml(&rendered, "prometheus/checkout.rules.yaml");
    for (path, version, kind) in [
        ("kubernetes/checkout.prometheusrule.yaml", "monitoring.coreos.com/v1", "PrometheusRule"),
        ("kubernetes/checkout.gmp-rules.yaml", "monitoring.googleapis.com/v1", "Rules"),
    ] {
        let object = yaml(&rendered, path);
        assert_eq!((text(&object, "apiVersion"), text(&object, "kind")), (version, kind));
        assert_eq!(text(&object["metadata"], "name"), "slo-shop-checkout");
        assert_eq!(text(&object["metadata"], "namespace"), "shop");
        assert_eq!(object["spec"]["groups"], plain["groups"], "{path}");
    }
}

#[test]
fn no_rule_and_no_panel_reads_an_instance_gauge() {
    let rendered = shop();
    for (path, text) in rendered.files() {
        assert!(!text.contains("slo_instance_"), "{path}");
    }
}

#[test]
fn the_same_definition_gives_the_same_bytes() {
    assert_eq!(shop(), shop());
}

#[test]
fn every_alert_has_a_page_at_its_link() {
    let rendered = shop();
    let mut pages = BTreeSet::new();
    for rule in rules(&rendered).iter().filter(|rule| !rule["alert"].is_null()) {
        let url = text(&rule["annotations"], "runbook_url");
        let own = url.strip_prefix("https://runbooks.example.com/shop/");
        let path = own.or_else(|| url.strip_prefix("https://runbooks.example.com/default/"));
        let path = format!("runbooks/{}", path.unwrap_or_else(|| panic!("{url}")));
        let page = rendered.get(&path).unwrap_or_else(|| panic!("{url}: no {path}"));
        assert!(page.contains(&format!("# {}", text(rule, "alert"))), "{path}");
        pages.insert(path);
    }
    assert_eq!(pages.len(), 9, "three pages for each of three SLOs");
}

#[test]
fn every_alert_links_to_the_dashboard_by_its_uid() {
    for options in [slo_set::options(), slo_set::options().scope("namespace", "prod")] {
        let rendered = render(&slo_set::shop(), &options).expect("renders");
        let board = rendered.get("grafana/slo.json").expect("generated");
        let board: serde_json::Value = serde_json::from_str(board).expect("JSON");
        let uid = board["uid"].as_str().expect("a uid");
        assert!(!uid.is_empty() && uid.len() <= 40, "Grafana takes 40 characters: {uid}");
        let variables = board["templating"]["list"].as_array().expect("variables");
        assert!(variables.iter().any(|variable| variable["name"] == "slo"));
        for rule in rules(&rendered).iter().filter(|rule| !rule["alert"].is_null()) {
            let slo = text(&rule["labels"], "slo");
            let url = format!("https://grafana.example.com/d/{uid}?var-slo={slo}");
            assert_eq!(text(&rule["annotations"], "dashboard_url"), url);
        }
    }
}

#[test]
fn without_an_address_alerts_have_no_link() {
    let slos = Slos::new("shop", [Slo::ratio("a", Objective::percent(99.0).expect("valid"))]);
    let rendered = render(&slos.expect("valid"), &Options::new()).expect("renders");
    for rule in rules(&rendered) {
        let links = ["runbook_url", "dashboard_url"].map(|name| &rule["annotations"][name]);
        assert!(links.iter().all(|link| link.is_null()), "a relative path is no link: {rule:?}");
    }
}

#[test]
fn a_receiver_that_cannot_work_says_what_to_change_and_keeps_secrets() {
    let key = "/etc/alertmanager/secrets/alerts/key";
    let secret = "https://hooks.slack.com/services/T0/B0/s3cr3t";
    let email = |smarthost: &str| Receiver::email("x", "a@example.com", "b@example.com", smarthost);
    for (receiver, part) in [
        (Receiver::webhook("x", "hooks.example.com/s3cr3t"), "http://"),
        (Receiver::webhook_file("x", secret), "absolute path"),
        (Receiver::slack("x", secret, "#sre"), "absolute path"),
        (Receiver::slack("x", key, ""), "one word"),
        (Receiver::pager_duty("x", "s3cr3t"), "absolute path"),
        (Receiver::opsgenie("x", "s3cr3t"), "absolute path"),
        (Receiver::opsgenie("x", key).api_url("api.eu.opsgenie.com"), "http://"),
        (Receiver::slack("x", key, "#sre").api_url("https://slack.com"), "no such setting"),
        (Receiver::pager_duty("x", key).without_tls(), "no such setting"),
        (Receiver::opsgenie("x", key).login("a", key), "no such setting"),
        (email("smtp.example.com"), "host and a port"),
        (email("smtp.example.com:587").login("a", "s3cr3t"), "absolute path"),
        (Receiver::email("x", "sre", "b@example.com", "smtp:25"), "email address"),
        (Receiver::pager_duty("x", key).and(Receiver::slack("y", "s3cr3t", "#sre")), "absolute"),
    ] {
        for options in [
            Options::new().receiver(Severity::Page, receiver.clone()),
            Options::new().receiver(Severity::Ticket, receiver.clone()),
            Options::new().heartbeat(receiver.clone()),
        ] {
            let err = render(&slo_set::shop(), &options).expect_err(part);
            assert_eq!(err.field(), "render.receiver `x`", "{err}");
            assert!(err.to_string().contains(part), "{err}");
            assert!(!err.to_string().contains("s3cr3t"), "{err}");
        }
    }
    for options in [
        Options::new().receiver(Severity::Page, Receiver::pager_duty("nobody", key)),
        Options::new().receiver(Severity::Page, Receiver::pager_duty("slo-ticket", key)),
        Options::new().heartbeat(Receiver::pager_duty("slo-ticket", key)),
    ] {
        render(&slo_set::shop(), &options).expect_err("names are unique");
    }
}

#[test]
fn dashboards_can_be_imported_as_they_are() {
    let rendered = shop();
    for path in ["grafana/golden-signals.json", "grafana/slo.json"] {
        let board: serde_json::Value =
            serde_json::from_str(rendered.get(path).expect("generated")).expect("JSON");
        assert_eq!(board["id"], serde_json::Value::Null, "{path}");
        assert!(board.get("__inputs").is_none(), "{path}");
        assert_eq!(board["schemaVersion"], 42, "{path}");
        let variable = &board["templating"]["list"][0];
        assert_eq!(
            (&variable["name"], &variable["type"]),
            (&"datasource".into(), &"datasource".into())
        );
        assert_eq!(variable["current"]["value"], "prometheus-main");
        let mut ids = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in board["panels"].as_array().expect("panels") {
            assert!(ids.insert(panel["id"].as_u64()), "{path}: one id per panel");
            let at = |key: &str| panel["gridPos"][key].as_u64().expect("a position");
            assert!(at("x") + at("w") <= 24, "{path}: {}", panel["title"]);
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(taken.insert((x, y)), "{path}: {} covers another", panel["title"]);
                }
            }
            if panel["type"] == "row" {
                continue;
            }
            assert!(panel["description"].as_str().is_some_and(|text| text.len() > 10), "{panel}");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{panel}");
            for target in panel["targets"].as_array().expect("targets") {
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{panel}");
            }
        }
    }
    let golden = rendered.get("grafana/golden-signals.json").expect("generated");
    assert!(golden.contains("\"exemplar\": true"), "exemplars are switched on");
}

#[test]
fn options_that_cannot_work_say_what_to_change() {
    let slos = slo_set::shop();
    let seconds = Duration::from_secs;
    for (options, field, part) in [
        (Options::new().scrape_interval(seconds(90)), "render.scrape_interval", "four scrapes"),
        (Options::new().scrape_interval(seconds(0)), "render.scrape_interval", "not zero"),
        (Options::new().evaluation_interval(seconds(121)), "render.evaluation_interval", "two"),
        (Options::new().compressed(0), "render.compressed", "zero"),
        (
            Options::new().compressed(7).scrape_interval(seconds(1)),
            "render.compressed",
            "milliseconds",
        ),
        (Options::new().compressed(600), "render.scrape_interval", "four scrapes"),
        (Options::new().runbooks("runbooks"), "render.runbooks", "https://"),
        (Options::new().grafana("grafana:3000"), "render.grafana", "https://"),
        (Options::new().label("team", ""), "render.label `team`", "drops"),
        (Options::new().label("a-b", "x"), "label name", "a-b"),
        (Options::new().label("service", "x"), "label name", "service"),
        (Options::new().label("team", "{{ boom }}"), "render.label `team`", "template"),
    ] {
        let err = render(&slos, &options).expect_err(field);
        assert_eq!(err.field(), field, "{err}");
        assert!(err.to_string().contains(part), "{err}");
    }
}

#[test]
fn files_grow_with_the_set_and_no_faster() {
    let objective = Objective::percent(99.9).expect("valid");
    let slos: Vec<_> = (0..100).map(|i| Slo::availability(format!("slo-{i}"), objective)).collect();
    let slos = Slos::new("shop", slos).expect("valid");
    let all = render(&slos, &Options::new()).expect("renders");
    let one = Slos::new("shop", [Slo::availability("slo-0", objective)]).expect("valid");
    let one = render(&one, &Options::new()).expect("renders");
    let size = |rendered: &Rendered| rendered.files().map(|(_, text)| text.len()).sum::<usize>();
    assert!(size(&all) < size(&one) * 110, "linear in the number of SLOs");
}

/// Any set that the library takes.
fn any_slos() -> impl Strategy<Value = Slos> {
    let objective = (1_u32..1_000_000_000)
        .prop_map(|good| Objective::parse_ratio(&format!("0.{good:09}")).expect("in range"));
    let period = prop_oneof![
        Just(Period::days(30)),
        (1_u32..400).prop_map(Period::days),
        (1_u32..200).prop_map(Period::hours),
    ];
    let tier = (1_u32..200, 2_u32..40, 1.0..50.0_f64, any::<bool>()).prop_map(
        |(short, times, share, page)| {
            let (short, long) = (Window::minutes(short), Window::minutes(short * times));
            let tier = if page {
                Tier::page("own", long, short)
            } else {
                Tier::ticket("own", long, short)
            };
            tier.budget_share((share * 10.0).round() / 10.0)
        },
    );
    let slo = (objective, period, any::<bool>(), proptest::option::of(tier), 0_u32..3);
    proptest::collection::vec(slo, 1..4).prop_filter_map("no tier can work", |slos| {
        let slos =
            slos.into_iter().enumerate().map(|(i, (objective, period, ratio, tier, kind))| {
                let name = format!("slo-{i}");
                let slo = match (ratio, kind) {
                    (true, _) => Slo::ratio(name, objective),
                    (false, 0) => Slo::latency(name, objective, Duration::from_millis(250)),
                    (false, _) => Slo::availability(name, objective).routes(["/a\"b\\c{id}"]),
                };
                let slo = slo.period(period).description("Says \"so\": {{ $value }} # 1\n- x");
                match tier {
                    Some(tier) => slo.tiers([tier]),
                    None => slo,
                }
            });
        Slos::new("any", slos).ok()
    })
}

/// A literal that binary floating point left its dust on.
fn dusty(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').any(|number| {
        number.contains('.')
            && (number.contains("00000000") || number.contains("99999999"))
            && number.len() > 19
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_set_gives_rules_that_can_be_read(slos in any_slos()) {
        let options = Options::new().scrape_interval(Duration::from_secs(15));
        let Ok(rendered) = render(&slos, &options) else {
            // The one reason: a window too short for the scrape interval.
            let err = render(&slos, &options).expect_err("the same").to_string();
            prop_assert!(err.contains("four scrapes"), "{}", err);
            return Ok(());
        };
        let mut seen = BTreeSet::new();
        for rule in rules(&rendered) {
            let expr = text(&rule, "expr");
            parse(expr);
            prop_assert!(!expr.contains("NaN") && !expr.contains("inf"), "{}", expr);
            prop_assert!(!dusty(expr), "{}", expr);
            let name = rule["record"].as_str().or_else(|| rule["alert"].as_str()).expect("a name");
            let id = (name.to_owned(), serde_json::to_string(&rule["labels"]).expect("JSON"));
            prop_assert!(seen.insert(id), "two rules are one: {:?}", rule);
        }
        for (_, expr) in panels(&rendered) {
            parse(&fill_in(&expr));
        }
        for (path, text) in rendered.files() {
            prop_assert!(!path.contains(".."), "{}", path);
            if Path::new(path).extension().is_some_and(|ending| ending == "yaml") {
                for document in serde_yaml_ng::Deserializer::from_str(text) {
                    let read: Result<Value, _> = serde::Deserialize::deserialize(document);
                    prop_assert!(read.is_ok(), "{}: {:?}", path, read);
                }
            }
        }
    }
}
