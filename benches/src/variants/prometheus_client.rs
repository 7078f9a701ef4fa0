//! A hand-written layer over the `prometheus-client` crate: families with static labels.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::record::{BOUNDS, Record, Recorded};
use super::service::{Bare, boxed};
use super::{Group, Variant};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Two {
    method: &'static str,
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Three {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone)]
pub(super) struct Families {
    in_flight: Family<Two, Gauge>,
    requests: Family<Three, Counter>,
    duration: Family<Three, Histogram, fn() -> Histogram>,
}

impl Families {
    pub(super) fn new() -> (Self, Registry) {
        let families = Self {
            in_flight: Family::default(),
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
        };
        let mut registry = Registry::default();
        registry.register("in_flight", "h", families.in_flight.clone());
        registry.register("requests", "h", families.requests.clone());
        registry.register("duration_seconds", "h", families.duration.clone());
        (families, registry)
    }
}

pub(super) fn variants() -> Vec<Variant> {
    let (families, registry) = Families::new();
    let registry = Arc::new(registry);
    let variant = Variant::new(
        "prometheus-client",
        Group::Bare,
        "in flight, requests, duration; at the head",
        move |mix| boxed(Recorded { inner: Bare, record: families.clone() }, mix),
    );
    vec![variant.counted(move || {
        let mut text = String::new();
        encode(&mut text, &registry).expect("a string takes everything");
        text
    })]
}

impl Record for Families {
    fn start(&self, method: &'static str, route: &'static str) {
        self.in_flight.get_or_create(&Two { method, route }).inc();
    }

    fn end(&self, method: &'static str, route: &'static str, status: StatusCode, took: Duration) {
        let labels = Three { method, route, status: status.as_u16() };
        self.in_flight.get_or_create(&Two { method, route }).dec();
        self.requests.get_or_create(&labels).inc();
        self.duration.get_or_create(&labels).observe(took.as_secs_f64());
    }

    fn abandon(&self, method: &'static str, route: &'static str) {
        self.in_flight.get_or_create(&Two { method, route }).dec();
    }
}
