//! Thresholds for k6, so that a load test fails by the same numbers as production.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{Definition, EventSource, Indicator, LatencyEnd, Slos};

/// The example in the header of the module. Each line is written after `//`.
const USAGE: &str = r"
import http from 'k6/http';
import { expectedStatuses, tags, thresholds } from './thresholds.js';

http.setResponseCallback(http.expectedStatuses(expectedStatuses));
export const options = { thresholds };
export default function () {
  http.get(`${base}/items/7`, { tags: tags('GET', '/items/{id}') });
}
";

/// Renders a JavaScript module without imports.
pub(super) fn module(slos: &Slos) -> String {
    let mut out = format!("// Thresholds for k6 from the SLOs of {}.\n", slos.service());
    comment(super::HEADER, &mut out);
    comment(USAGE, &mut out);
    let objectives: Vec<_> = slos.iter().map(objective).collect();
    let thresholds: serde_json::Map<_, _> = slos.iter().filter_map(threshold).collect();
    let parts = [
        (
            "Statuses that are no failure: a client error is answered as it should be.",
            "expectedStatuses",
            json!({"min": 200, "max": 499}),
        ),
        (
            "The SLOs, and which requests they count: no routes or methods means all.",
            "objectives",
            Value::Array(objectives),
        ),
        (
            "For `options.thresholds`. A test that has burnt its budget stops.",
            "thresholds",
            Value::Object(thresholds),
        ),
    ];
    for (text, name, value) in parts {
        // Pretty-printing a value with text keys cannot fail, nor writing to a String.
        let json = serde_json::to_string_pretty(&value).unwrap_or_default();
        let _ = write!(out, "\n/** {text} */\nexport const {name} = {json};\n");
    }
    out.push_str(TAGS);
    out
}

const TAGS: &str = r"
/** The tags of a request: one for each SLO that counts it. */
export function tags(method, route) {
  const found = { route };
  for (const slo of objectives) {
    const counts = (list, value) => list.length === 0 || list.includes(value);
    if (slo.tag && counts(slo.methods, method) && counts(slo.routes, route)) {
      found[slo.tag] = 'yes';
    }
  }
  return found;
}
";

fn comment(text: &str, out: &mut String) {
    for line in text.lines() {
        out.push_str("//");
        if !line.is_empty() {
            out.push(' ');
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// Returns the tag of the requests of an SLO. An SLO for other work has none.
fn tag(slo: &Definition) -> Option<String> {
    let of_requests = *slo.source() == EventSource::Requests;
    (of_requests && slo.indicator() != Indicator::Ratio)
        .then(|| format!("slo_{}", slo.name().replace('-', "_")))
}

fn objective(slo: &Definition) -> Value {
    let threshold = match slo.indicator() {
        Indicator::Latency { threshold, .. } => json!(threshold.as_secs_f64() * 1_000.0),
        _ => Value::Null,
    };
    json!({
        "name": slo.name(),
        "indicator": slo.indicator().as_str(),
        "objective": slo.objective().as_percent().as_f64(),
        "milliseconds": threshold,
        "routes": slo.routes(),
        "methods": slo.methods(),
        "tag": tag(slo),
    })
}

fn threshold(slo: &Definition) -> Option<(String, Value)> {
    let tag = tag(slo)?;
    let (metric, expression) = match slo.indicator() {
        Indicator::Availability => (
            format!("http_req_failed{{{tag}:yes}}"),
            format!("rate<={}", slo.objective().error_budget()),
        ),
        Indicator::Latency { threshold, until } => {
            // As in the process, failures burn the budget of the availability SLO instead.
            let metric = match until {
                LatencyEnd::Headers => "http_req_waiting",
                LatencyEnd::Body => "http_req_duration",
            };
            (
                format!("{metric}{{expected_response:true,{tag}:yes}}"),
                format!("p({})<={}", slo.objective(), threshold.as_secs_f64() * 1_000.0),
            )
        }
        Indicator::Ratio => return None,
    };
    let check = json!([{
        "threshold": expression,
        "abortOnFail": true,
        // Time to send enough requests, so that one failure does not decide.
        "delayAbortEval": "30s",
    }]);
    Some((metric, check))
}
