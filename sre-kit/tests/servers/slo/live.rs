//! A real Prometheus and a real Alertmanager on loopback, an hour in 18 seconds.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use sre_kit::slo::render::{Options, Receiver, render};
use sre_kit::slo::{Objective, Severity, Slo, Slos};

use super::exists::everything_that_is_read_exists;
use super::http::{get, send};
use super::shop::Shop;
use super::stack::{Inbox, Page, start_alertmanager, start_prometheus, until};

/// An hour is 18 s, and the short window of the fast page 1.5 s: ten scrapes.
const COMPRESSION: u32 = 200;
const INTERVAL: Duration = Duration::from_millis(150);

const BURN: &str = "SLOErrorBudgetBurn";

fn percent(value: f64) -> Objective {
    Objective::percent(value).expect("an objective")
}

/// What the service counts.
fn counted() -> Vec<Slo> {
    vec![
        Slo::availability("checkout", percent(99.0))
            .routes(["/items/{id}"])
            // A process of 18 seconds has no six hours of good history to dilute this.
            .without_tier("medium"),
        Slo::latency("search-latency", percent(99.0), Duration::from_millis(300))
            .routes(["/search"]),
        Slo::ratio("import", percent(90.0)),
    ]
}

fn options(webhook: SocketAddr) -> Options {
    let to = |name: &str| Receiver::webhook(name, format!("http://{webhook}/{name}"));
    Options::new()
        .compressed(COMPRESSION)
        .scrape_interval(INTERVAL)
        .evaluation_interval(INTERVAL)
        .runbooks("https://runbooks.example.com/shop")
        .receiver(Severity::Page, to("page"))
        .receiver(Severity::Ticket, to("ticket"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs prometheus and prometheus-alertmanager; cargo xtask test --only servers"]
async fn a_fault_pages_once_in_time_and_resolves_when_it_is_mended() {
    let dir = tempfile::tempdir().expect("a folder");
    let (inbox, webhook) = Inbox::open().await;
    let measured = Slos::new("shop", counted()).expect("valid");
    // One SLO of the rules is not measured: its absence is an alert of its own.
    let ghost = Slo::ratio("ghost", percent(99.0));
    let slos = Slos::new("shop", counted().into_iter().chain([ghost])).expect("valid");
    let rendered = render(&slos, &options(webhook)).expect("renders");
    rendered.write(dir.path()).expect("writes");
    let shop = Shop::start(&measured).await;
    let alertmanager = start_alertmanager(dir.path()).await;
    let prometheus =
        start_prometheus(dir.path(), ("shop", shop.addr), INTERVAL, alertmanager.addr).await;

    // An hour of good history, in 18 seconds.
    let window = Duration::from_hours(1) / COMPRESSION;
    let page = Page { slo: "checkout", window, threshold: 0.144, interval: INTERVAL };
    page.waits_for_history(&prometheus).await;
    shop.fail(true);
    page.waits_to_fire(&prometheus).await;
    for (alert, slo) in [(BURN, "checkout"), ("SLOSourceAbsent", "ghost")] {
        until("the page is sent", async || {
            (!inbox.pages(alert, slo, "firing").is_empty()).then_some(())
        })
        .await;
    }
    let files = rendered.files().filter(|(path, _)| !path.contains("ghost"));
    everything_that_is_read_exists(&prometheus, files, &[]).await;
    shop.fail(false);
    until("it is resolved", async || {
        (!inbox.pages(BURN, "checkout", "resolved").is_empty()).then_some(())
    })
    .await;

    let (failing, in_window) = page.fired_in_time(&prometheus).await;
    // long x factor x budget / error ratio, in scrapes: all of them failed. One
    // more may be under way, and the rules are evaluated once in an interval.
    let formula = page.threshold * in_window as f64;
    let off = failing as f64 - formula;
    println!("fired after {failing} failing scrapes; the formula says {formula:.1}");
    assert!((-1.5..=3.5).contains(&off), "{failing} failing scrapes, {formula}");
    let pages = inbox.pages(BURN, "checkout", "firing");
    assert_eq!(pages.len(), 1, "one notification: {pages:#?}");
    assert_eq!(pages[0]["labels"]["slo_tier"], "fast");
    assert_eq!(
        pages[0]["annotations"]["runbook_url"],
        "https://runbooks.example.com/shop/checkout/error-budget-burn.md"
    );
    assert!(rendered.get("runbooks/checkout/error-budget-burn.md").is_some());
    assert_eq!(inbox.pages(BURN, "checkout", "resolved").len(), 1);
}

#[tokio::test]
#[ignore = "needs prometheus-alertmanager; cargo xtask test --only servers"]
async fn a_steeper_tier_speaks_for_the_slower_ones_of_its_slo() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, webhook) = Inbox::open().await;
    let slos = Slos::new("shop", [Slo::ratio("a", percent(99.9))]).expect("valid");
    render(&slos, &options(webhook)).expect("renders").write(dir.path()).expect("writes");
    let alertmanager = start_alertmanager(dir.path()).await;
    let alert = |slo: &str, tier: &str, severity: &str| {
        json!({"labels": {
            "alertname": "SLOErrorBudgetBurn", "service": "shop",
            "slo": slo, "slo_tier": tier, "severity": severity,
        }})
    };
    let alerts = json!([
        alert("steep", "fast", "page"),
        alert("steep", "medium", "page"),
        alert("steep", "long", "ticket"),
        alert("other", "long", "ticket"),
        // Too little traffic for a page of the steepest, enough for the next.
        alert("quiet", "fast", "ticket"),
        alert("quiet", "medium", "page"),
        alert("quiet", "slow", "ticket"),
    ]);
    let request = Request::post("/api/v2/alerts")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::from(Bytes::from(alerts.to_string())))
        .expect("a request");
    let (status, text) = send(alertmanager.addr, request).await;
    assert_eq!(status, 200, "{text}");
    let wanted: BTreeSet<_> =
        ["quiet slow", "steep long", "steep medium"].map(str::to_owned).into();
    until("three of seven are quiet", async || {
        let alerts = get(alertmanager.addr, "/api/v2/alerts").await;
        let quiet: BTreeSet<_> = alerts
            .as_array()?
            .iter()
            .filter(|alert| alert["status"]["state"] == "suppressed")
            .map(|alert| {
                let label =
                    |name: &str| alert["labels"][name].as_str().expect("a label").to_owned();
                format!("{} {}", label("slo"), label("slo_tier"))
            })
            .collect();
        assert!(quiet.is_subset(&wanted), "{quiet:?}");
        (quiet == wanted).then_some(())
    })
    .await;
}
