//! The variants: all compared ways to instrument the service.

mod admission;
mod axum;
mod limit;
mod otel;
mod prometheus_client;
mod record;
mod service;
mod sre_kit;
mod tikv;
mod traces;
mod wrap;

use std::fmt;

use crate::request::Mix;
use crate::worker::Worker;

pub(crate) use self::axum::recorder as axum_recorder;
pub(crate) use self::otel::{instrumentation as otel_instrumentation, meter as otel_meter};
pub use self::service::{Bare, Reply};
pub(crate) use self::sre_kit::{signals as sre_kit_signals, text as sre_kit_text};
pub(crate) use self::traces::{Discard, provider as trace_provider};

/// The wrapped service, which determines the baseline to subtract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A tower service that is always ready and responds with eleven bytes.
    Bare,
    /// An axum router with 32 routes.
    Axum,
}

impl Group {
    /// Returns the name of the variant without a layer.
    pub fn baseline(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Axum => "axum-bare",
        }
    }
}

/// One way to instrument the service.
pub struct Variant {
    /// Its name in every table.
    pub name: &'static str,
    /// Its group: service and baseline.
    pub group: Group,
    /// A description of what it records per request.
    pub records: &'static str,
    make: Box<dyn Fn(Mix) -> Box<dyn Worker> + Send + Sync>,
    upkeep: Option<Box<dyn Fn() + Send + Sync>>,
    counted: Option<Box<dyn Fn() -> String + Send + Sync>>,
}

impl Variant {
    fn new(
        name: &'static str,
        group: Group,
        records: &'static str,
        make: impl Fn(Mix) -> Box<dyn Worker> + Send + Sync + 'static,
    ) -> Self {
        Self { name, group, records, make: Box::new(make), upkeep: None, counted: None }
    }

    fn upkeep(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.upkeep = Some(Box::new(f));
        self
    }

    fn counted(mut self, f: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.counted = Some(Box::new(f));
        self
    }

    /// Creates a worker for one thread. Workers of one variant share their metrics.
    pub fn worker(&self, mix: Mix) -> Box<dyn Worker> {
        (self.make)(mix)
    }

    /// Runs the variant's periodic maintenance, which is not on the request path.
    pub fn run_upkeep(&self) {
        if let Some(upkeep) = &self.upkeep {
            upkeep();
        }
    }

    /// Returns its metrics as text, or `None` if it records nothing.
    pub fn exposition(&self) -> Option<String> {
        self.counted.as_ref().map(|text| text())
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns all variants in the order of the table. Call this once per process, since `metrics` and
/// OpenTelemetry have global recorders.
pub fn all() -> Vec<Variant> {
    let mut all = wrap::variants();
    all.extend(limit::variants());
    all.extend(sre_kit::variants());
    all.extend(tikv::variants());
    all.extend(prometheus_client::variants());
    all.extend(otel::variants());
    all.extend(axum::variants());
    all.extend(admission::variants());
    // These come last, because they set the global tracer.
    all.extend(traces::variants());
    all
}

/// Returns the variant with this name.
pub fn named(name: &str) -> Option<Variant> {
    all().into_iter().find(|variant| variant.name == name)
}

#[cfg(test)]
mod tests {
    use super::{Group, all};
    use crate::request::Mix;

    /// Checks that variants count their requests: a layer that loses some would look fast.
    #[test]
    fn every_variant_counts_what_it_was_fed() {
        for variant in all() {
            let mut worker = variant.worker(Mix::Hot);
            worker.prepare(10);
            worker.serve();
            variant.run_upkeep();
            let Some(text) = variant.exposition() else { continue };
            assert!(
                text.lines().any(|line| line.ends_with(" 10")),
                "{} was fed 10 requests:\n{text}",
                variant.name
            );
        }
    }

    #[test]
    fn names_are_unique_and_each_group_has_its_baseline() {
        let names: Vec<_> = all().iter().map(|variant| variant.name).collect();
        let unique: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        for group in [Group::Bare, Group::Axum] {
            assert!(names.contains(&group.baseline()));
        }
    }
}
