//! APIs that a pod serves in the name of the API server.

use serde_json::json;

use crate::cluster::{Namespace, command};

/// One of them. While it is there and nobody serves it, no namespace can be deleted:
/// it goes with the value.
pub(crate) struct ApiService {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
}

/// Takes away what a run that was killed has left.
pub(crate) fn clear() {
    for group in ["custom.metrics.k8s.io", "external.metrics.k8s.io"] {
        drop(ApiService { group, version: "v1beta1" });
    }
}

impl ApiService {
    /// Has a Service serve it, and waits until it does.
    pub(crate) fn serve(self, namespace: &Namespace, service: &str) -> Self {
        let Self { group, version } = &self;
        let object = json!({
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": self.name()},
            "spec": {
                "group": group, "version": version,
                "groupPriorityMinimum": 100, "versionPriority": 100,
                // It has signed its certificate itself.
                "insecureSkipTLSVerify": true,
                "service": {"name": service, "namespace": namespace.name()},
            },
        });
        namespace.apply(&object.to_string());
        self.is_served(namespace);
        self
    }

    /// Waits until it answers.
    pub(crate) fn is_served(&self, namespace: &Namespace) {
        let path = format!("/apis/{}/{}", self.group, self.version);
        namespace.until(&format!("{path} answers"), || {
            namespace.try_kubectl(&["get", "--raw", &path], "").status.success().then_some(())
        });
    }

    fn name(&self) -> String {
        format!("{}.{}", self.version, self.group)
    }
}

impl Drop for ApiService {
    fn drop(&mut self) {
        let _ = command("kubectl", &["delete", "apiservice", &self.name()]).output();
    }
}
