//! Observable instruments: callbacks that give the values at each scrape.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Callback};

use super::attributes::label_text;
use crate::visit::{Collect, Desc, Kind, Visitor};

/// The callbacks of one stream.
pub(super) struct Observed {
    desc: Desc,
    limit: usize,
    callbacks: Mutex<Vec<Arc<dyn Observe>>>,
}

/// The callbacks of one instrument.
trait Observe: Send + Sync {
    fn observe(&self, into: &Mutex<Observations>);
}

/// A value that was observed.
#[derive(Clone, Copy)]
enum Observation {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

/// The observations of one scrape. Of a label set the last one counts.
struct Observations {
    values: Vec<(String, Observation)>,
    limit: usize,
    counter: bool,
}

impl Observed {
    pub(super) fn new(desc: Desc, limit: usize) -> Self {
        Self { desc, limit, callbacks: Mutex::default() }
    }

    /// Adds the callbacks of one more instrument.
    pub(super) fn add<T: Observable>(&self, callbacks: Vec<Callback<T>>, scope: &Arc<str>) {
        if !callbacks.is_empty() {
            let callbacks = Arc::new(Callbacks { callbacks, scope: Arc::clone(scope) });
            self.callbacks.lock().unwrap_or_else(PoisonError::into_inner).push(callbacks);
        }
    }
}

impl Collect for Observed {
    fn collect(&self, visitor: &mut dyn Visitor) {
        // A callback can use the registry and the meter, so none runs under a lock.
        let callbacks = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (limit, counter) = (self.limit, self.desc.kind == Kind::Counter);
        let into = Mutex::new(Observations { values: Vec::new(), limit, counter });
        for callback in callbacks {
            callback.observe(&into);
        }
        let values = into.into_inner().unwrap_or_else(PoisonError::into_inner).values;
        if !values.is_empty() {
            visitor.family(&self.desc);
        }
        for (labels, value) in values {
            match value {
                Observation::Unsigned(value) => visitor.integer(&labels, value),
                Observation::Signed(value) => visitor.signed(&labels, value),
                Observation::Float(value) => visitor.float(&labels, value),
            }
        }
    }
}

/// A type that callbacks can observe.
pub(super) trait Observable: Copy + Send + Sync + 'static {
    #[allow(private_interfaces, reason = "the trait is private too")]
    fn observation(self) -> Observation;
}

impl Observable for u64 {
    #[allow(private_interfaces, reason = "the trait is private too")]
    fn observation(self) -> Observation {
        Observation::Unsigned(self)
    }
}

impl Observable for i64 {
    #[allow(private_interfaces, reason = "the trait is private too")]
    fn observation(self) -> Observation {
        Observation::Signed(self)
    }
}

impl Observable for f64 {
    #[allow(private_interfaces, reason = "the trait is private too")]
    fn observation(self) -> Observation {
        Observation::Float(self)
    }
}

struct Callbacks<T> {
    callbacks: Vec<Callback<T>>,
    scope: Arc<str>,
}

impl<T: Observable> Observe for Callbacks<T> {
    fn observe(&self, into: &Mutex<Observations>) {
        let observer = Observer { into, scope: &self.scope };
        for callback in &self.callbacks {
            // What it observed before it panicked counts.
            if catch_unwind(AssertUnwindSafe(|| callback(&observer))).is_err() {
                tracing::warn!("a callback of an observable instrument panicked");
            }
        }
    }
}

struct Observer<'a> {
    into: &'a Mutex<Observations>,
    scope: &'a str,
}

impl<T: Observable> AsyncInstrument<T> for Observer<'_> {
    fn observe(&self, measurement: T, attributes: &[KeyValue]) {
        let labels = label_text(attributes, self.scope);
        let mut into = self.into.lock().unwrap_or_else(PoisonError::into_inner);
        into.push(labels, measurement.observation());
    }
}

impl Observations {
    fn push(&mut self, labels: String, value: Observation) {
        if let Observation::Float(value) = value
            && (!value.is_finite() || (self.counter && value < 0.0))
        {
            return;
        }
        let full = self.values.len() >= self.limit;
        match self.values.iter_mut().find(|(other, _)| *other == labels) {
            Some((_, last)) => *last = value,
            None if !full => self.values.push((labels, value)),
            None => {}
        }
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("family", &self.desc.name).finish_non_exhaustive()
    }
}
