use tower_layer::Layer;

use super::GoldenSignals;
use super::service::GoldenSignalsService;

/// Wraps services so that every request is recorded. See [`GoldenSignals`].
#[derive(Clone, Debug)]
pub struct GoldenSignalsLayer {
    signals: GoldenSignals,
}

impl GoldenSignalsLayer {
    pub(crate) fn new(signals: GoldenSignals) -> Self {
        Self { signals }
    }
}

impl<S> Layer<S> for GoldenSignalsLayer {
    type Service = GoldenSignalsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GoldenSignalsService::new(inner, &self.signals)
    }
}
