use tower_layer::Layer;

use super::Admission;
use super::service::AdmissionService;

/// A layer that limits the concurrency of a service. See [`Admission`].
#[derive(Clone, Debug)]
pub struct AdmissionLayer {
    admission: Admission,
}

impl Admission {
    /// Creates a layer. Put it inside the golden signals and around everything else.
    pub fn layer(&self) -> AdmissionLayer {
        AdmissionLayer { admission: self.clone() }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = AdmissionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AdmissionService::new(inner, self.admission.clone())
    }
}
