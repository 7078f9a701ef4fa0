//! What the meters of one registry share: a stream for each name.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sre_kit_core::ConfigError;

use super::API;
use super::builder::Settings;
use super::observed::Observed;
use crate::buckets::Buckets;
use crate::family::{Family, Number};
use crate::otlp::OtlpFamily;
use crate::registry::Registry;
use crate::visit::{Desc, Kind};

/// The streams of a registry by their names in lower case.
#[derive(Default)]
pub(super) struct Streams {
    by_name: Mutex<HashMap<String, Stream>>,
}

/// What two instruments of one name must share to be one stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) kind: Kind,
    pub(super) number: Number,
    /// Whether callbacks give the values.
    pub(super) observed: bool,
}

struct Stream {
    identity: Identity,
    target: Target,
}

#[derive(Clone)]
enum Target {
    Family(Arc<Family>),
    Observed(Arc<Observed>),
}

/// The bounds that the specification of the SDK has for histograms without advice.
const DEFAULT_BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

/// Those of durations in seconds: of the conventions for `http.server.request.duration`.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

impl Streams {
    /// Returns the family of a synchronous instrument, or `None` if it is refused.
    pub(super) fn family(
        &self,
        registry: &Registry,
        settings: &Settings,
        identity: &Identity,
        help: &str,
        boundaries: Option<Vec<f64>>,
    ) -> Option<Arc<Family>> {
        let create = |family: String| {
            let buckets = match identity.kind {
                Kind::Histogram => Some(buckets(settings, identity, boundaries)?),
                _ => None,
            };
            let desc = Desc { name: family, help: help.to_owned(), kind: identity.kind };
            registry.bridged_family(desc, identity.number, buckets).map(Target::Family)
        };
        match self.target(registry, identity, create)? {
            Target::Family(family) => Some(family),
            Target::Observed(_) => None,
        }
    }

    /// Returns the callbacks of an observable instrument, or `None` if it is refused.
    pub(super) fn observed(
        &self,
        registry: &Registry,
        identity: &Identity,
        help: &str,
    ) -> Option<Arc<Observed>> {
        let create = |family: String| {
            let desc = Desc { name: family.clone(), help: help.to_owned(), kind: identity.kind };
            let observed = Arc::new(Observed::new(desc, registry.max_series_per_family()));
            let collector = Arc::clone(&observed);
            registry.families().add_bridged_collector(&family, identity.kind, collector)?;
            Ok(Target::Observed(observed))
        };
        match self.target(registry, identity, create)? {
            Target::Observed(observed) => Some(observed),
            Target::Family(_) => None,
        }
    }

    fn target(
        &self,
        registry: &Registry,
        identity: &Identity,
        create: impl FnOnce(String) -> Result<Target, ConfigError>,
    ) -> Option<Target> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let key = identity.name.to_lowercase();
        let result = if let Some(stream) = by_name.get(&key) {
            stream.shared_with(identity)
        } else {
            let unit = identity.unit.clone();
            let mut otlp = OtlpFamily::new(identity.name.clone(), identity.kind, unit);
            otlp.integers = identity.number != Number::Float;
            let family = otlp.received_as();
            check(&identity.name).and_then(|()| create(family.clone())).inspect(|target| {
                registry.families().set_otlp(&family, otlp);
                let stream = Stream { identity: identity.clone(), target: target.clone() };
                by_name.insert(key, stream);
            })
        };
        drop(by_name);
        result.inspect_err(|error| registry.refuse(&identity.name, API, error)).ok()
    }
}

impl Stream {
    fn shared_with(&self, other: &Identity) -> Result<Target, ConfigError> {
        let Identity { name, unit, kind, .. } = &self.identity;
        if (Identity { name: name.clone(), ..other.clone() }) == self.identity {
            return Ok(self.target.clone());
        }
        Err(ConfigError::new(
            "instrument",
            &other.name,
            format!(
                "the instrument `{name}` has this name, and is a {kind:?} with the unit `{unit}` or \
                     has values of another type"
            ),
            "create both with the same kind, unit and type, or rename one",
        ))
    }
}

/// Checks the syntax of an instrument's name.
fn check(name: &str) -> Result<(), ConfigError> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(valid)
        && name.len() <= 255
    {
        return Ok(());
    }
    Err(ConfigError::new(
        "instrument",
        name,
        "a name begins with a letter, has letters, digits, `_`, `.`, `-` and `/` only, and at most \
         255 of them",
        "write it like `shop.orders`",
    ))
}

fn buckets(
    settings: &Settings,
    identity: &Identity,
    boundaries: Option<Vec<f64>>,
) -> Result<Buckets, ConfigError> {
    match (settings.buckets.get(&identity.name.to_lowercase()), boundaries) {
        (Some(buckets), _) => Ok(buckets.clone()),
        (None, Some(boundaries)) => Buckets::floats(boundaries),
        (None, None) if identity.unit == "s" => Buckets::floats(SECONDS),
        (None, None) => Buckets::floats(DEFAULT_BOUNDS),
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}
