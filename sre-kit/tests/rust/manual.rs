//! The list of metrics in the manual is what a scrape of everything shows.

#![cfg(all(
    feature = "console",
    feature = "db-iam",
    feature = "db-sqlite",
    feature = "migrate",
    feature = "outbound",
    feature = "telemetry",
    feature = "testing"
))]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use promql_parser::parser;
use sre_kit::SreKit;
use sre_kit::admission::{Admission, GradientSettings, Limit};
use sre_kit::db::{Db, DbMetrics, DbSettings, Secret, Token, TokenError, TokenSource};
use sre_kit::golden_signals::Routes;
use sre_kit::health::Check;
use sre_kit::metrics::{Exposition, Format, Registry};
use sre_kit::outbound::Peer;
use sre_kit::slo::Slo;
use sre_kit::telemetry::Telemetry;
use sre_kit::testing::{ConventionViolation, Conventions};
use sre_kit::work::WorkUnit;
use sre_kit_metrics::internal::{Kind, otlp_table};
use tower::{Layer, ServiceExt, service_fn};

/// The rows of `manual::metrics`: a name and a query.
fn rows() -> Vec<(String, String)> {
    let page = include_str!("../../src/manual/metrics.rs");
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.map(|row| {
        let (name, rest) = row.split_once('`').expect("a name in backticks");
        let (_, query) = rest.trim_end_matches("` |").rsplit_once('`').expect("a query");
        (name.to_owned(), query.replace("\\|", "|"))
    })
    .collect()
}

/// Families that need something that is not here: the reason.
const ELSEWHERE: [(&str, &str); 17] = [
    ("sre_kit_metrics_refused_total", "a name that two APIs use; crates/sre-kit-metrics"),
    ("sre_kit_http_server_tls_reloads_total", "certificate files; tls"),
    ("cgroup_", "what a control group has of them differs from machine to machine"),
    ("tokio_runtime_blocking_", "tokio shows them with `--cfg tokio_unstable` only"),
    ("sre_kit_http_server_concurrency_latency_seconds", "a window full of samples; admission"),
    ("lifecycle_phase_duration_seconds", "a shutdown; lifecycle"),
    ("sre_kit_scrape_unwritable_total", "a metric that no format can carry; exposition"),
    ("panics_total", "a panic; work"),
    ("process_", "macOS and Windows have none"),
    ("db_client_connection_create_time_seconds", "a server to dial; db_servers"),
    ("db_client_connection_wait_time_seconds", "a server to dial; db_servers"),
    ("db_client_operation_duration_seconds", "a server to ask; db_servers"),
    ("sre_kit_db_dial_duration_seconds", "a server to dial; db_servers"),
    ("sre_kit_db_cert_", "the Cloud SQL connector; connector_servers"),
    ("sre_kit_db_migration_", "a server to migrate; migrate_servers"),
    ("sre_kit_db_recycl", "a server to dial; db_servers"),
    ("sre_kit_db_logins_total", "a server to log in to; db_servers"),
];

fn is_elsewhere(name: &str) -> bool {
    ELSEWHERE.iter().any(|(prefix, _)| name.starts_with(prefix))
}

struct FixedToken;

impl TokenSource for FixedToken {
    fn token(&self) -> futures_util::future::BoxFuture<'_, Result<Token, TokenError>> {
        Box::pin(async { Ok(Token::new(Secret::from("token".to_owned()))) })
    }
}

/// The families of one scrape of a service that uses every part, and what a push of them would
/// violate.
async fn families() -> (BTreeSet<String>, Vec<ConventionViolation>) {
    let registry = Registry::new();
    let telemetry = Telemetry::builder()
        .span_exporter(opentelemetry_sdk::trace::InMemorySpanExporter::default())
        .build()
        .expect("valid");
    let settings = DbSettings::new("postgres+iam://app@127.0.0.1:1/shop").expect("valid");
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("signed");
    let settings = settings.server_ca(&authority.cert.pem()).expect("a certificate");
    let settings = settings.token_source(FixedToken);
    let db_metrics = DbMetrics::new(&registry).expect("free");
    let db = Db::new(&settings, &db_metrics).expect("valid");
    let mut kit = SreKit::builder(sre_kit::build_info!())
        .registry(&registry)
        .telemetry(&telemetry)
        .database(&db)
        .routes(Routes::new(["/", "/events"]).expect("valid"))
        .http(|http| http.streams(["/events"]))
        .slo(Slo::availability("pages", "99.9".parse().expect("valid")))
        .peer(Peer::http("peer", "http://127.0.0.1").expect("valid"))
        .peer(Peer::grpc("grpc", "http://127.0.0.1:50051").expect("valid"))
        .work_unit(WorkUnit::new("import").expect("valid").message("kafka", "process"))
        .count_panics()
        .check(Check::new("cheap", || async {}))
        .admin_address("127.0.0.1:0")
        .build()
        .expect("valid");
    kit.start_admin().await.expect("a free port");
    let _beat = kit.health().heartbeat("loop", Duration::from_mins(1)).expect("valid");
    let checks = kit.health().spawn();
    let adaptive = Limit::gradient(GradientSettings::default());
    let admission = Admission::builder()
        .limit(adaptive)
        .queue(8, Duration::from_secs(1))
        .build(&registry)
        .expect("valid");

    let app = kit.http_layer().layer(admission.layer().layer(service_fn(
        |_: Request<Full<Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
        },
    )));
    for path in ["/", "/events"] {
        let request = Request::get(path).body(Full::new(Bytes::from_static(b"x"))).expect("valid");
        let response = app.clone().oneshot(request).await.expect("answers");
        response.into_body().collect().await.expect("whole");
    }

    for peer in ["peer", "grpc"] {
        let peer = kit.peer(peer).expect("declared");
        let called = peer.layer().layer(service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
        let request = Request::get("http://127.0.0.1/").body(Full::<Bytes>::default());
        called.oneshot(request.expect("valid")).await.expect("answers");
    }

    kit.budgets().tick();
    let exposition = Exposition::new(&registry).expect("free");
    let headers = http::HeaderMap::new();
    let Ok(_) = exposition.respond(&http::Method::GET, &headers).await;
    tokio::time::timeout(Duration::from_secs(10), async {
        while !kit.health().snapshot().is_started() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("started");

    let mut out = Vec::new();
    registry.encode(Format::Prometheus, &mut out);
    let violations = Conventions::new().check_registry(&registry);
    checks.abort();
    let text = String::from_utf8(out).expect("text");
    let shown = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    (shown, violations)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_family_of_a_scrape_with_everything_on_is_listed() {
    let (shown, violations) = families().await;
    assert_eq!(violations, [], "OpenTelemetry's semantic conventions");
    let listed: BTreeSet<_> = rows().into_iter().map(|(name, _)| name).collect();
    let missing: Vec<_> = shown.difference(&listed).collect();
    assert!(missing.is_empty(), "add to manual/metrics.rs: {missing:?}");
    let gone: Vec<_> = listed.difference(&shown).filter(|name| !is_elsewhere(name)).collect();
    assert!(gone.is_empty(), "no scrape shows {gone:?}");
    for (prefix, reason) in ELSEWHERE {
        let known = listed.iter().any(|name| name.starts_with(prefix));
        assert!(known, "nothing listed begins with {prefix} any more ({reason})");
    }
    assert!(shown.len() > 80, "{}", shown.len());
}

#[test]
fn every_listed_metric_is_in_the_table_of_opentelemetry_with_its_kind() {
    let page = include_str!("../../src/manual/metrics.rs");
    let kinds: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .map(|row| {
            let (name, rest) = row.split_once("` | ").expect("a name");
            let (kind, _) = rest.split_once(", ").expect("a kind and a unit");
            (name, kind)
        })
        .collect();
    let table: Vec<_> = otlp_table().collect();
    let listed: BTreeSet<_> = kinds.iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<_> = table.iter().map(|(family, _)| *family).collect();
    assert_eq!(listed, known);
    for (name, kind) in kinds {
        let (_, otlp) = table.iter().find(|(family, _)| *family == name).expect("compared above");
        let expected = match otlp.kind {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::UpDownCounter => "gauge",
            Kind::Histogram => "histogram",
        };
        assert_eq!(kind, expected, "{name}");
        if otlp.received_as() != name {
            let line = format!("//! - `{name}` is pushed as `{}`", otlp.name);
            assert!(page.contains(&line), "{line}");
        }
    }
}

#[test]
fn every_query_is_one_and_asks_for_its_metric() {
    for (name, query) in rows() {
        if let Err(error) = parser::parse(&query) {
            panic!("{name}: {query}: {error}");
        }
        let family = name.trim_end_matches("_limit").trim_end_matches("_max");
        assert!(query.contains(family), "{query} does not ask for {name}");
    }
}
