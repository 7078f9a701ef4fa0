//! A meter: it creates instruments.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::metrics::{
    AsyncInstrumentBuilder, Counter, Gauge, Histogram, HistogramBuilder, InstrumentBuilder,
    InstrumentProvider, ObservableCounter, ObservableGauge, ObservableUpDownCounter,
    SyncInstrument, UpDownCounter,
};

use super::builder::Settings;
use super::instrument::Instrument;
use super::observed::Observable;
use super::record::{Distribution, Last, Record, Sum, UpDown};
use super::streams::{Identity, Streams};
use crate::family::Number;
use crate::registry::Registry;
use crate::visit::Kind;

/// A meter whose instruments are families of a registry.
pub(super) struct RegistryMeter {
    pub(super) registry: Registry,
    pub(super) settings: Arc<Settings>,
    pub(super) streams: Arc<Streams>,
    /// The labels of the scope.
    pub(super) scope: Arc<str>,
}

type Text = Option<Cow<'static, str>>;

impl RegistryMeter {
    /// Returns a synchronous instrument. One that is refused counts into nothing.
    fn instrument<T: Send + Sync + 'static, R: Record<T> + Send + Sync>(
        &self,
        identity: &Identity,
        help: &Text,
        boundaries: Option<Vec<f64>>,
    ) -> Arc<dyn SyncInstrument<T> + Send + Sync> {
        let help = help.as_deref().unwrap_or("");
        let (registry, settings) = (&self.registry, &self.settings);
        match self.streams.family(registry, settings, identity, help, boundaries) {
            Some(family) => {
                let (registry, scope) = (registry.clone(), Arc::clone(&self.scope));
                Arc::new(Instrument::<R>::new(registry, family, scope))
            }
            None => Arc::new(Refused),
        }
    }

    fn observe<I, T: Observable>(
        &self,
        builder: AsyncInstrumentBuilder<'_, I, T>,
        kind: Kind,
        number: Number,
    ) {
        let AsyncInstrumentBuilder { name, description, unit, callbacks, .. } = builder;
        let identity = identity(name, unit, kind, number, true);
        let help = description.as_deref().unwrap_or("");
        if let Some(observed) = self.streams.observed(&self.registry, &identity, help) {
            observed.add(callbacks, &self.scope);
        }
    }
}

fn identity(
    name: Cow<'static, str>,
    unit: Text,
    kind: Kind,
    number: Number,
    observed: bool,
) -> Identity {
    let unit = unit.unwrap_or_default().into_owned();
    Identity { name: name.into_owned(), unit, kind, number, observed }
}

/// An instrument that counts into nothing.
struct Refused;

impl<T: Send + Sync + 'static> SyncInstrument<T> for Refused {
    fn measure(&self, _measurement: T, _attributes: &[opentelemetry::KeyValue]) {}

    fn bind(
        &self,
        _attributes: &[opentelemetry::KeyValue],
    ) -> Box<dyn opentelemetry::metrics::BoundSyncInstrument<T> + Send + Sync> {
        Box::new(Self)
    }
}

impl<T> opentelemetry::metrics::BoundSyncInstrument<T> for Refused {
    fn measure(&self, _measurement: T) {}
}

macro_rules! instruments {
    ($($method:ident: $instrument:ident<$value:ty>, $record:ty, $kind:ident, $number:ident;)*) => {
        $(
            fn $method(
                &self,
                builder: InstrumentBuilder<'_, $instrument<$value>>,
            ) -> $instrument<$value> {
                let InstrumentBuilder { name, description, unit, .. } = builder;
                let identity = identity(name, unit, Kind::$kind, Number::$number, false);
                let instrument = self.instrument::<$value, $record>(&identity, &description, None);
                $instrument::new(instrument)
            }
        )*
    };
}

macro_rules! histograms {
    ($($method:ident: $value:ty;)*) => {
        $(
            fn $method(
                &self,
                builder: HistogramBuilder<'_, Histogram<$value>>,
            ) -> Histogram<$value> {
                let HistogramBuilder { name, description, unit, boundaries, .. } = builder;
                let identity = identity(name, unit, Kind::Histogram, Number::Float, false);
                Histogram::new(self.instrument::<$value, Distribution>(
                    &identity,
                    &description,
                    boundaries,
                ))
            }
        )*
    };
}

macro_rules! observables {
    ($($method:ident: $instrument:ident<$value:ty>, $kind:ident, $number:ident;)*) => {
        $(
            fn $method(
                &self,
                builder: AsyncInstrumentBuilder<'_, $instrument<$value>, $value>,
            ) -> $instrument<$value> {
                self.observe(builder, Kind::$kind, Number::$number);
                $instrument::new()
            }
        )*
    };
}

impl InstrumentProvider for RegistryMeter {
    instruments! {
        u64_counter: Counter<u64>, Sum, Counter, Unsigned;
        f64_counter: Counter<f64>, Sum, Counter, Float;
        i64_up_down_counter: UpDownCounter<i64>, UpDown, UpDownCounter, Signed;
        f64_up_down_counter: UpDownCounter<f64>, UpDown, UpDownCounter, Float;
        u64_gauge: Gauge<u64>, Last, Gauge, Unsigned;
        i64_gauge: Gauge<i64>, Last, Gauge, Signed;
        f64_gauge: Gauge<f64>, Last, Gauge, Float;
    }

    histograms! {
        u64_histogram: u64;
        f64_histogram: f64;
    }

    observables! {
        u64_observable_counter: ObservableCounter<u64>, Counter, Unsigned;
        f64_observable_counter: ObservableCounter<f64>, Counter, Float;
        i64_observable_up_down_counter: ObservableUpDownCounter<i64>, UpDownCounter, Signed;
        f64_observable_up_down_counter: ObservableUpDownCounter<f64>, UpDownCounter, Float;
        u64_observable_gauge: ObservableGauge<u64>, Gauge, Unsigned;
        i64_observable_gauge: ObservableGauge<i64>, Gauge, Signed;
        f64_observable_gauge: ObservableGauge<f64>, Gauge, Float;
    }
}
