//! Responses in `application/health+json`.
//!
//! Source: <https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06>

use std::collections::BTreeMap;

use serde::Serialize;

use super::item::{Item, Subject};
use super::page::Page;
use super::rfc3339::rfc3339;
use crate::health::identity::Identity;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    checks: BTreeMap<String, [Entry<'a>; 1]>,
}

/// The details of one component. `gate` and `excluded` are extensions, which the draft allows.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    component_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    excluded: bool,
}

/// Renders the page as JSON.
pub(super) fn document(page: &Page<'_>, identity: &Identity, show_details: bool) -> Vec<u8> {
    let passes = page.passes();
    let document = Document {
        status: match (passes, page.warns()) {
            (false, _) => "fail",
            (true, true) => "warn",
            (true, false) => "pass",
        },
        version: identity.version.as_deref(),
        release_id: identity.release_id.as_deref(),
        service_id: identity.service_id.as_deref(),
        description: identity.description.as_deref(),
        notes: &page.notes,
        output: (!passes).then(|| page.output()),
        checks: page.items.iter().map(|item| (key(item), [entry(item, show_details)])).collect(),
    };
    serde_json::to_vec(&document).expect("keys are text, and numbers are finite")
}

/// Returns the key of an item: `component:measurement`.
fn key(item: &Item<'_>) -> String {
    match &item.subject {
        Subject::Check(check) => format!("{}:responseTime", check.name()),
        Subject::Heartbeat { name, .. } => format!("{name}:heartbeatAge"),
        _ => item.title().into_owned(),
    }
}

fn entry<'a>(item: &Item<'a>, show_details: bool) -> Entry<'a> {
    let status = match (item.is_ok(), item.is_degraded()) {
        (false, _) => "fail",
        (true, true) => "warn",
        (true, false) => "pass",
    };
    let mut entry = Entry {
        status,
        component_type: None,
        observed_value: None,
        observed_unit: None,
        time: None,
        output: (status != "pass").then(|| item.reason(show_details)),
        gate: None,
        excluded: item.excluded,
    };
    match &item.subject {
        Subject::Check(check) => {
            entry.component_type = check.spec().component_type.as_deref();
            // Rounded to microseconds: more digits are noise, and print as seventeen digits.
            entry.observed_value = check.took().map(|took| took.as_micros() as f64 / 1e3);
            entry.observed_unit = check.took().map(|_| "ms");
            entry.time = check.time().map(rfc3339);
            entry.gate = Some(check.gate().as_str());
        }
        Subject::Heartbeat { age, .. } => {
            entry.observed_value = Some(age.as_millis() as f64 / 1e3);
            entry.observed_unit = Some("s");
        }
        _ => {}
    }
    entry
}
