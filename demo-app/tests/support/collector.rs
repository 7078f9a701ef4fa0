//! An OpenTelemetry Collector that prints what it receives.
#![allow(dead_code, reason = "not every test file uses all of it")]
#![allow(clippy::disallowed_methods, reason = "a test may sleep between two looks at a process")]

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The timeout for a batch to arrive on a busy machine.
const LOOKS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(100);

/// A collector that prints what it receives. Dropping it kills the process.
pub(crate) struct Collector {
    child: Child,
    directory: tempfile::TempDir,
}

/// The addresses of a collector, which may not run yet.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    host: &'static str,
    grpc: u16,
    http: u16,
}

impl Ports {
    pub(crate) fn free() -> Self {
        Self::free_on("127.0.0.1")
    }

    /// Returns free ports on this address.
    pub(crate) fn free_on(host: &'static str) -> Self {
        let ports = [(); 2].map(|()| TcpListener::bind((host, 0)).expect("a port is free"));
        let [grpc, http] = ports.map(|port| port.local_addr().expect("bound").port());
        Self { host, grpc, http }
    }

    /// Returns the variables that export traces to the collector.
    pub(crate) fn traces(self) -> Vec<(&'static str, String)> {
        let endpoint = format!("http://{}:{}/v1/traces", self.host, self.http);
        vec![("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)]
    }

    /// Returns the variables that export all signals to the collector.
    pub(crate) fn variables(self, protocol: &str) -> Vec<(&'static str, String)> {
        let port = if protocol.eq_ignore_ascii_case("grpc") { self.grpc } else { self.http };
        vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}:{port}", self.host)),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
            ("OTEL_LOGS_EXPORTER", "otlp".to_owned()),
            ("OTEL_METRICS_EXPORTER", "otlp".to_owned()),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500".to_owned()),
            ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=checkout%2Cpayments".to_owned()),
        ]
    }
}

impl Collector {
    pub(crate) fn start(ports: Ports) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let config = directory.path().join("config.yaml");
        let Ports { host, grpc, http } = ports;
        let text = format!(
            "receivers:\n  otlp:\n    protocols:\n      grpc: {{endpoint: '{host}:{grpc}'}}\n      \
             http: {{endpoint: '{host}:{http}'}}\n\
             exporters:\n  debug: {{verbosity: detailed, use_internal_logger: false}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines:\n    \
             traces: {{receivers: [otlp], exporters: [debug]}}\n    \
             logs: {{receivers: [otlp], exporters: [debug]}}\n    \
             metrics: {{receivers: [otlp], exporters: [debug]}}\n"
        );
        fs::write(&config, text).expect("written");
        let out = fs::File::create(directory.path().join("out")).expect("made");
        let child = Command::new("otelcol")
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::from(out))
            .stderr(Stdio::null())
            .spawn()
            .expect("otelcol is in PATH");
        Self { child, directory }
    }

    /// Returns the number of received spans with this name.
    pub(crate) fn spans(&self, name: &str) -> usize {
        let line = format!("Name           : {name}");
        self.printed().lines().filter(|printed| printed.trim_start() == line).count()
    }

    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(self.directory.path().join("out")).expect("there")
    }

    /// Waits until the output of the collector satisfies `wanted`.
    pub(crate) fn wait_for(&self, wanted: &[&str]) -> String {
        wait(|| {
            let printed = self.printed();
            let missing = wanted.iter().find(|text| !printed.contains(**text));
            missing.map_or(Ok(printed.clone()), |text| Err(format!("no {text} in {printed}")))
        })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn wait<T>(look: impl Fn() -> Result<T, String>) -> T {
    let mut missing = String::new();
    for _ in 0..LOOKS {
        match look() {
            Ok(found) => return found,
            Err(said) => missing = said,
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{missing}");
}
