//! The SLOs of one peer.

use sre_kit_core::internal::METHODS;
use sre_kit_slo::EventSource;

use super::outcome::CallOutcome;
use super::peer::Peer;
use crate::ConfigError;
use crate::budget::{Budgets, EventCounter};

/// One SLO of a peer, and the calls that it selects.
pub(super) struct DependencySlo {
    counter: EventCounter,
    /// By the id of a template, or empty for all calls.
    templates: Box<[bool]>,
    /// By method, or empty for all methods.
    methods: Box<[bool]>,
}

impl DependencySlo {
    /// Returns the SLOs of `peer`.
    pub(super) fn of(peer: &Peer, budgets: &Budgets) -> Result<Box<[Self]>, ConfigError> {
        let of_peer = |source: &EventSource| match source {
            EventSource::Calls(name) => *name == peer.name,
            _ => false,
        };
        let found = budgets.iter().filter(|budget| of_peer(budget.definition().source()));
        found
            .map(|budget| {
                let slo = budget.definition();
                let refuse = |value: &str, rule: &'static str, advice: String| {
                    Err(ConfigError::new(format!("slo `{}`", slo.name()), value, rule, advice))
                };
                let known = |route: &String| peer.templates.contains(route);
                if let Some(unknown) = slo.routes().iter().find(|route| !known(route)) {
                    let rule = "the peer does not declare that route";
                    return refuse(unknown, rule, format!("it declares {:?}", peer.templates));
                }
                let known = |method: &String| METHODS.contains(&method.as_str());
                if let Some(unknown) = slo.methods().iter().find(|method| !known(method)) {
                    let rule = "the layer folds that method into `_OTHER`";
                    return refuse(
                        unknown,
                        rule,
                        format!("the methods are {}", METHODS.join(", ")),
                    );
                }
                let mut templates = vec![false];
                templates.extend(peer.templates.iter().map(|route| slo.routes().contains(route)));
                let of_method = |method: &&str| slo.methods().iter().any(|m| m == method);
                let methods: Vec<_> = METHODS.iter().map(of_method).collect();
                Ok(Self {
                    counter: EventCounter::new(budget, &CallOutcome::NAMES)?,
                    templates: if slo.routes().is_empty() { vec![] } else { templates }.into(),
                    methods: if slo.methods().is_empty() { vec![] } else { methods }.into(),
                })
            })
            .collect()
    }

    /// Counts a call that ended, if the SLO selects it.
    #[inline]
    pub(super) fn count(
        &self,
        (template, method): (usize, usize),
        outcome: CallOutcome,
        nanos: u64,
        to_headers: Option<u64>,
    ) {
        let selects = |selected: &[bool], index| {
            selected.is_empty() || selected.get(index).copied().unwrap_or(false)
        };
        if selects(&self.templates, template) && selects(&self.methods, method) {
            self.counter.count(outcome as usize, nanos, to_headers);
        }
    }
}
