//! Tests of `demo-app serve`: its routes, its admin pages and its errors.

#![allow(clippy::float_cmp, reason = "counts are whole numbers, and exact")]

use crate::support::{self, Demo, run};

#[test]
fn a_newcomer_reads_their_own_requests() {
    let demo = Demo::start(&[]);
    assert_eq!(demo.get("/"), (200, "Welcome, you are the first visitor.\n".to_owned()));
    assert_eq!(demo.get_as("/", "application/json").1.trim(), "{\"visits\":2}");
    assert_eq!(demo.get("/nowhere").0, 404);
    let ok = ["http_route=\"/\"", "outcome=\"ok\""];
    assert_eq!(demo.metric("sre_kit_http_server_requests_total", &ok), 2.0);
    let lost = ["outcome=\"client_error\""];
    assert_eq!(demo.metric("sre_kit_http_server_requests_total", &lost), 1.0);
    assert_eq!(demo.metric("http_server_active_requests", &[]), 0.0);
    assert!(demo.metric("process_resident_memory_bytes", &[]) > 0.0);
}

#[test]
fn the_database_is_made_where_the_demo_runs_and_outlives_it() {
    let mut demo = Demo::start(&[]);
    demo.get("/");
    let file = demo.directory().join("demo-app.sqlite");
    assert!(file.is_file(), "{file:?}");
    demo.signal("TERM");
    assert_eq!(demo.wait().code(), Some(0));
    let url = format!("sqlite://{}", file.display());
    let again = Demo::start(&["--database-url", &url]);
    assert_eq!(again.get("/").1, "Welcome, you are visitor number 2.\n");
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    let mut demo = Demo::start(&["--database-url", "sqlite::memory:"]);
    demo.signal("INT");
    assert_eq!(demo.wait().code(), Some(0));
}

#[test]
fn faults_fail_as_asked_and_are_counted_as_what_they_are() {
    let demo = Demo::start(&["--database-url", "sqlite::memory:"]);
    assert_eq!(demo.get("/error?status=503").0, 503);
    assert_eq!(demo.get("/error?rate=0").0, 200);
    assert_eq!(demo.get("/panic").0, 500, "the client still gets an answer");
    let (status, text) = demo.get("/stream?chunks=3&ms=0");
    assert_eq!((status, text.lines().count()), (200, 3));
    assert_eq!(demo.get("/slow?ms=1").0, 200);
    for (route, outcome) in [("/error", "error"), ("/panic", "panic"), ("/stream", "ok")] {
        let labels = [&format!("http_route=\"{route}\""), &format!("outcome=\"{outcome}\"")];
        let labels = labels.map(String::as_str);
        assert_eq!(demo.metric("sre_kit_http_server_requests_total", &labels), 1.0, "{route}");
    }
    let streams = demo.metric("sre_kit_http_server_stream_duration_seconds_count", &["/stream"]);
    assert_eq!(streams, 1.0, "a stream has a lifetime and no latency");
}

#[test]
fn faults_can_be_forbidden() {
    let demo = Demo::start(&["--database-url", "sqlite::memory:", "--allow-faults", "false"]);
    for path in ["/error", "/panic"] {
        let (status, text) = demo.get(path);
        assert_eq!(status, 403);
        assert!(text.contains("--allow-faults"), "{text}");
    }
}

#[test]
fn a_number_that_cannot_be_used_is_answered_with_its_bounds() {
    let demo = Demo::start(&["--database-url", "sqlite::memory:"]);
    for (path, rule) in [
        ("/error?status=200", "from 400 to 599"),
        ("/error?rate=2", "from 0 to 1"),
        ("/slow?ms=-1", "from 0 to 60000"),
        ("/stream?chunks=0", "from 1 to"),
    ] {
        let (status, text) = demo.get(path);
        assert_eq!(status, 400, "{path}");
        assert!(text.contains(rule), "{text}");
    }
}

#[test]
fn the_admin_listener_answers_probes_and_its_version() {
    let demo = Demo::start(&["--database-url", "sqlite::memory:"]);
    assert_eq!(demo.admin("/livez").0, 200);
    assert_eq!(demo.admin("/readyz").0, 200);
    assert!(demo.admin("/version").1.contains(env!("CARGO_PKG_VERSION")));
    let (status, text) = demo.admin("/nowhere");
    assert_eq!(status, 404);
    assert!(text.contains("/metrics"), "it says what there is: {text}");
}

#[test]
fn a_setting_that_cannot_work_ends_with_2_and_a_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("bound").to_string();
    for (args, says) in [
        (vec!["--listen", "nowhere"], "--listen"),
        (vec!["--listen", &taken, "--admin", "127.0.0.1:0"], taken.as_str()),
        (vec!["--listen", "127.0.0.1:0", "--admin", &taken], taken.as_str()),
        (vec!["--database-url", "oracle://x"], "oracle"),
        (vec!["--no-such-flag"], "--no-such-flag"),
    ] {
        let (code, said) = run(&args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

/// As in an image of one program.
#[cfg(feature = "otlp")]
#[test]
fn a_collector_without_tls_needs_no_authorities_on_the_machine() {
    for protocol in ["grpc", "http/protobuf"] {
        let nowhere = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("SSL_CERT_FILE", "/dev/null"),
            ("SSL_CERT_DIR", "/dev/null"),
        ];
        let nowhere = nowhere.map(|(name, value)| (name, value.to_owned()));
        let demo = Demo::start_with(&["--database-url", "sqlite::memory:"], &nowhere);
        assert_eq!(demo.get("/").0, 200, "{protocol}");
    }
}

#[cfg(feature = "otlp")]
#[test]
fn a_collector_with_tls_says_that_there_are_no_authorities() {
    let mut command = support::command();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        .args(["--database-url", "sqlite::memory:"])
        .env("SRE_KIT_STRICT_ENV", "true")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:9")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("SSL_CERT_FILE", "/dev/null")
        .env("SSL_CERT_DIR", "/dev/null");
    let out = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("No CA certificates"), "the cause, not only that there is one: {said}");
}

#[test]
fn settings_of_the_whole_cluster_that_this_program_does_not_know_are_warnings() {
    let unknown = [
        ("OTEL_PROPAGATORS", "tracecontext,baggage,b3"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b,broken"),
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_METRICS_EXPORTER", "console"),
    ];
    let variables = unknown.map(|(name, value)| (name, value.to_owned()));
    let demo = Demo::start_with(&["--database-url", "sqlite::memory:"], &variables);
    assert_eq!(demo.get("/").0, 200);
    let log = std::fs::read_to_string(demo.directory().join("log")).expect("the log");
    for (name, _) in unknown {
        let warned = log.lines().filter(|line| line.contains(name) && line.contains("WARNING"));
        assert_eq!(warned.count(), 1, "{name}: {log}");
    }
}

/// The small build says what it lacks and how to get it, before it listens.
#[cfg(not(any(feature = "iam", feature = "otlp")))]
#[test]
fn a_setting_that_needs_another_build_says_which_one() {
    let ca = rcgen::generate_simple_self_signed(["db".to_owned()]).expect("made").cert.pem();
    for (name, value) in [
        ("DATABASE_URL", "postgres+iam://app@db/shop"),
        ("DATABASE_URL", "cloudsql://app@project:europe-west1:main/shop"),
        ("DATABASE_URL", "postgres://app:hunter2@db/shop"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4318"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
    ] {
        let mut command = support::command();
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        if name != "DATABASE_URL" {
            command.args(["--database-url", "sqlite::memory:"]);
        }
        let command = command.env("DATABASE_CA", &ca).env("SRE_KIT_STRICT_ENV", "true");
        let out = command.env(name, value).output().expect("it starts");
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{name}={value}: {said}");
        assert!(said.contains("--features full"), "{name}={value}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn log_lines_have_the_trace_id_of_their_request() {
    let demo = Demo::start_with(&["--database-url", "sqlite::memory:"], &[]);
    assert_eq!(demo.get("/error?status=503").0, 503);
    let log = std::fs::read_to_string(demo.directory().join("log")).expect("the log");
    let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    let failed = lines.filter(|line: &serde_json::Value| line.to_string().contains("as requested"));
    let failed: Vec<_> = failed.collect();
    assert_eq!(failed.len(), 1, "{log}");
    assert!(failed[0]["trace_id"].as_str().is_some_and(|id| id.len() == 32), "{}", failed[0]);
}

#[test]
fn a_database_that_cannot_be_opened_ends_with_3() {
    let (code, said) = run(&["migrate", "--database-url", "sqlite:///nowhere/at/all.sqlite"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("database"), "{said}");
}

#[test]
fn migrate_is_done_once_and_then_has_nothing_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite://{}/visits.sqlite", directory.path().display());
    for _ in 0..2 {
        assert_eq!(run(&["migrate", "--database-url", &url]).0, Some(0));
    }
}

#[test]
fn help_teaches() {
    let output = support::command().arg("--help").output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("text");
    for word in ["DEMO_LISTEN", "DATABASE_URL", "Exit codes", "curl", "migrate"] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
}
