//! Whatever a generated file reads has to be there.
//!
//! The demo's tests use this file as well.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::{self, Expr};
use serde_json::Value;

use super::stack::Prometheus;

/// A metric that an expression reads, and labels that it has to have.
type Read = BTreeMap<String, BTreeSet<String>>;

fn reads(expr: &Expr, grouping: &BTreeSet<String>, found: &mut Read) {
    match expr {
        Expr::Aggregate(aggregate) => {
            let by = aggregate.modifier.iter().flat_map(|m| m.labels().labels.clone());
            reads(&aggregate.expr, &grouping.iter().cloned().chain(by).collect(), found);
        }
        Expr::Unary(unary) => reads(&unary.expr, grouping, found),
        Expr::Binary(binary) => {
            reads(&binary.lhs, grouping, found);
            reads(&binary.rhs, grouping, found);
        }
        Expr::Paren(paren) => reads(&paren.expr, grouping, found),
        Expr::Subquery(subquery) => reads(&subquery.expr, grouping, found),
        Expr::VectorSelector(selector) => select(selector, grouping, found),
        Expr::MatrixSelector(matrix) => select(&matrix.vs, grouping, found),
        Expr::Call(call) => {
            for arg in &call.args.args {
                reads(arg, grouping, found);
            }
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn select(selector: &parser::VectorSelector, grouping: &BTreeSet<String>, found: &mut Read) {
    let name = selector.name.clone().expect("a metric by its name");
    let labels = found.entry(name).or_default();
    labels.extend(selector.matchers.matchers.iter().map(|matcher| matcher.name.clone()));
    labels.extend(grouping.iter().cloned());
}

/// The expressions of one generated file, and those of them that are panels.
fn expressions(path: &str, text: &str) -> (Vec<String>, Vec<(String, String)>) {
    let (mut exprs, mut panels) = (Vec::new(), Vec::new());
    if path.starts_with("prometheus/") && path.ends_with(".rules.yaml") {
        let file: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).expect("YAML");
        for group in file["groups"].as_sequence().expect("groups") {
            for rule in group["rules"].as_sequence().expect("rules") {
                exprs.push(rule["expr"].as_str().expect("an expression").to_owned());
            }
        }
    } else if path.starts_with("grafana/") {
        let board: Value = serde_json::from_str(text).expect("JSON");
        for panel in board["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expr = target["expr"].as_str().expect("an expression");
                let filled = ["$job", "$route", "$slo"]
                    .iter()
                    .fold(expr.replace("$__rate_interval", "10s"), |expr, name| {
                        expr.replace(name, ".*")
                    });
                panels.push((format!("{path}: {}", panel["title"]), filled.clone()));
                exprs.push(filled);
            }
        }
    }
    (exprs, panels)
}

/// Every metric and label that a rule or a panel names, and data in every panel,
/// save what reads a metric that begins with one of `not_here`.
pub(crate) async fn everything_that_is_read_exists<'f>(
    prometheus: &Prometheus,
    files: impl IntoIterator<Item = (&'f str, &'f str)>,
    not_here: &[&str],
) {
    let mut read = Read::new();
    let mut panels = Vec::new();
    for (path, text) in files {
        let (exprs, some) = expressions(path, text);
        panels.extend(some);
        for expr in exprs {
            reads(&parser::parse(&expr).expect("PromQL"), &BTreeSet::new(), &mut read);
        }
    }
    // Not there while all is well: it counts what overflowed.
    read.remove("sre_kit_metrics_overflow_total");
    let missing = |name: &str| not_here.iter().any(|start| name.starts_with(start));
    assert!(read.len() > 40, "{read:?}");
    let mut wrong = Vec::new();
    for (metric, labels) in read.into_iter().filter(|(metric, _)| !missing(metric)) {
        assert!(!metric.starts_with("slo_instance_"), "{metric}");
        let found = prometheus.query(&format!("{{__name__=\"{metric}\"}}")).await;
        if found.is_empty() {
            wrong.push(format!("{metric} is read and does not exist"));
            continue;
        }
        let has = |label: &String| found.iter().any(|series| series["metric"].get(label).is_some());
        for label in labels.iter().filter(|label| !has(label)) {
            wrong.push(format!("{metric} is read by its label {label}, which it does not have"));
        }
    }
    for (panel, expr) in panels {
        let read = !not_here.iter().any(|start| expr.contains(start));
        if read && prometheus.query(&expr).await.is_empty() {
            wrong.push(format!("{panel} is empty: {expr}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
