use tower_layer::Layer;

use super::Bounds;
use super::service::BoundService;
use crate::admission::{Admission, AdmissionService};
use crate::golden_signals::{GoldenSignalsLayer, GoldenSignalsService};

/// A layer that records the golden signals of a service and protects it. See the
/// [module](super).
#[derive(Clone, Debug)]
pub struct ProtectionLayer {
    signals: GoldenSignalsLayer,
    admission: Admission,
    bounds: Bounds,
}

impl ProtectionLayer {
    pub(super) fn new(signals: GoldenSignalsLayer, admission: Admission, bounds: Bounds) -> Self {
        Self { signals, admission, bounds }
    }

    /// Returns the admission, to read how full the service is.
    pub fn admission(&self) -> &Admission {
        &self.admission
    }
}

impl<S> Layer<S> for ProtectionLayer {
    type Service = GoldenSignalsService<AdmissionService<BoundService<S>>>;

    fn layer(&self, inner: S) -> Self::Service {
        let bound = BoundService::new(inner, self.bounds);
        self.signals.layer(self.admission.layer().layer(bound))
    }
}
