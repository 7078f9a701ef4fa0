//! A hand-written layer over the `prometheus` crate: vectors looked up by label values.

use std::time::Duration;

use http::StatusCode;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::record::{BOUNDS, Record, Recorded};
use super::service::{Bare, boxed};
use super::{Group, Variant};

#[derive(Clone)]
struct Tikv {
    in_flight: IntGaugeVec,
    requests: IntCounterVec,
    duration: HistogramVec,
}

pub(super) fn variants() -> Vec<Variant> {
    let registry = Registry::new();
    let labels = ["method", "route", "status"];
    let metrics = Tikv {
        in_flight: IntGaugeVec::new(Opts::new("in_flight", "h"), &labels[..2]).expect("valid"),
        requests: IntCounterVec::new(Opts::new("requests_total", "h"), &labels).expect("valid"),
        duration: HistogramVec::new(
            HistogramOpts::new("duration_seconds", "h").buckets(BOUNDS.to_vec()),
            &labels,
        )
        .expect("valid"),
    };
    registry.register(Box::new(metrics.in_flight.clone())).expect("new name");
    registry.register(Box::new(metrics.requests.clone())).expect("new name");
    registry.register(Box::new(metrics.duration.clone())).expect("new name");
    let variant = Variant::new(
        "tikv",
        Group::Bare,
        "in flight, requests, duration; at the head",
        move |mix| boxed(Recorded { inner: Bare, record: metrics.clone() }, mix),
    );
    vec![variant.counted(move || {
        TextEncoder::new().encode_to_string(&registry.gather()).expect("valid names")
    })]
}

impl Record for Tikv {
    fn start(&self, method: &'static str, route: &'static str) {
        self.in_flight.with_label_values(&[method, route]).inc();
    }

    fn end(&self, method: &'static str, route: &'static str, status: StatusCode, took: Duration) {
        let labels = [method, route, status.as_str()];
        self.in_flight.with_label_values(&labels[..2]).dec();
        self.requests.with_label_values(&labels).inc();
        self.duration.with_label_values(&labels).observe(took.as_secs_f64());
    }

    fn abandon(&self, method: &'static str, route: &'static str) {
        self.in_flight.with_label_values(&[method, route]).dec();
    }
}
