//! The import of OpenSLO v1.

use std::time::Duration;

use serde_yaml_ng::Value;

use super::super::openslo::ANNOTATION;
use super::Imported;
use super::field::{Field, documents};
use crate::{Objective, Severity, Slo, Tier, Window};
use sre_kit_core::ConfigError;

const VERSION: &str = "openslo/v1";

/// The standard tiers, which are removed one by one from an SLO without tiers.
const STANDARD: [&str; 4] = ["fast", "medium", "slow", "long"];

pub(super) fn read(text: &str) -> Result<Imported, ConfigError> {
    let documents = documents(text)?;
    let mut imported = Imported { service: String::new(), slos: Vec::new(), notes: Vec::new() };
    for document in &documents {
        let root = Field::root(document);
        let version = root.need("apiVersion")?;
        if version.text()? != VERSION {
            return Err(version.error("only openslo/v1 is known", "convert the file to openslo/v1"));
        }
        match root.need("kind")?.text()?.as_str() {
            "SLO" => read_slo(&root, &documents, &mut imported)?,
            "SLI" | "Service" => {}
            kind => imported.notes.push(format!(
                "kind {kind}: left out, since alerts and data sources come from the generator"
            )),
        }
    }
    if imported.slos.is_empty() {
        return Err(ConfigError::new(
            "file",
            format!("{} documents", documents.len()),
            "none of them is an SLO",
            "add a document with `kind: SLO`",
        ));
    }
    Ok(imported)
}

fn read_slo(
    root: &Field<'_>,
    documents: &[Value],
    imported: &mut Imported,
) -> Result<(), ConfigError> {
    let (metadata, spec) = (root.need("metadata")?, root.need("spec")?);
    let service = spec.need("service")?;
    let name = service.text()?;
    if imported.service.is_empty() {
        imported.service = name;
    } else if imported.service != name {
        return Err(service.error(
            format!("other SLOs of the file are of `{}`", imported.service),
            "split the file: one set of SLOs is of one service",
        ));
    }
    check_method(&spec)?;
    let objective = objective(&spec)?;
    let notes = Annotations { metadata: metadata.get("annotations") };
    let name = metadata.need("name")?.text()?;
    let mut slo = indicator(&spec, &name, objective, &notes, (documents, &mut imported.notes))?;
    if let Some(period) = period(&spec)? {
        slo = slo.period(period);
    }
    if let Some(description) = spec.get("description") {
        slo = slo.description(description.text()?);
    }
    for (label, value) in metadata.get("labels").map(|l| l.pairs()).transpose()?.unwrap_or_default()
    {
        slo = slo.label(label, value.text()?);
    }
    if let Some(policies) = spec.get("alertPolicies") {
        imported.notes.push(format!("{}: left out, since burn tiers alert instead", policies.path));
    }
    imported.slos.push(annotated(slo, &notes)?);
    Ok(())
}

fn check_method(spec: &Field<'_>) -> Result<(), ConfigError> {
    let method = spec.need("budgetingMethod")?;
    if method.text()? == "Occurrences" {
        return Ok(());
    }
    Err(method.error(
        "budgets count events here, not slices of time",
        "write `budgetingMethod: Occurrences` if events are what users notice",
    ))
}

fn objective(spec: &Field<'_>) -> Result<Objective, ConfigError> {
    let objectives = spec.need("objectives")?;
    let items = objectives.items()?;
    let [objective] = items.as_slice() else {
        return Err(objectives.error(
            "an SLO has one objective here",
            "write one document per objective, each with a name of its own",
        ));
    };
    for key in ["op", "value", "timeSliceTarget", "timeSliceWindow", "indicator", "indicatorRef"] {
        if let Some(field) = objective.get(key) {
            return Err(field.error(
                "it belongs to thresholds, time slices or composite SLOs, which cannot be expressed",
                "define it in code: `Slo::latency` compares real durations with a threshold",
            ));
        }
    }
    if let Some(percent) = objective.get("targetPercent") {
        return percent.text()?.parse().map_err(|err| percent.error_from(&err));
    }
    let target = objective.need("target")?;
    Objective::parse_ratio(&target.text()?).map_err(|err| target.error_from(&err))
}

fn period(spec: &Field<'_>) -> Result<Option<Duration>, ConfigError> {
    let Some(windows) = spec.get("timeWindow") else { return Ok(None) };
    let items = windows.items()?;
    let [window] = items.as_slice() else {
        return Err(windows.error("it has exactly one item", "keep one window"));
    };
    if let Some(calendar) = window.get("calendar") {
        return Err(calendar.error(
            "a period is rolling here, not aligned to a calendar",
            "write `isRolling: true` with `duration: 30d`",
        ));
    }
    let rolling = window.need("isRolling")?;
    if !rolling.is_true() {
        return Err(rolling.error("a period is rolling here", "write `isRolling: true`"));
    }
    window.need("duration")?.duration().map(Some)
}

/// Reads the indicator, which is inside the SLO or another document of the same text.
fn indicator(
    spec: &Field<'_>,
    name: &str,
    objective: Objective,
    annotations: &Annotations<'_>,
    (documents, notes): (&[Value], &mut Vec<String>),
) -> Result<Slo, ConfigError> {
    let sli = match (spec.get("indicator"), spec.get("indicatorRef")) {
        (Some(indicator), _) => indicator.need("spec")?,
        (None, Some(reference)) => referenced(&reference, documents)?,
        (None, None) => spec.need("indicator")?,
    };
    if let Some(threshold) = sli.get("thresholdMetric") {
        return Err(threshold.error(
            "a threshold on a metric's value has no events to count",
            "define it in code: `Slo::latency` compares real durations with a threshold",
        ));
    }
    let ratio = sli.need("ratioMetric")?;
    if let Some(raw) = ratio.get("raw") {
        return Err(raw.error(
            "a ratio that was computed elsewhere has no events to count",
            "define it in code: `Slo::availability`, `Slo::latency` or `Slo::ratio`",
        ));
    }
    ratio.need("total")?;
    if ratio.get("good").is_none() {
        ratio.need("bad")?;
    }
    let Some(kind) = annotations.get("indicator") else {
        notes.push(super::count_in_code_note(&ratio.path, name));
        return Ok(Slo::ratio(name, objective));
    };
    let of_source = match annotations.get("source") {
        None => None,
        Some(field) => match field.text()?.split_once(' ') {
            Some(("calls", peer)) => Some(Slo::dependency(peer, objective).named(name)),
            Some(("work", unit)) => Some(Slo::work(unit, objective).named(name)),
            _ => {
                return Err(field.error(
                    "it is `calls` or `work` and a name",
                    "write it like `calls payments`",
                ));
            }
        },
    };
    match (kind.text()?.as_str(), of_source) {
        ("availability", Some(slo)) => Ok(slo),
        ("availability", None) => Ok(Slo::availability(name, objective)),
        ("ratio", _) => Ok(Slo::ratio(name, objective)),
        ("latency", of_source) => {
            let threshold = annotations.need("threshold-nanoseconds", &kind)?;
            let nanos = threshold.text()?.parse().map_err(|_| {
                threshold.error("it is a whole number of nanoseconds", "write 300000000 for 300 ms")
            })?;
            let threshold = Duration::from_nanos(nanos);
            Ok(match of_source {
                Some(slo) => slo.within(threshold),
                None => Slo::latency(name, objective, threshold),
            })
        }
        _ => Err(kind.error(
            "it is availability, latency or ratio",
            "drop the annotation if the file comes from another tool",
        )),
    }
}

fn referenced<'d>(reference: &Field<'_>, documents: &'d [Value]) -> Result<Field<'d>, ConfigError> {
    let name = reference.text()?;
    for root in documents.iter().map(Field::root) {
        let is_sli = root.get("kind").is_some_and(|kind| kind.text().is_ok_and(|k| k == "SLI"));
        let named = root.get("metadata").and_then(|metadata| metadata.get("name"));
        if is_sli && named.is_some_and(|field| field.text().is_ok_and(|found| found == name)) {
            return root.need("spec");
        }
    }
    Err(reference.error("no SLI of that name is in the text", "add its document to the same file"))
}

/// The annotations of this crate, which hold what OpenSLO has no field for.
struct Annotations<'a> {
    metadata: Option<Field<'a>>,
}

impl<'a> Annotations<'a> {
    fn get(&self, key: &str) -> Option<Field<'a>> {
        self.metadata.as_ref()?.get(&format!("{ANNOTATION}{key}"))
    }

    fn need(&self, key: &str, beside: &Field<'_>) -> Result<Field<'a>, ConfigError> {
        self.get(key).ok_or_else(|| {
            let advice = format!("add the annotation `{ANNOTATION}{key}`");
            beside.error(format!("that needs `{ANNOTATION}{key}` beside it"), advice)
        })
    }

    /// Parses an annotation that holds JSON.
    fn json<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(field) = self.get(key) else { return Ok(None) };
        serde_json::from_str(&field.text()?).map(Some).map_err(|err| {
            field.error(format!("that is not its JSON ({err})"), "generate it again")
        })
    }
}

fn annotated(mut slo: Slo, annotations: &Annotations<'_>) -> Result<Slo, ConfigError> {
    if annotations.get("until").is_some() {
        slo = slo.until_headers();
    }
    if let Some(owner) = annotations.get("owner") {
        slo = slo.owner(owner.text()?);
    }
    if let Some(runbooks) = annotations.get("runbooks") {
        slo = slo.runbooks(runbooks.text()?);
    }
    if let Some(share) = annotations.get("share") {
        // A share that is not a number is rejected by the validation of the set.
        slo = slo.share(share.text()?.parse().unwrap_or(f64::NAN));
    }
    let list = |key: &str| Ok(annotations.json::<Vec<String>>(key)?.unwrap_or_default());
    slo = slo.routes(list("routes")?).methods(list("methods")?);
    slo = list("marks")?.into_iter().fold(slo, Slo::exclude_marked);
    let outcomes: serde_json::Map<String, serde_json::Value> =
        annotations.json("outcomes")?.unwrap_or_default();
    for (outcome, count) in outcomes {
        slo = match (count.as_str(), count.get("exclude").and_then(|reason| reason.as_str())) {
            (Some("good"), _) => slo.good(outcome),
            (Some("bad"), _) => slo.bad(outcome),
            (_, Some(reason)) => slo.exclude(outcome, reason),
            _ => slo,
        };
    }
    if let Some(only) = annotations.json::<Vec<String>>("only")? {
        slo = slo.only(only);
    }
    tiers(slo, annotations)
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct TierText {
    name: String,
    severity: String,
    long: String,
    short: String,
    factor: String,
    min_bad_events: Option<u64>,
}

fn tiers(slo: Slo, annotations: &Annotations<'_>) -> Result<Slo, ConfigError> {
    let Some(tiers) = annotations.json::<Vec<TierText>>("tiers")? else { return Ok(slo) };
    if tiers.is_empty() {
        return Ok(STANDARD.into_iter().fold(slo, Slo::without_tier));
    }
    let tiers: Result<Vec<_>, _> = tiers.iter().map(TierText::tier).collect();
    Ok(slo.tiers(tiers?))
}

impl TierText {
    fn tier(&self) -> Result<Tier, ConfigError> {
        let window = |text: &str| {
            let value = Value::String(text.to_owned());
            Field::root(&value).duration().map(Window::from)
        };
        let (long, short) = (window(&self.long)?, window(&self.short)?);
        let tier = if self.severity == Severity::Page.as_str() {
            Tier::page(&self.name, long, short)
        } else {
            Tier::ticket(&self.name, long, short)
        };
        // A factor that is not a number is rejected by the validation of the set.
        let tier = tier.factor(self.factor.parse().unwrap_or(f64::NAN));
        Ok(self.min_bad_events.map_or(tier.clone().any_bad_event(), |k| tier.min_bad_events(k)))
    }
}
