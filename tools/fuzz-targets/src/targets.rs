//! The functions that are fuzzed. Each takes any bytes and must neither panic nor take a time that
//! grows faster than its input.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use sre_kit::SreKit;
use sre_kit::health::{Check, Health};
use sre_kit::metrics::{BuildInfo, Exposition, Registry};
use sre_kit::slo::render::Imported;
use sre_kit::slo::{Budgets, Slo, Slos};
use sre_kit::telemetry::Telemetry;
use sre_kit_db::DbSettings;
use sre_kit_telemetry::internal::{RequestAttributes, TelemetryInternals};
use tower::ServiceExt;

/// A function that is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name, which is that of its corpus.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// How many mutations the test runs.
    pub iterations: u32,
}

/// All functions that are fuzzed.
pub const TARGETS: [Target; 9] = [
    Target { name: "accept", run: accept, iterations: 2_000 },
    Target { name: "trace_headers", run: trace_headers, iterations: 2_000 },
    Target { name: "openslo", run: openslo, iterations: 500 },
    Target { name: "sloth", run: sloth, iterations: 500 },
    Target { name: "checkpoint", run: checkpoint, iterations: 200 },
    Target { name: "environment", run: environment, iterations: 200 },
    Target { name: "readyz", run: readyz, iterations: 2_000 },
    Target { name: "log_directives", run: log_directives, iterations: 2_000 },
    Target { name: "postgres_login", run: postgres_login, iterations: 2_000 },
];

/// Returns the headers of lines `name: value`.
fn headers(data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// `Accept` and `Accept-Encoding` of a scrape.
fn accept(data: &[u8]) {
    thread_local! {
        static EXPOSITION: Exposition = Exposition::new(&Registry::new()).expect("free");
    }
    let headers = headers(data);
    let _ = sre_kit_core::internal::accept_weight(&headers, "application/json");
    let _ = sre_kit_core::internal::accepts_gzip(&headers);
    EXPOSITION.with(|exposition| {
        let responding = exposition.respond(&Method::GET, &headers);
        let _ = responding.now_or_never();
    });
}

/// `traceparent`, `tracestate`, `baggage`, and the headers that a server span has.
fn trace_headers(data: &[u8]) {
    thread_local! {
        static TELEMETRY: Telemetry = Telemetry::builder().build().expect("valid");
    }
    let headers = headers(data);
    TELEMETRY.with(|telemetry| {
        let trace = telemetry.server_traces().start(&RequestAttributes {
            method: &Method::GET,
            method_name: "GET",
            uri: &Uri::from_static("/"),
            version: "1.1",
            scheme: "http",
            headers: &headers,
            route: None,
        });
        let _entered = trace.enter();
        telemetry.inject(&mut HeaderMap::new());
    });
}

fn openslo(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Imported::from_openslo(text).map(Imported::into_slos);
    }
}

fn sloth(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Imported::from_sloth(text).map(Imported::into_slos);
    }
}

/// The budgets whose windows are kept in the file at `path`.
fn budgets(path: PathBuf) -> Budgets {
    let slo = Slo::availability("pages", "99.9".parse().expect("valid"));
    let slos = Slos::new("shop", [slo]).expect("valid");
    let budgets = Budgets::builder().slos(&slos).checkpoint(path);
    budgets.build(&Registry::new()).expect("a bad file is no bad setting")
}

/// Returns an input of `checkpoint`: a file as it is written, without its checksum.
///
/// # Errors
///
/// Returns an error if the file cannot be written or read.
pub fn checkpoint_seed() -> Result<Vec<u8>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("checkpoint");
    let budgets = budgets(path.clone());
    budgets.tick();
    budgets.save_checkpoint()?;
    let mut file = fs::read(path)?;
    file.truncate(file.len().saturating_sub(4));
    Ok(file)
}

/// The file of the SLO windows, with the right checksum: without it, nothing more is read.
fn checkpoint(data: &[u8]) {
    thread_local! {
        static DIRECTORY: tempfile::TempDir = tempfile::tempdir().expect("a directory");
    }
    DIRECTORY.with(|directory| {
        let path = directory.path().join("checkpoint");
        let checksum = crc32fast::hash(data).to_le_bytes();
        fs::write(&path, [data, &checksum].concat()).expect("written");
        let budgets = budgets(path);
        budgets.tick();
        let _ = budgets.report().to_json();
    });
}

/// The variables of the kit, of telemetry and of the database: lines `NAME=value`.
fn environment(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lookup = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        // The fuzzer reads no file of this machine.
        line.filter(|_| !name.ends_with("_FILE")).map(str::to_owned)
    };
    let _ = SreKit::builder(BuildInfo::new("shop", "1")).with_vars(lookup);
    let _ = DbSettings::new("postgres://app@127.0.0.1/shop").and_then(|s| s.with_vars(lookup));
    let endpoint = ["ENDPOINT", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"];
    let safe =
        |name: &str| lookup(name).filter(|_| !endpoint.iter().any(|end| name.ends_with(end)));
    let _ = Telemetry::builder_from_vars(safe);
}

/// The target and the headers of a probe: the first line, and the others.
fn readyz(data: &[u8]) {
    thread_local! {
        static HEALTH: Health = Health::builder()
            .check(Check::new("cheap", || async {}).gate_readiness())
            .check(Check::new("database", || async {}))
            .build(&Registry::new())
            .expect("valid");
    }
    let (line, rest) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    let Ok(uri) = Uri::try_from(line) else { return };
    let mut request = Request::new(Full::<Bytes>::default());
    *request.uri_mut() = uri;
    *request.headers_mut() = headers(rest);
    HEALTH.with(|health| {
        let _ = health.service().oneshot(request).now_or_never();
    });
}

fn log_directives(data: &[u8]) {
    thread_local! {
        static TELEMETRY: RefCell<Option<Telemetry>> = const { RefCell::new(None) };
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    TELEMETRY.with_borrow_mut(|telemetry| {
        let telemetry =
            telemetry.get_or_insert_with(|| Telemetry::builder().build().expect("valid"));
        let _ = telemetry.log_level().set(text);
    });
}

/// The messages of a login to PostgreSQL, as the bridge reads them from both sides.
fn postgres_login(data: &[u8]) {
    let _ = sre_kit_db::internal::read_login(data);
}
