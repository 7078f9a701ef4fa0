//! The demo as a Deployment, without the chart.

use super::{Namespace, image};

/// How the demo is deployed.
pub(crate) struct Demo {
    pub(crate) replicas: u32,
    /// How long it keeps accepting after it was told to end.
    pub(crate) drain_delay: &'static str,
    pub(crate) memory: &'static str,
    /// More variables.
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Default for Demo {
    fn default() -> Self {
        Self { replicas: 2, drain_delay: "3", memory: "128Mi", variables: Vec::new() }
    }
}

impl Demo {
    /// Deploys it behind a Service and waits until it is ready. Gives the
    /// Service's address.
    pub(crate) fn deploy(&self, namespace: &Namespace) -> std::net::SocketAddr {
        namespace.apply(&self.manifest(image::demo()));
        namespace.rolled_out("deployment/demo");
        let service = namespace.get("service/demo");
        let ip = service["spec"]["clusterIP"].as_str().expect("has an address");
        format!("{ip}:80").parse().expect("an address")
    }

    fn manifest(&self, image: &str) -> String {
        let Self { replicas, drain_delay, memory, variables } = self;
        let variables = variables
            .iter()
            .map(|(name, value)| format!("\n            - {{name: {name}, value: \"{value}\"}}"));
        let variables: String = variables.collect();
        format!(
            r#"apiVersion: apps/v1
kind: Deployment
metadata: {{name: demo}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: demo}}}}
  strategy: {{rollingUpdate: {{maxUnavailable: 0, maxSurge: 1}}}}
  template:
    metadata: {{labels: {{app: demo}}}}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 30
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: demo
          image: {image}
          imagePullPolicy: Never
          env:
            - {{name: DEMO_LISTEN, value: "0.0.0.0:8080"}}
            - {{name: DEMO_ADMIN, value: "0.0.0.0:9464"}}
            - {{name: DEMO_ALLOW_FAULTS, value: "true"}}
            - {{name: DATABASE_URL, value: "sqlite::memory:"}}
            - {{name: SRE_KIT_DRAIN_DELAY, value: "{drain_delay}"}}
            - {{name: SRE_KIT_DRAIN_TIMEOUT, value: "15"}}
            - {{name: SRE_KIT_FLUSH_TIMEOUT, value: "2"}}
            - {{name: SRE_KIT_GRACE_PERIOD, value: "30"}}{variables}
          ports:
            - {{name: http, containerPort: 8080}}
            - {{name: admin, containerPort: 9464}}
          startupProbe: {{httpGet: {{path: /startupz, port: admin}}, periodSeconds: 1, failureThreshold: 60}}
          readinessProbe: {{httpGet: {{path: /readyz, port: admin}}, periodSeconds: 1}}
          livenessProbe: {{httpGet: {{path: /livez, port: admin}}, periodSeconds: 5}}
          resources: {{requests: {{cpu: 50m, memory: 32Mi}}, limits: {{memory: {memory}}}}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata: {{name: demo}}
spec:
  selector: {{app: demo}}
  ports: [{{name: http, port: 80, targetPort: http}}]
"#
        )
    }
}
