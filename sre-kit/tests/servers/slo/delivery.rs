//! Each kind of receiver on a real Alertmanager: the notification arrives, grouped and with its
//! links, and then that it is resolved.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use sre_kit::slo::render::{Options, Receiver, Rendered, render};
use sre_kit::slo::{Objective, Severity, Slo, Slos};

use super::http::send;
use super::sinks::{Notification, Sinks};
use super::stack::{start_alertmanager, until};
use super::tools::succeed;

const RUNBOOK: &str = "https://runbooks.example.com/shop/a/error-budget-burn.md";
const DASHBOARD: &str = "https://grafana.example.com/d/slo-shop?var-slo=a";

/// Waits of seconds become milliseconds.
const COMPRESSION: u32 = 200;

fn options() -> Options {
    Options::new()
        .compressed(COMPRESSION)
        .scrape_interval(Duration::from_millis(150))
        .evaluation_interval(Duration::from_millis(150))
        .runbooks("https://runbooks.example.com/shop")
        .grafana("https://grafana.example.com")
}

fn rendered(options: &Options) -> Rendered {
    let objective = Objective::percent(99.0).expect("an objective");
    let slos = Slos::new("shop", [Slo::ratio("a", objective)]).expect("valid");
    render(&slos, options).expect("renders")
}

/// The annotations of the page as Prometheus would send them.
fn annotations(rendered: &Rendered) -> Value {
    let rules = rendered.get("prometheus/a.rules.yaml").expect("generated");
    let rules: Value = serde_yaml_ng::from_str(rules).expect("YAML");
    let rules = rules["groups"].as_array().expect("groups").iter();
    let mut rules = rules.flat_map(|group| group["rules"].as_array().expect("rules"));
    let page = rules
        .find(|rule| rule["alert"] == "SLOErrorBudgetBurn" && rule["labels"]["severity"] == "page");
    page.expect("a page")["annotations"].clone()
}

/// Sends two alerts of one group, firing or resolved.
async fn alert(alertmanager: SocketAddr, annotations: &Value, resolved: bool) {
    let alerts = ["one", "two"].map(|instance| {
        let mut alert = json!({"annotations": annotations, "labels": {
            "alertname": "SLOErrorBudgetBurn", "service": "shop", "slo": "a",
            "slo_tier": "fast", "severity": "page", "instance": instance,
        }});
        if resolved {
            alert["startsAt"] = "2000-01-01T00:00:00Z".into();
            alert["endsAt"] = "2001-01-01T00:00:00Z".into();
        }
        alert
    });
    post(alertmanager, &json!(alerts)).await;
}

async fn post(alertmanager: SocketAddr, alerts: &Value) {
    let request = Request::post("/api/v2/alerts")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::from(Bytes::from(alerts.to_string())))
        .expect("a request");
    let (status, text) = send(alertmanager, request).await;
    assert_eq!(status, 200, "{text}");
}

/// Delivers to `receiver` until `sinks` have both notifications, and returns them.
async fn deliver(
    dir: &Path,
    receiver: Receiver,
    sinks: &Sinks,
    (first, last): (&str, &str),
) -> (Notification, Notification) {
    let rendered = rendered(&options().receiver(Severity::Page, receiver));
    rendered.write(dir).expect("writes");
    succeed(dir, "amtool", &["check-config", "alertmanager/alertmanager.yaml"]);
    let alertmanager = start_alertmanager(dir).await;
    let annotations = annotations(&rendered);
    alert(alertmanager.addr, &annotations, false).await;
    let firing = until("the notification arrives", async || sinks.at(first).first().cloned()).await;
    assert_eq!(sinks.at(first).len(), 1, "two alerts of one group are one notification");
    for link in [RUNBOOK, DASHBOARD] {
        let text = plain(&firing.body);
        assert!(text.contains(link), "no {link} in {text}");
    }
    alert(alertmanager.addr, &annotations, true).await;
    let resolved = until("it is resolved", async || {
        let skip = usize::from(first == last);
        sinks.at(last).into_iter().nth(skip)
    })
    .await;
    (firing, resolved)
}

/// Takes the escapes of JSON, HTML and of quoted-printable away, for a look at links.
fn plain(body: &str) -> String {
    let body = body.replace("=\r\n", "").replace("=3D", "=");
    body.replace("\\u0026", "&").replace("\\u003c", "<").replace("\\u003e", ">")
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("writes");
    path.to_str().expect("text").to_owned()
}

fn json_of(notification: &Notification) -> Value {
    serde_json::from_str(&notification.body).expect("JSON")
}

#[tokio::test]
#[ignore = "needs prometheus-alertmanager; cargo xtask test --only servers"]
async fn a_webhook_is_notified() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sinks, web, _) = Sinks::open().await;
    let receiver = Receiver::webhook("on-call", format!("http://{web}/hook?a=1&b=2"));
    let (firing, resolved) = deliver(dir.path(), receiver, &sinks, ("/hook", "/hook")).await;
    assert_eq!(firing.to, "/hook?a=1&b=2");
    let (firing, resolved) = (json_of(&firing), json_of(&resolved));
    assert_eq!(firing["alerts"].as_array().map(Vec::len), Some(2));
    assert_eq!((&firing["status"], &resolved["status"]), (&"firing".into(), &"resolved".into()));
}

#[tokio::test]
#[ignore = "needs prometheus-alertmanager; cargo xtask test --only servers"]
async fn slack_is_notified() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sinks, web, _) = Sinks::open().await;
    let url = file(dir.path(), "slack", &format!("http://{web}/slack"));
    let receiver = Receiver::slack("on-call", url, "#incidents");
    let (firing, resolved) = deliver(dir.path(), receiver, &sinks, ("/slack", "/slack")).await;
    let (firing, resolved) = (json_of(&firing), json_of(&resolved));
    assert_eq!(firing["channel"], "#incidents");
    let text = firing["attachments"][0]["text"].as_str().expect("a text");
    assert!(text.contains(&format!("<{RUNBOOK}|Runbook>")), "{text}");
    assert!(text.contains(&format!("<{DASHBOARD}|Dashboard>")), "{text}");
    let title = resolved["attachments"][0]["title"].as_str().expect("a title");
    assert!(title.contains("RESOLVED"), "{title}");
}

#[tokio::test]
#[ignore = "needs prometheus-alertmanager; cargo xtask test --only servers"]
async fn pager_duty_is_notified() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sinks, web, _) = Sinks::open().await;
    let key = file(dir.path(), "key", "routing-key");
    let receiver = Receiver::pager_duty("on-call", key).api_url(format!("http://{web}/pagerduty"));
    let way = ("/pagerduty", "/pagerduty");
    let (firing, resolved) = deliver(dir.path(), receiver, &sinks, way).await;
    let (firing, resolved) = (json_of(&firing), json_of(&resolved));
    assert_eq!(firing["routing_key"], "routing-key");
    assert_eq!(firing["payload"]["severity"], "critical");
    assert_eq!(
        firing["links"],
        json!([{"href": RUNBOOK, "text": "Runbook"}, {"href": DASHBOARD, "text": "Dashboard"}])
    );
    assert_eq!(firing["event_action"], "trigger");
    assert_eq!(resolved["event_action"], "resolve");
    assert_eq!(firing["dedup_key"], resolved["dedup_key"]);
}

#[tokio::test]
#[ignore = "needs prometheus-alertmanager; cargo xtask test --only servers"]
async fn opsgenie_is_notified() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sinks, web, _) = Sinks::open().await;
    let key = file(dir.path(), "key", "api-key");
    let receiver = Receiver::opsgenie("on-call", key).api_url(format!("http://{web}/opsgenie/"));
    let alerts = "/opsgenie/v2/alerts";
    let way = ("/opsgenie/v2/alerts", "/opsgenie/v2/alerts/");
    let (firing, closed) = deliver(dir.path(), receiver, &sinks, way).await;
    assert_eq!((firing.to.as_str(), firing.authorization.as_str()), (alerts, "GenieKey api-key"));
    assert!(closed.to.contains("/close"), "{closed:?}");
    let firing = json_of(&firing);
    assert_eq!(firing["priority"], "P1");
    assert_eq!(firing["details"]["runbook_url"], RUNBOOK);
    assert_eq!(firing["details"]["dashboard_url"], DASHBOARD);
}

#[tokio::test]
#[ignore = "needs prometheus-alertmanager; cargo xtask test --only servers"]
async fn an_email_is_sent() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sinks, _, mail) = Sinks::open().await;
    let password = file(dir.path(), "password", "s3cr3t");
    // Go's client sends a password without TLS to localhost only.
    let receiver = Receiver::email(
        "on-call",
        "sre@example.com",
        "alerts@example.com",
        format!("localhost:{}", mail.port()),
    )
    .login("alerts", password)
    .without_tls();
    let (firing, resolved) = deliver(dir.path(), receiver, &sinks, ("smtp", "smtp")).await;
    // The user and the password, in base64 as PLAIN has them.
    assert_eq!(firing.authorization, "PLAIN AGFsZXJ0cwBzM2NyM3Q=");
    assert!(firing.body.contains("To: sre@example.com"), "{}", firing.body);
    assert!(plain(&firing.body).contains(&format!("<a href=\"{RUNBOOK}\">")), "{}", firing.body);
    assert!(resolved.body.contains("RESOLVED"), "{}", resolved.body);
}

#[tokio::test]
#[ignore = "needs prometheus-alertmanager; cargo xtask test --only servers"]
async fn the_watchdog_is_sent_again_and_again_and_other_alerts_by_severity() {
    let dir = tempfile::tempdir().expect("a folder");
    let (sinks, web, _) = Sinks::open().await;
    let key = file(dir.path(), "key", "routing-key");
    let page = Receiver::pager_duty("on-call", key).api_url(format!("http://{web}/pagerduty"));
    let options = options()
        .receiver(Severity::Page, page)
        .receiver(Severity::Ticket, Receiver::webhook("tickets", format!("http://{web}/ticket")))
        .heartbeat(Receiver::webhook("heartbeat", format!("http://{web}/heartbeat")))
        .other_alerts();
    rendered(&options).write(dir.path()).expect("writes");
    let alertmanager = start_alertmanager(dir.path()).await;
    let runbook = "https://runbooks.example.com/rules";
    let alert = |name: &str, severity: &str| {
        json!({
            "labels": {"alertname": name, "severity": severity},
            "annotations": {"summary": name, "runbook_url": runbook},
        })
    };
    let alerts = json!([
        alert("Watchdog", "none"),
        alert("PrometheusRuleFailures", "critical"),
        alert("KubePodCrashLooping", "warning"),
        alert("InfoInhibitor", "none"),
    ]);
    post(alertmanager.addr, &alerts).await;
    until("the heartbeat comes twice", async || (sinks.at("/heartbeat").len() >= 2).then_some(()))
        .await;
    let page = until("a page", async || sinks.at("/pagerduty").first().cloned()).await;
    let page = json_of(&page);
    assert_eq!(page["payload"]["summary"], "PrometheusRuleFailures");
    // The rules of others have no dashboard of ours: then there is no empty link.
    assert_eq!(page["links"], json!([{"href": runbook, "text": "Runbook"}]));
    let ticket = until("a ticket", async || sinks.at("/ticket").first().cloned()).await;
    assert!(ticket.body.contains("KubePodCrashLooping"), "{ticket:?}");
    assert!(!format!("{:?}", sinks.at("")).contains("InfoInhibitor"), "nobody hears of it");
}
