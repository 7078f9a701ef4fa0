//! Rules with one thing wrong: the generated tests have to notice each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_yaml_ng::Value;
use sre_kit::slo::render::{Options, Rendered, render};
use sre_kit::slo::{Objective, Slo, Slos};

use super::tools::run;

/// One rule's expression or severity, changed.
struct Mutant {
    what: String,
    rules: String,
}

/// `5m` as seconds.
fn seconds(window: &str) -> u64 {
    let (number, unit) = window.split_at(window.len() - 1);
    let unit = BTreeMap::from([("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)])[unit];
    number.parse::<u64>().expect("a number") * unit
}

/// Every place where `old` stands, replaced one at a time.
fn each(expr: &str, old: &str, new: &str) -> Vec<String> {
    expr.match_indices(old)
        .map(|(at, _)| format!("{}{new}{}", &expr[..at], &expr[at + old.len()..]))
        .collect()
}

/// Where a number begins and ends after an operator.
fn numbers(expr: &str, operator: &str) -> Vec<(usize, usize)> {
    expr.match_indices(operator)
        .map(|(at, _)| at + operator.len())
        .filter_map(|from| {
            let length = expr[from..]
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(expr.len() - from);
            (length > 0).then_some((from, from + length))
        })
        .collect()
}

fn mutate(expr: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Windows, and how far back history reaches.
    for (open, close) in [("[", "]"), ("offset ", ")")] {
        for (at, _) in expr.match_indices(open) {
            let from = at + open.len();
            let to = from + expr[from..].find(close).expect("closed");
            let length = seconds(&expr[from..to]);
            for changed in [length / 2, length * 2] {
                found.push(format!("{}{changed}s{}", &expr[..from], &expr[to..]));
            }
        }
    }
    // The recorded window that an alert reads: its neighbours.
    let windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];
    for (i, window) in windows.iter().enumerate() {
        let name = |window: &str| format!("slo:sli_error:ratio_rate{window}{{");
        for other in
            [i.checked_sub(1), Some(i + 1)].into_iter().flatten().filter_map(|i| windows.get(i))
        {
            found.extend(each(expr, &name(window), &name(other)));
        }
    }
    // Factors, budgets, minimums: 10 % off, or one.
    for operator in ["> ", ">= ", "<= ", "/ ", "vector("] {
        for (from, to) in numbers(expr, operator) {
            let number: f64 = expr[from..to].parse().expect("a number");
            let changed = match number {
                0.0 if operator == "<= " => vec![-0.1, 0.1],
                // A guard is dropped below.
                0.0 => Vec::new(),
                n if operator == ">= " => vec![n - 1.0, n + 1.0],
                n => vec![n * 0.9, n * 1.1],
            };
            for number in changed {
                found.push(format!("{}{number}{}", &expr[..from], &expr[to..]));
            }
        }
    }
    for (old, new) in [
        (" > 0)", ")"),
        ("and on", "or on"),
        ("and on", "unless on"),
        ("unless on", "and on"),
        ("unless on", "or on"),
        (",outcome=\"bad\"", ""),
        ("outcome=\"bad\"", "outcome=\"good\""),
        ("sum by (service, slo) (rate", "avg by (service, slo) (rate"),
        ("sum by (service, slo) (increase", "avg by (service, slo) (increase"),
        ("sum_over_time", "avg_over_time"),
        ("sum_over_time", "max_over_time"),
        ("1 - ", ""),
        ("> 0.", "< 0."),
        (" <= 0", " > 0"),
    ] {
        found.extend(each(expr, old, new));
    }
    found.retain(|changed| changed != expr);
    found
}

fn mutants(rules: &str) -> Vec<Mutant> {
    let file: Value = serde_yaml_ng::from_str(rules).expect("YAML");
    let mut found = Vec::new();
    for (g, group) in file["groups"].as_sequence().expect("groups").iter().enumerate() {
        for (r, rule) in group["rules"].as_sequence().expect("rules").iter().enumerate() {
            let name = rule["record"].as_str().or(rule["alert"].as_str()).expect("a name");
            let mut add = |what: String, key: &[&str], value: String| {
                let mut changed = file.clone();
                let rule = &mut changed["groups"][g]["rules"][r];
                *key.iter().fold(rule, |value, key| &mut value[*key]) = Value::String(value);
                found.push(Mutant {
                    what: format!("{name}: {what}"),
                    rules: serde_yaml_ng::to_string(&changed).expect("YAML"),
                });
            };
            let expr = rule["expr"].as_str().expect("an expression");
            for changed in mutate(expr) {
                add(changed.replace('\n', " "), &["expr"], changed);
            }
            if name == "slo:sli_error:ratio_rate30d" {
                // The mean of ratios that other generators take.
                let mean = r#"avg_over_time(slo:sli_error:ratio_rate5m{service="shop",slo="checkout"}[30d])"#;
                add(mean.to_owned(), &["expr"], mean.to_owned());
            }
            if let Some(hold) = rule["for"].as_str().map(seconds) {
                for changed in [0, hold / 2, hold * 2] {
                    add(format!("for {changed}s"), &["for"], format!("{changed}s"));
                }
            }
            for label in ["severity", "slo_tier"] {
                if rule["labels"][label].is_string() {
                    add(format!("{label} changed"), &["labels", label], "other".to_owned());
                }
            }
        }
    }
    found
}

/// The generated tests, one story to a file, those that are told soonest first: most
/// mutants are noticed within a few minutes of some story, and need no month.
fn stories(rendered: &Rendered, dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in rendered.files().filter(|(path, _)| path.ends_with(".test.yaml")) {
        let file: Value = serde_yaml_ng::from_str(text).expect("YAML");
        let evaluation = file["evaluation_interval"].as_str().map(seconds).expect("an interval");
        for (i, story) in file["tests"].as_sequence().expect("tests").iter().enumerate() {
            let checks = ["promql_expr_test", "alert_rule_test"].into_iter();
            let times = checks.flat_map(|key| story[key].as_sequence().into_iter().flatten());
            let end = times.filter_map(|check| check["eval_time"].as_str()).map(seconds).max();
            let mut alone = file.clone();
            alone["tests"] = Value::Sequence(vec![story.clone()]);
            let name = format!("{}-{i}.yaml", path.replace('/', "-"));
            let text = serde_yaml_ng::to_string(&alone).expect("YAML");
            fs::write(dir.join(&name), text).expect("writes");
            found.push((end.expect("a check") / evaluation, name));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

/// Which of the stories noticed a mutant of a rule last.
type Noticed = Mutex<BTreeMap<String, usize>>;

/// Whether the generated tests fail on these rules.
///
/// The next mutant of a rule is mostly noticed by the story that noticed the last:
/// a month's mutants need not be told every shorter story first.
fn noticed(dir: &Path, stories: &[String], mutant: &Mutant, last: &Noticed) -> bool {
    fs::write(dir.join("checkout.rules.yaml"), &mutant.rules).expect("writes");
    let fails = |some: &[String]| {
        let mut args = vec!["test", "rules"];
        args.extend(some.iter().map(String::as_str));
        !run(dir, "promtool", &args).status.success()
    };
    let rule = mutant.what.split(": ").next().unwrap_or_default();
    let first = last.lock().expect("no panic").get(rule).copied();
    if first.is_some_and(|at| fails(&stories[at..=at])) {
        return true;
    }
    // A program's start costs as much as a short story.
    for (i, some) in stories.chunks(8).enumerate() {
        if fails(some) {
            let alone = some.iter().position(|story| fails(std::slice::from_ref(story)));
            let at = 8 * i + alone.unwrap_or_default();
            last.lock().expect("no panic").insert(rule.to_owned(), at);
            return true;
        }
    }
    false
}

/// Every mutant takes four seconds of processor time. `SRE_KIT_MUTANTS=1` tests all of them,
/// `SRE_KIT_MUTANTS=11` every eleventh.
const STEP: usize = 33;

#[test]
#[ignore = "needs promtool; cargo xtask test --only servers"]
fn the_generated_tests_notice_every_mutant() {
    let objective = Objective::percent(99.9).expect("an objective");
    let slos = Slos::new("shop", [Slo::availability("checkout", objective)]).expect("valid");
    let rendered = render(&slos, &Options::new()).expect("renders");
    let rules = rendered.get("prometheus/checkout.rules.yaml").expect("generated");
    let mut mutants = mutants(rules);
    assert!(mutants.len() > 150, "{}", mutants.len());
    let step = std::env::var("SRE_KIT_MUTANTS").ok().and_then(|step| step.parse().ok());
    mutants = mutants.into_iter().step_by(step.unwrap_or(STEP).max(1)).collect();
    let unchanged = Mutant { what: "unchanged".to_owned(), rules: rules.to_owned() };
    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let last = Noticed::default();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let dir = tempfile::tempdir().expect("a folder");
                let stories = stories(&rendered, dir.path());
                // All of them pass in `rules.rs`; this shows that they do from here.
                assert!(!noticed(dir.path(), &stories[..8], &unchanged, &last), "as they are");
                while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !noticed(dir.path(), &stories, mutant, &last) {
                        survivors.lock().expect("no panic").push(mutant.what.clone());
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().expect("no panic");
    println!("{} mutants", mutants.len());
    assert!(survivors.is_empty(), "survived:\n{}", survivors.join("\n"));
}
