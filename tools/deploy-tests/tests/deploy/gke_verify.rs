//! `tools/gke/gke.sh verify` with a real Alertmanager, and stand-ins for the rest.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::deploy::root;
use crate::gke::Gke;
use crate::serve::{Served, serve_on};

/// A webhook that answers every notification with one status, and keeps them.
struct Pager {
    served: Served,
    got: Arc<Mutex<Vec<String>>>,
}

impl Pager {
    fn answering(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = got.clone();
        let served = serve_on(listener, move |_, body| {
            kept.lock().expect("no panic").push(body.to_owned());
            (status, String::new())
        });
        Self { served, got }
    }

    fn address(&self) -> String {
        self.served.address().to_string()
    }
}

/// Alertmanager with the generated routes, which ends with the test.
struct Alertmanager {
    child: Child,
    port: String,
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn alertmanager(gke: &Gke, page: &str) -> Alertmanager {
    let generated = root().join("charts/demo-app/files/alertmanager/alertmanager.yaml");
    let config = fs::read_to_string(generated)
        .expect("generated")
        .replace("http://page-receiver.invalid/", &format!("http://{page}/"))
        .replace("RELEASE-NAMESPACE", "demo")
        // A page is not worth ten seconds of a test.
        .replace("group_wait: \"10s\"", "group_wait: \"0s\"");
    let file = gke.all.write("alertmanager.yaml", &config);
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("bound").port().to_string();
    drop(free);
    let child = Command::new("prometheus-alertmanager")
        .arg(format!("--config.file={file}"))
        .arg(format!("--storage.path={}", gke.all.path("alerts").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Alertmanager runs");
    let started = Alertmanager { child, port };
    let ready = format!("http://127.0.0.1:{}/-/ready", started.port);
    let waited = Command::new("curl")
        .args(["--silent", "--fail", "--output", "/dev/null"])
        .args(["--retry-connrefused", "--retry", "60", "--retry-delay", "1", &ready])
        .status();
    assert!(waited.expect("curl runs").success(), "Alertmanager does not answer");
    started
}

fn verify(gke: &Gke, port: &str, timeout: &str, broken: &str) -> (i32, String) {
    let args = ["verify", "--project", "demo-project", "--timeout", timeout];
    let ended = gke.run(&args, &[("ALERTMANAGER_PORT", port), ("BROKEN", broken)]);
    (ended.code, ended.said)
}

#[test]
#[ignore = "needs jq, curl and prometheus-alertmanager; cargo xtask test --only deploy"]
fn an_alert_goes_through_and_everything_else_answers() {
    let gke = Gke::installed();
    let pager = Pager::answering("200 OK");
    let alerts = alertmanager(&gke, &pager.address());
    let (code, said) = verify(&gke, &alerts.port, "60", "");
    assert_eq!(code, 0, "{said}");
    let got = pager.got.lock().expect("no panic");
    let page: serde_json::Value = serde_json::from_str(got.first().expect("a page")).expect("JSON");
    let slo = page["alerts"][0]["labels"]["slo"].as_str().expect("a label");
    assert!(slo.starts_with("verification-") && said.contains(slo), "{page}: {said}");
    assert_eq!(page["receiver"], "slo-page");
    // One request, sampled by its caller, is what trace and log are asked for.
    let visits = gke.all.calls("curl");
    let visit = visits.iter().find(|call| call.contains(" https://")).expect("a visit");
    let id = visit.split("traceparent: 00-").nth(1).expect("a header").split('-').next();
    let id = id.expect("an id");
    assert_eq!(id.len(), 32, "{visit}");
    assert!(visit.contains("-01 "), "{visit}");
    let asked = gke.all.calls("kubectl get --raw").join("\n");
    assert!(asked.contains(&format!("/api/traces/{id}")), "{asked}");
    assert!(asked.contains(&format!("%20%7C%3D%20%22{id}%22")), "{asked}");
    assert!(!gke.all.read("calls").contains("secret\""), "the password is not in an argument");
}

#[test]
#[ignore = "needs jq, curl and prometheus-alertmanager; cargo xtask test --only deploy"]
fn a_pager_that_refuses_is_said() {
    let gke = Gke::installed();
    let pager = Pager::answering("401 Unauthorized");
    let alerts = alertmanager(&gke, &pager.address());
    let (code, said) = verify(&gke, &alerts.port, "60", "");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("a receiver does not take it"), "{said}");
}

#[test]
#[ignore = "needs jq, curl and prometheus-alertmanager; cargo xtask test --only deploy"]
fn each_thing_that_does_not_answer_is_named() {
    let pager = Pager::answering("200 OK");
    let gke = Gke::installed();
    let alerts = alertmanager(&gke, &pager.address());
    for (broken, sentence) in [
        ("https", "https://demo.dev.example.com answers, with a certificate that is valid:"),
        ("redirect", "without TLS it leads there:"),
        ("log", "the log line with its id is found:"),
        ("metric", "a metric of its pods is served:"),
        ("autoscaler", "the autoscaler reads it:"),
        ("datasource", "Grafana's datasource loki is healthy:"),
        ("trace", "of this visit is found:"),
    ] {
        // What is broken stays so; whether an alert comes through in time is another test's.
        let (code, said) = verify(&gke, &alerts.port, "2", broken);
        assert_eq!(code, 3, "{broken}: {said}");
        let mut no: Vec<_> = said.lines().filter(|line| line.ends_with(" no")).collect();
        no.retain(|line| !line.contains("alert") && !line.contains("Alertmanager"));
        assert_eq!(no.len(), 1, "{broken}: {said}");
        assert!(no[0].contains(sentence), "{broken}: {said}");
    }
    let (code, said) = verify(&gke, &alerts.port, "60", "setup");
    assert_eq!(code, 3, "{said}");
}

/// In gmp Google's adapter serves the metric, by Google's name.
#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn in_gmp_the_metric_has_googles_name_and_grafana_its_own_release() {
    let gke = Gke::installed();
    let state = gke.all.read("dev.state").replace("\"autopilot\"", "\"gmp\"");
    gke.all.write("dev.state", &state);
    let releases = Gke::releases().replace("kube-prometheus-stack", "gmp-frontend");
    gke.all.write("releases.json", &releases);
    // Nothing listens there: the alert is another test's.
    let (code, said) = verify(&gke, "1", "1", "");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("a metric of its pods is served:  yes"), "{said}");
    let asked = gke.all.calls("kubectl get --raw").join("\n");
    let name = "prometheus.googleapis.com%7Csre_kit_http_server_requests_started_total%7Ccounter";
    assert!(asked.contains(&format!("/namespaces/demo/pods/*/{name}")), "{asked}");
    let forwarded = gke.all.calls("kubectl").join("\n");
    for service in ["port-forward service/grafana :80", "port-forward service/alertmanager :9093"] {
        assert!(forwarded.contains(service), "{forwarded}");
    }
}
