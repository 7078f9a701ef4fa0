//! The import of Sloth, `prometheus/v1`.
//!
//! Source: `pkg/prometheus/api/v1` in the repository slok/sloth.

use super::Imported;
use super::field::{Field, documents};
use crate::{Objective, Slo};
use sre_kit_core::ConfigError;

const VERSION: &str = "prometheus/v1";

pub(super) fn read(text: &str) -> Result<Imported, ConfigError> {
    let documents = documents(text)?;
    let [document] = documents.as_slice() else {
        return Err(ConfigError::new(
            "file",
            format!("{} documents", documents.len()),
            "a file of Sloth is one document",
            "split it at `---` and read the parts one by one",
        ));
    };
    let root = Field::root(document);
    if let Some(kind) = root.get("apiVersion") {
        return Err(kind.error(
            "that is the Kubernetes form of Sloth's format",
            "give its `spec` alone, with `version: prometheus/v1` on top",
        ));
    }
    let version = root.need("version")?;
    if version.text()? != VERSION {
        return Err(version.error("only prometheus/v1 is known", "write `version: prometheus/v1`"));
    }
    let mut imported =
        Imported { service: root.need("service")?.text()?, slos: Vec::new(), notes: Vec::new() };
    let labels = root.get("labels").map(|labels| labels.pairs()).transpose()?.unwrap_or_default();
    for field in root.need("slos")?.items()? {
        let slo = one(&field, &labels, &mut imported.notes)?;
        imported.slos.push(slo);
    }
    Ok(imported)
}

fn one(
    field: &Field<'_>,
    shared: &[(String, Field<'_>)],
    notes: &mut Vec<String>,
) -> Result<Slo, ConfigError> {
    let name = field.need("name")?.text()?;
    let objective = field.need("objective")?;
    let objective =
        objective.text()?.parse::<Objective>().map_err(|err| objective.error_from(&err))?;
    let sli = field.need("sli")?;
    for (key, rule) in [
        ("raw", "a ratio that was computed elsewhere has no events to count"),
        ("plugin", "a plugin writes queries, and there are no queries here"),
    ] {
        if let Some(field) = sli.get(key) {
            return Err(field.error(
                rule,
                "define it in code: `Slo::availability`, `Slo::latency` or `Slo::ratio`",
            ));
        }
    }
    let events = sli.need("events")?;
    events.need("error_query")?;
    events.need("total_query")?;
    notes.push(super::count_in_code_note(&events.path, &name));
    let mut slo = Slo::ratio(name, objective);
    if let Some(description) = field.get("description") {
        slo = slo.description(description.text()?);
    }
    slo = labelled(slo, field, shared)?;
    Ok(alerting(slo, field, notes))
}

/// Adds the labels. Those of the SLO override those of the file, and `owner` becomes the owner.
fn labelled(
    mut slo: Slo,
    field: &Field<'_>,
    shared: &[(String, Field<'_>)],
) -> Result<Slo, ConfigError> {
    let own = field.get("labels").map(|labels| labels.pairs()).transpose()?.unwrap_or_default();
    let inherited = shared.iter().filter(|(name, _)| !own.iter().any(|(known, _)| known == name));
    for (name, value) in own.iter().chain(inherited) {
        let value = value.text()?;
        slo = if name == "owner" { slo.owner(value) } else { slo.label(name, value) };
    }
    Ok(slo)
}

fn alerting(mut slo: Slo, field: &Field<'_>, notes: &mut Vec<String>) -> Slo {
    let Some(alerting) = field.get("alerting") else { return slo };
    for (key, tiers) in [("page_alert", ["fast", "medium"]), ("ticket_alert", ["slow", "long"])] {
        let Some(alert) = alerting.get(key) else { continue };
        if alert.get("disable").is_some_and(|disable| disable.is_true()) {
            slo = tiers.into_iter().fold(slo, Slo::without_tier);
        }
        for key in ["labels", "annotations"] {
            notes.extend(alert.get(key).map(|field| left_out(&field)));
        }
    }
    for key in ["name", "labels", "annotations"] {
        notes.extend(alerting.get(key).map(|field| left_out(&field)));
    }
    slo
}

fn left_out(field: &Field<'_>) -> String {
    format!(
        "{}: left out, since alerts have names, labels and annotations of their own",
        field.path
    )
}
