use tower_layer::Layer;

use super::GoldenSignals;
use super::service::GoldenSignalsService;

/// A layer that records the golden signals of every request. See [`GoldenSignals`].
#[derive(Clone, Debug)]
pub struct GoldenSignalsLayer {
    signals: GoldenSignals,
}

impl GoldenSignals {
    /// Creates a layer.
    ///
    /// Make it the outermost layer. A layer around it, such as a timeout, drops requests, which
    /// this layer then counts as aborted by the client.
    pub fn layer(&self) -> GoldenSignalsLayer {
        GoldenSignalsLayer { signals: self.clone() }
    }
}

impl<S> Layer<S> for GoldenSignalsLayer {
    type Service = GoldenSignalsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GoldenSignalsService::new(inner, &self.signals.handles)
    }
}
