//! What GKE Autopilot refuses or changes, found in rendered manifests before a
//! cluster is asked.
//!
//! The rules are those of Google's pages "Autopilot security capabilities" and
//! "Resource requests in Autopilot".

mod documents;
mod objects;
mod pods;
mod quantity;

use std::fmt;

use anyhow::Result;
use serde_json::Value;

use documents::Object;

/// What Autopilot would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// The object is not admitted.
    Refused,
    /// The object is admitted as something else than what was written.
    Changed,
}

/// One thing Autopilot would not take as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) effect: Effect,
    /// Kind, namespace and name.
    place: String,
    /// What is there and what to do about it.
    sentence: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Refused => "refused",
            Effect::Changed => "changed",
        };
        write!(f, "{}: {effect}: {}", self.place, self.sentence)
    }
}

/// Findings of one object, as its rules add them.
pub(crate) struct Findings<'a> {
    object: &'a Object,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn refuse(&mut self, sentence: impl Into<String>) {
        self.add(Effect::Refused, sentence.into());
    }

    fn change(&mut self, sentence: impl Into<String>) {
        self.add(Effect::Changed, sentence.into());
    }

    fn add(&mut self, effect: Effect, sentence: String) {
        self.found.push(Finding { effect, place: self.object.place(), sentence });
    }
}

/// Reads manifests, YAML documents one after another, and finds what Autopilot
/// would refuse or change.
///
/// # Errors
///
/// When the text is no YAML, or a document is no Kubernetes object.
pub(crate) fn check(text: &str) -> Result<(usize, Vec<Finding>)> {
    let objects = documents::read(text)?;
    let mut all = Vec::new();
    for object in &objects {
        let mut findings = Findings { object, found: Vec::new() };
        objects::check(&object.value, &mut findings);
        if let Some(pod) = object.pod() {
            pods::check(&pod, object, &mut findings);
        }
        all.append(&mut findings.found);
    }
    Ok((objects.len(), all))
}

/// Returns the array at `pointer`, or nothing.
fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn is_true(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests;
