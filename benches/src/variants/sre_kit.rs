//! This project's layer.

use ::sre_kit::golden_signals::{GoldenSignals, RouteSource, Routes};
use ::sre_kit::metrics::{Registry, TextFormat};
use tower_layer::Layer;

use super::service::{Bare, boxed};
use super::{Group, Variant};
use crate::request::{TEMPLATES, Template};

pub(super) const RECORDS: &str = "started, outcome, in flight, duration to the end of the body, \
     time to headers, request and response bytes, protocol version; panics and aborts told apart";

pub(super) fn variants() -> Vec<Variant> {
    let extension = RouteSource::from_fn(|head| {
        head.extensions.get::<Template>().map(|&Template(route)| route)
    });
    let table = Routes::new(TEMPLATES).expect("valid templates");
    vec![variant("sre-kit", extension), variant("sre-kit-table", table.into())]
}

/// `sre-kit` reads the route where the hand-written peers do; `sre-kit-table`
/// matches the path itself.
fn variant(name: &'static str, source: RouteSource) -> Variant {
    let (signals, registry) = signals(source);
    Variant::new(name, Group::Bare, RECORDS, move |mix| boxed(signals.layer().layer(Bare), mix))
        .counted(move || text(&registry))
}

pub(crate) fn signals(source: RouteSource) -> (GoldenSignals, Registry) {
    let registry = Registry::new();
    let signals = GoldenSignals::builder().routes(source).build(&registry).expect("valid");
    (signals, registry)
}

pub(crate) fn text(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}
