//! Runs the examples and checks that each does what its documentation says.

#![allow(clippy::disallowed_methods, reason = "the tests poll a process")]

mod support;

use std::io::{BufRead, BufReader, Lines, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

fn example(name: &str) -> Command {
    let mut command = Command::new(support::example(name));
    command.env("LISTEN", "127.0.0.1:0").env("SRE_KIT_ADMIN", "127.0.0.1:0");
    command.env("SRE_KIT_DRAIN_DELAY", "0");
    command
}

/// A running example that serves. Dropping it kills the process.
struct RunningExample {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    service: String,
    admin: String,
}

impl RunningExample {
    fn start(name: &str) -> Self {
        let mut child = example(name).stdout(Stdio::piped()).spawn().expect("it was built");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let service = printed_url(&mut lines, "service on ");
        let admin = printed_url(&mut lines, "metrics on ");
        let serving = Self { child, lines, service, admin };
        serving.until_ready();
        serving
    }

    /// Waits until it is ready, which is shortly after it prints its addresses.
    fn until_ready(&self) {
        for _ in 0..600 {
            if get(&format!("{}/readyz", self.admin)).0 == 200 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the example does not become ready");
    }

    /// Returns the sum of the samples whose lines contain all of `parts`.
    fn metric(&self, parts: &[&str]) -> f64 {
        let (status, text) = get(&format!("{}/metrics", self.admin));
        assert_eq!(status, 200);
        text.lines()
            .filter(|line| !line.starts_with('#') && parts.iter().all(|part| line.contains(part)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Sends SIGTERM and returns the exit code.
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill runs").success());
        for line in self.lines.by_ref() {
            line.expect("text");
        }
        self.child.wait().expect("known").code()
    }
}

impl Drop for RunningExample {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns `http://HOST:PORT` of the next line, which begins with `what`.
fn printed_url(lines: &mut Lines<BufReader<ChildStdout>>, what: &str) -> String {
    let line = lines.next().expect("a line").expect("text");
    let url = line.strip_prefix(what).unwrap_or_else(|| panic!("{what:?} expected, not {line:?}"));
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn get(url: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut response = agent.get(url).call().expect("an answer");
    let body = response.body_mut().read_to_string().expect("a text");
    (response.status().as_u16(), body)
}

#[test]
fn every_example_is_linked_from_the_documentation_and_says_how_it_is_run() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = texts(&folder.join("../sre-kit/src"));
    let examples = texts(&folder.join("examples"));
    assert!(examples.len() >= 10, "{}", examples.len());
    for (path, text) in examples {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let link = format!("/examples/examples/{name}.rs)");
        assert!(pages.iter().any(|(_, page)| page.contains(&link)), "no page links {name}");
        let command = format!("-p sre-kit-examples --example {name}");
        let top = text.split("\n#![").next().unwrap_or_default();
        assert!(top.contains(&command), "{name} does not say how it is run");
    }
}

/// Returns the Rust files below `folder`, with their texts.
fn texts(folder: &std::path::Path) -> Vec<(std::path::PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a text");
            found.push((path, text));
        }
    }
    found
}

/// Runs an example to its end and returns the exit code and its output.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("it was built");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

fn counts_two_requests(name: &str) {
    let example = RunningExample::start(name);
    let hello = get(&format!("{}/hello/you", example.service));
    assert_eq!(hello, (200, "Hello, you.\n".to_owned()));
    assert_eq!(get(&format!("{}/nowhere", example.service)).0, 404);
    let total = "sre_kit_http_server_requests_total{";
    let route = "http_route=\"/hello/{name}\"";
    assert!((example.metric(&[total, route, "outcome=\"ok\""]) - 1.0).abs() < 0.1);
    assert!((example.metric(&[total, "outcome=\"client_error\""]) - 1.0).abs() < 0.1);
    for path in ["livez", "readyz", "startupz", "version"] {
        assert_eq!(get(&format!("{}/{path}", example.admin)).0, 200, "{path}");
    }
    assert_eq!(example.stop(), Some(0), "the graceful shutdown loses nothing");
}

#[test]
fn hyper_counts_its_requests_by_the_routes_it_declares() {
    counts_two_requests("hyper");
}

#[test]
fn axum_counts_its_requests_by_the_routes_axum_matched() {
    counts_two_requests("axum");
}

#[test]
fn axum_serve_counts_its_requests_and_drains_with_the_kit() {
    counts_two_requests("axum_serve");
}

#[test]
fn database_counts_visits_and_shows_its_pool_and_its_check() {
    let example = RunningExample::start("database");
    for visits in ["1\n", "2\n"] {
        let answer = get(&format!("{}/visits", example.service));
        assert_eq!(answer, (200, visits.to_owned()));
    }
    for pool in ["saturation_pool_max{", "saturation_pool_size{", "db_client_connection_max{"] {
        assert!(example.metric(&[pool]) >= 1.0, "{pool}");
    }
    let (_, verbose) = get(&format!("{}/readyz?verbose", example.admin));
    assert!(verbose.contains("database"), "{verbose}");
    assert_eq!(example.stop(), Some(0), "the pool is closed");
}

#[test]
fn slo_only_prints_what_its_jobs_did_to_the_budget() {
    let (code, text) = run(&mut example("slo_only"));
    assert_eq!(code, Some(0), "{text}");
    // 600 jobs: 6 are no pictures, and 12 of the others are broken.
    for part in [
        "pictures: 582 good and 12 bad, burn rate 4.0",
        "service thumbnailer, as this instance sees it",
        "slo=\"pictures\",reason=\"not_a_picture\"} 6",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn burn_aware_drops_optional_work_while_the_budget_burns() {
    let (code, text) = run(&mut example("burn_aware"));
    assert_eq!(code, Some(0), "{text}");
    for part in ["the burn rate is normal", "the budget burns fast", "service shop, as this"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn axum_counts_for_its_slo() {
    let example = RunningExample::start("axum");
    get(&format!("{}/hello/you", example.service));
    let good = ["slo_events_total{", "slo=\"hello\"", "outcome=\"good\""];
    assert!((example.metric(&good) - 1.0).abs() < 0.1);
    let (status, slo) = get(&format!("{}/slo", example.admin));
    assert!(status == 200 && slo.contains("hello"), "{slo}");
}

#[test]
fn tonic_counts_calls_by_method_and_outcome() {
    let server = RunningExample::start("tonic");
    let address = server.service.trim_start_matches("http://");
    let ask = |name: &str| run(example("tonic").arg(name).env("LISTEN", address));
    assert_eq!(ask("you"), (Some(0), "Hello, you.\n".to_owned()));
    assert!(ask("").1.starts_with("InvalidArgument: name is empty"));
    let total = ["sre_kit_http_server_requests_total{", "http_route=\"/greeter.Greeter/Hello\""];
    assert!((server.metric(&total) - 2.0).abs() < 0.1);
    let refused = [total[0], total[1], "outcome=\"client_error\""];
    assert!((server.metric(&refused) - 1.0).abs() < 0.1, "an invalid argument is the client's");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn custom_check_shows_what_its_checks_found() {
    let mut child =
        example("custom_check").arg("2").stdout(Stdio::piped()).spawn().expect("it was built");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    stdout.read_line(&mut first).expect("text");
    let url = first.trim().strip_prefix("probes on ").expect("where it listens");
    let (_, verbose) = get(url);
    assert!(verbose.contains("scratch") && verbose.contains("memory"), "{verbose}");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("text");
    assert!(child.wait().expect("known").success(), "{rest}");
    assert!(rest.contains("health_check_up{"), "{rest}");
}
