//! Rules and groups, and their YAML.

use std::time::Duration;

use super::super::promql::duration;
use super::super::yaml::{Yaml, map, texts};

/// A group of rules, which are evaluated in order.
#[derive(Clone, Debug)]
pub(in crate::render) struct Group {
    pub(in crate::render) name: String,
    pub(in crate::render) interval: Duration,
    pub(in crate::render) rules: Vec<Rule>,
}

/// A recording rule or an alert.
#[derive(Clone, Debug)]
pub(in crate::render) struct Rule {
    pub(in crate::render) name: Name,
    pub(in crate::render) expr: String,
    /// The time for which the expression has to hold before the alert fires.
    pub(in crate::render) hold: Option<Duration>,
    pub(in crate::render) labels: Vec<(String, String)>,
    pub(in crate::render) annotations: Vec<(&'static str, String)>,
}

/// The name of a recorded series or of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::render) enum Name {
    Record(String),
    Alert(&'static str),
}

impl Group {
    pub(in crate::render) fn yaml(&self) -> Yaml {
        map([
            ("name", Yaml::from(&self.name)),
            ("interval", Yaml::from(duration(self.interval))),
            ("rules", self.rules.iter().map(Rule::yaml).collect::<Vec<_>>().into()),
        ])
    }
}

impl Rule {
    fn yaml(&self) -> Yaml {
        let (kind, name) = match &self.name {
            Name::Record(name) => ("record", name.as_str()),
            Name::Alert(name) => ("alert", *name),
        };
        let labels = self.labels.iter().map(|(name, value)| (name, value));
        let mut rule = map([(kind, Yaml::from(name)), ("expr", Yaml::from(&self.expr))]);
        if let Some(hold) = self.hold {
            rule = rule.with("for", Yaml::from(duration(hold)));
        }
        let rule = rule.with("labels", texts(labels));
        if self.annotations.is_empty() {
            return rule;
        }
        rule.with("annotations", texts(self.annotations.iter().map(|(name, text)| (name, text))))
    }
}
