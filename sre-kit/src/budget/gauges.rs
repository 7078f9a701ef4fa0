//! The gauges that are exported beside the counters.
//!
//! `slo_instance_*` is what this process alone observed. It is for decisions in code, for
//! comparing a canary with its fleet, and for a look while Prometheus is down. Alerts read the
//! counters, summed over all instances.

use sre_kit_metrics::internal::RegistryInternals as _;
use std::sync::Arc;

use super::budgets::Budgets;
use super::tier_status::TierStatus;
use super::window::WindowStats;
use crate::ConfigError;
use crate::metrics::Registry;
use sre_kit_metrics::internal::{Collect, Desc, Kind, Visitor, push_pair};

const OBJECTIVE: &str = "slo_objective_ratio";
const PERIOD: &str = "slo_window_seconds";
const ERROR_RATIO: &str = "slo_instance_error_ratio";
const BURN_RATE: &str = "slo_instance_burn_rate";
const EVENTS: &str = "slo_instance_window_events";
const COVERAGE: &str = "slo_instance_window_coverage_ratio";
const REMAINING: &str = "slo_instance_error_budget_remaining_ratio";
const STATE: &str = "slo_instance_alert_state";

const HELP: [(&str, &str); 8] = [
    (OBJECTIVE, "Share of valid events that shall be good."),
    (PERIOD, "Period over which the objective holds."),
    (ERROR_RATIO, "Share of bad events in the window, as this instance saw it."),
    (BURN_RATE, "Error ratio over error budget in the window, as this instance saw it."),
    (EVENTS, "Valid events in the window, as this instance saw it."),
    (COVERAGE, "Share of the window that this instance observed."),
    (REMAINING, "Error budget left of the period, as this instance saw it."),
    (STATE, "Burn tier: 0 quiet, 1 rising, 2 cooling, 3 firing, as this instance saw it."),
];

pub(super) fn register(registry: &Registry, budgets: &Budgets) -> Result<(), ConfigError> {
    let families = HELP.map(|(name, _)| (name, Kind::Gauge));
    registry.register_collector(&families, Arc::new(Gauges(budgets.clone())))
}

struct Gauges(Budgets);

/// The values of one SLO at one moment.
struct SloGauges {
    labels: String,
    objective: f64,
    period: u64,
    windows: Vec<(String, WindowStats)>,
    remaining: f64,
    tiers: Vec<(String, u8)>,
}

impl Gauges {
    fn read(&self) -> Vec<SloGauges> {
        let service = self.0.slos().service();
        self.0
            .iter()
            .map(|budget| {
                let slo = budget.definition();
                let mut labels = String::new();
                push_pair(&mut labels, "service", service);
                push_pair(&mut labels, "slo", slo.name());
                let with = |name: &str, value: &str| {
                    let mut labels = labels.clone();
                    push_pair(&mut labels, name, value);
                    labels
                };
                // This takes a snapshot first if one is due.
                let period = budget.window(slo.period());
                budget.state.with_ring(|ring| SloGauges {
                    objective: slo.objective().ratio().as_f64(),
                    period: slo.period().as_secs(),
                    windows: slo
                        .windows()
                        .iter()
                        .map(|&window| (with("window", &window.to_string()), ring.read(window)))
                        .collect(),
                    remaining: 1.0 - period.burn_rate(),
                    tiers: slo
                        .tiers()
                        .iter()
                        .map(|tier| {
                            let state = TierStatus::read(tier, ring).state();
                            (with("tier", tier.name()), state.as_number())
                        })
                        .collect(),
                    labels: labels.clone(),
                })
            })
            .collect()
    }
}

impl Collect for Gauges {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let values = self.read();
        for (name, help) in HELP {
            visitor.family(&Desc {
                name: name.to_owned(),
                help: help.to_owned(),
                kind: Kind::Gauge,
            });
            for slo in &values {
                slo.visit(name, visitor);
            }
        }
    }
}

impl SloGauges {
    fn visit(&self, family: &str, visitor: &mut dyn Visitor) {
        let by_window = |visitor: &mut dyn Visitor, of: fn(&WindowStats) -> f64| {
            for (labels, stats) in &self.windows {
                visitor.float(labels, of(stats));
            }
        };
        match family {
            OBJECTIVE => visitor.float(&self.labels, self.objective),
            PERIOD => visitor.integer(&self.labels, self.period),
            ERROR_RATIO => by_window(visitor, WindowStats::error_ratio),
            BURN_RATE => by_window(visitor, WindowStats::burn_rate),
            COVERAGE => by_window(visitor, WindowStats::coverage),
            EVENTS => {
                for (labels, stats) in &self.windows {
                    visitor.integer(labels, stats.valid());
                }
            }
            REMAINING => visitor.float(&self.labels, self.remaining),
            _ => {
                for (labels, state) in &self.tiers {
                    visitor.integer(labels, u64::from(*state));
                }
            }
        }
    }
}
