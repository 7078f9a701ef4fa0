//! The runbook pages: one per SLO and alert, with the numbers of that SLO.

use std::fmt::Write;
use std::time::Duration;

use super::plan::Plan;
use super::promql::{Selector, duration};
use super::rules::{
    ABSENT, ABSENT_PAGE, BURN, BURN_PAGE, CURRENT_BURN, EXHAUSTED, EXHAUSTED_PAGE, REMAINING,
};
use crate::{EventClass, EventSource, Indicator, LatencyEnd};

/// Renders the pages of one SLO, by path.
pub(super) fn pages(plan: &Plan<'_>) -> [(String, String); 3] {
    [
        (BURN_PAGE, BURN, burn(plan)),
        (ABSENT_PAGE, ABSENT, absent(plan)),
        (EXHAUSTED_PAGE, EXHAUSTED, exhausted(plan)),
    ]
    .map(|(page, alert, body)| {
        let header = super::HEADER.replace('\n', " ");
        let text = format!(
            "<!-- {header} -->\n# {alert}: {} {}\n\n{body}\n{}",
            plan.service,
            plan.slo.name(),
            ending(plan, alert)
        );
        (plan.runbook_path(page), text)
    })
}

/// Renders the objective as a sentence.
fn promise(plan: &Plan<'_>) -> String {
    let slo = plan.slo;
    let events = match slo.source() {
        EventSource::Calls(peer) => format!("calls to `{peer}`"),
        EventSource::Work(unit) => format!("units of the work `{unit}`"),
        _ => "requests".to_owned(),
    };
    let what = match slo.indicator() {
        Indicator::Availability => match slo.source() {
            EventSource::Calls(_) => format!("{events} are answered without a fault of its own"),
            EventSource::Work(_) => format!("{events} succeed"),
            _ => "requests are answered without a fault of the service".to_owned(),
        },
        Indicator::Latency { threshold, until } => {
            let until = match until {
                LatencyEnd::Body => "to the end of the response",
                LatencyEnd::Headers => "to the response head",
            };
            match slo.source() {
                EventSource::Work(_) => format!("{events} take no longer than {threshold:?}"),
                _ => format!("{events} take no longer than {threshold:?}, {until}"),
            }
        }
        Indicator::Ratio => "events are good, as the service counts them".to_owned(),
    };
    let mut text = String::new();
    if !slo.description().is_empty() {
        let _ = writeln!(text, "{}\n", slo.description());
    }
    let _ = writeln!(
        text,
        "{} % of {what}, over {}. So {} % may be bad: that is the error budget.",
        slo.objective(),
        duration(plan.period),
        plan.budget_percent(),
    );
    for (what, list) in [("Routes", slo.routes()), ("Methods", slo.methods())] {
        if !list.is_empty() {
            let _ = writeln!(text, "\n{what}: `{}`.", list.join("`, `"));
        }
    }
    if !slo.owner().is_empty() {
        let _ = writeln!(text, "\nOwner: {}.", slo.owner());
    }
    text
}

fn query(text: &str) -> String {
    format!("```promql\n{text}\n```\n")
}

fn burn(plan: &Plan<'_>) -> String {
    let mut text = format!(
        "## What it means\n\nThe error budget burns faster than it may. {}\n",
        "Users notice, or will, if it goes on."
    );
    let _ = writeln!(text, "\n## The promise\n\n{}", promise(plan));
    let _ = writeln!(
        text,
        "## The numbers\n\n| Tier | Severity | Fires above | For both | Burn | Budget it has cost | \
         After a total outage of | Page needs |\n|---|---|---|---|---|---|---|---|"
    );
    for tier in &plan.tiers {
        let minimum = tier.min_bad_events.map_or_else(
            || "–".to_owned(),
            |k| format!("{k} bad events in {}, else a ticket", duration(tier.long)),
        );
        let detection = tier.long.mul_f64(tier.threshold.as_f64());
        let _ = writeln!(
            text,
            "| `{}` | {} | {} % bad | {} and {} | {} | {:.0} % | {} | {minimum} |",
            tier.name,
            tier.severity,
            short_number(tier.threshold.as_f64() * 100.0),
            duration(tier.long),
            duration(tier.short),
            tier.factor,
            tier.budget_share.as_f64() * 100.0,
            human(detection),
        );
    }
    let _ = writeln!(text, "\n{}", burn_queries(plan));
    text
}

fn burn_queries(plan: &Plan<'_>) -> String {
    let mut text = String::from("## First queries\n\nWhen did it begin, and is it over?\n\n");
    text += &query(&plan.recorded(CURRENT_BURN).to_string());
    text += "\nHow much is left?\n\n";
    text += &query(&plan.recorded(REMAINING).to_string());
    text += "\nAll instances, or one?\n\n";
    text += &query(&format!(
        "sum by (instance) (rate({}))\n/\n(sum by (instance) (rate({})) > 0)",
        plan.bad_events().over(plan.base),
        plan.events().over(plan.base),
    ));
    text += &by_request(plan);
    text += "\n## What to do\n\n\
             1. Did a release, a flag or a dependency change when it began? Undo it first, \
             explain it later.\n\
             2. One instance alone: take it out. All of them: look at saturation and at what \
             they call.\n\
             3. Traffic beyond capacity: shed or scale; a rising share of `shed` says so.\n\
             4. It stops by itself once the short window is below the threshold.\n";
    text
}

/// Renders a query on the golden signals of the same requests.
fn by_request(plan: &Plan<'_>) -> String {
    let slo = plan.slo;
    match slo.source() {
        _ if slo.indicator() == Indicator::Ratio => return String::new(),
        EventSource::Calls(_) => return by_cause(plan),
        EventSource::Work(unit) => return by_outcome(plan, unit),
        _ => {}
    }
    let pattern = |list: &[String]| list.iter().map(|v| escape(v)).collect::<Vec<_>>().join("|");
    let mut matchers = Vec::new();
    for (label, list) in [("http_route", slo.routes()), ("http_request_method", slo.methods())] {
        if !list.is_empty() {
            matchers.push(format!("{label}=~{}", super::promql::quoted(&pattern(list))));
        }
    }
    if let Indicator::Latency { until, .. } = slo.indicator() {
        let metric = match until {
            LatencyEnd::Body => "http_server_request_duration_seconds_bucket",
            LatencyEnd::Headers => "sre_kit_http_server_time_to_headers_seconds_bucket",
        };
        let rate = format!("rate({metric}{{{}}}[{}])", matchers.join(","), duration(plan.base));
        let q = slo.objective().ratio();
        return format!(
            "\nWhich routes are slow?\n\n{}",
            query(&format!("histogram_quantile({q}, sum by (le, http_route) ({rate}))"))
        );
    }
    let bad: Vec<_> = slo.outcomes().filter(|o| *slo.class_of(o) == EventClass::Bad).collect();
    matchers.push(format!("outcome=~\"{}\"", bad.join("|")));
    format!(
        "\nWhich routes, and how do they end?\n\n{}",
        query(&format!(
            "sum by (http_route, outcome) (rate(sre_kit_http_server_requests_total{{{}}}[{}]))",
            matchers.join(","),
            duration(plan.base)
        ))
    )
}

/// Renders queries on the calls to a dependency. Their labels name its host, and not the peer.
fn by_cause(plan: &Plan<'_>) -> String {
    let range = duration(plan.base);
    format!(
        "\nHow do the calls end, and for which cause?\n\n{}\n{}",
        query(&format!(
            "sum by (server_address, outcome) (rate(http_client_requests_total[{range}]))"
        )),
        query(&format!(
            "sum by (server_address, error_type) \
             (rate(http_client_request_duration_seconds_count{{error_type!=\"\"}}[{range}]))"
        )),
    )
}

/// Renders a query on the units of work.
fn by_outcome(plan: &Plan<'_>, unit: &str) -> String {
    let range = duration(plan.base);
    let text = match plan.slo.indicator() {
        Indicator::Latency { .. } => format!(
            "histogram_quantile({}, sum by (le) \
             (rate(work_duration_seconds_bucket{{work=\"{unit}\"}}[{range}])))",
            plan.slo.objective().ratio()
        ),
        _ => format!("sum by (outcome) (rate(work_units_total{{work=\"{unit}\"}}[{range}]))"),
    };
    format!("\nHow does the work end?\n\n{}", query(&text))
}

/// Escapes a route for use in a regular expression.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn absent(plan: &Plan<'_>) -> String {
    format!(
        "## What it means\n\nPrometheus has seen no `slo_events_total` of this SLO for {}. While \
         that is so, its burn alerts cannot fire: the service may be down altogether.\n\n\
         ## The promise\n\n{}\n## First queries\n\nIs any target of the service up?\n\n{}\nWhen was \
         it seen last?\n\n{}\n## What to do\n\n1. No target, or `up` is 0: the service is down or \
         not discovered. Look at its pods and at the scrape configuration.\n2. `up` is 1: the \
         process exports no events of this SLO. Was it renamed or removed? Then generate the \
         rules again.\n3. It was scaled to zero on purpose: silence this alert for as long.\n",
        duration(plan.base),
        promise(plan),
        query("up == 0"),
        query(&format!("max_over_time(timestamp({})[1d:1m])", plan.events())),
    )
}

fn exhausted(plan: &Plan<'_>) -> String {
    format!(
        "## What it means\n\nMore than {} % of the events of the last {} were bad: the objective \
         is missed. Nothing need be burning right now; the burn alerts say whether it is.\n\n\
         It does not fire before there is {} of history: the burn alerts watch a young service.\n\n\
         ## The promise\n\n{}\n## First queries\n\nHow far below zero, and since when?\n\n{}\nWhich \
         hours cost most?\n\n{}\n## What to do\n\n1. Follow what was agreed for a spent budget: \
         usually reliability before features until it is positive again.\n2. One incident: its \
         review decides. Slow burn: look for what changed over weeks.\n3. An objective that is \
         missed for months without anybody minding is the wrong objective.\n",
        plan.budget_percent(),
        duration(plan.period),
        duration(plan.history().0),
        promise(plan),
        query(&plan.recorded(REMAINING).to_string()),
        query(&format!("sum_over_time({}[1h:5m])", plan.recorded(&plan.bad_events_rate()))),
    )
}

/// Renders the end of every page: dashboards and silences.
fn ending(plan: &Plan<'_>, alert: &str) -> String {
    let mut matchers = vec![
        format!("alertname={alert}"),
        format!("service={}", plan.service),
        format!("slo={}", plan.slo.name()),
    ];
    matchers.extend(plan.options.scope.iter().map(|(name, value)| format!("{name}={value}")));
    let alerts = Selector::new("ALERTS")
        .with("alertname", alert)
        .with("service", plan.service)
        .with("slo", plan.slo.name());
    format!(
        "\n## Dashboards\n\n`SLOs of {}` and `Golden signals`, both with the tag `sre-kit`.\n\n\
         ## How to silence it\n\nWith an end and a reason, and only while somebody works on it:\n\n\
         ```sh\namtool silence add --duration=2h --comment='why' {}\n```\n\nWhat fires now:\n\n{}",
        plan.service,
        matchers.join(" "),
        query(&alerts.to_string()),
    )
}

/// Renders seconds, minutes or hours with at most one digit after the decimal point.
fn human(length: Duration) -> String {
    let seconds = length.as_secs_f64();
    let (value, unit) = match seconds {
        s if s < 100.0 => (s, "s"),
        s if s < 6_000.0 => (s / 60.0, "min"),
        s => (s / 3_600.0, "h"),
    };
    format!("{} {unit}", short_number((value * 10.0).round() / 10.0))
}

/// Renders up to twelve significant digits, which hides rounding errors of floats.
fn short_number(value: f64) -> String {
    let rounded: f64 = format!("{value:.11e}").parse().unwrap_or(value);
    rounded.to_string()
}
