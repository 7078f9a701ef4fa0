//! Declared peers: labels, lookup, and what is refused.

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::outbound::{Outbound, Peer};
use tower::{Layer, Service, service_fn};

use super::call;

fn peers() -> [Peer; 2] {
    let payments = Peer::http("payments", "https://payments.internal:8443").expect("valid");
    let stock = Peer::http("stock", "http://stock.internal").expect("valid");
    [payments.routes(["/v1/charges/{id}"]), stock]
}

/// Sends a request to each of the URLs through one layer and returns a scrape.
async fn scraped(urls: &[&str]) -> String {
    let registry = Registry::new();
    let outbound = Outbound::new(&registry, peers()).expect("valid");
    let client = outbound.layer().layer(service_fn(|_: Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    }));
    for url in urls {
        let request = Request::get(*url).body(Full::default()).expect("valid");
        call(client.clone(), request).await.expect("answers");
    }
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

fn started(text: &str, labels: &str) -> u64 {
    let prefix = format!(
        "sre_kit_http_client_requests_started_total{{http_request_method=\"GET\",{labels}}} "
    );
    text.lines().find_map(|line| line.strip_prefix(&prefix)).map_or(0, |n| n.parse().expect("n"))
}

#[tokio::test]
async fn the_labels_are_those_of_the_declaration() {
    let text = scraped(&[
        "https://payments.internal:8443/v1/charges/1",
        "https://PAYMENTS.internal:8443/v1/charges/2",
        "https://payments.internal:8443/v1/refunds/3",
        "http://stock.internal/a",
        "http://stock.internal:80/b",
    ])
    .await;
    let payments = "server_address=\"payments.internal\",server_port=\"8443\"";
    let route = format!("{payments},url_template=\"/v1/charges/{{id}}\"");
    assert_eq!(started(&text, &route), 2, "{text}");
    assert_eq!(started(&text, payments), 1, "{text}");
    assert_eq!(started(&text, "server_address=\"stock.internal\",server_port=\"80\""), 2, "{text}");
}

#[tokio::test]
async fn peers_that_are_not_declared_share_one_address() {
    let text = scraped(&[
        "http://evil-1.example/",
        "http://evil-2.example/",
        "https://stock.internal/",
        "/only/a/path",
    ])
    .await;
    assert_eq!(started(&text, "server_address=\"_OTHER\""), 4, "{text}");
    assert!(!text.contains("evil"), "{text}");
}

#[tokio::test]
async fn a_request_without_an_authority_is_found_by_its_host_header() {
    let registry = Registry::new();
    let outbound = Outbound::new(&registry, peers()).expect("valid");
    let mut client = outbound.layer().layer(service_fn(|_: Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    }));
    let request = Request::get("/a").header("host", "stock.internal").body(Full::default());
    client.call(request.expect("valid")).await.expect("answers");
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    assert_eq!(started(&text, "server_address=\"stock.internal\",server_port=\"80\""), 1, "{text}");
}

#[test]
fn a_peer_is_declared_once() {
    let build = |peers: Vec<Peer>| Outbound::new(&Registry::new(), peers).expect_err("refused");
    let peer = |name, url| Peer::http(name, url).expect("valid");
    let error = build(vec![peer("a", "http://a"), peer("a", "http://b")]);
    assert_eq!(error.rule(), "that name is declared already");
    let error = build(vec![peer("a", "http://a"), peer("b", "http://A:80")]);
    assert_eq!(error.field(), "peer `b`");
    let error = build(vec![peer("a", "http://a").routes(["v1"])]);
    assert_eq!(error.field(), "route of the peer `a`");
}

#[test]
fn an_unknown_peer_is_an_error_that_names_the_declared_ones() {
    let outbound = Outbound::new(&Registry::new(), peers()).expect("valid");
    let error = outbound.peer("payment").expect_err("refused").to_string();
    assert!(error.contains("payments, stock"), "{error}");
}

#[cfg(feature = "serve")]
#[tokio::test]
async fn a_kit_has_the_peers_that_were_passed_to_its_builder() {
    use sre_kit::SreKit;
    let kit = SreKit::builder(sre_kit::build_info!()).peer(peers()[0].clone()).build();
    let kit = kit.expect("valid");
    assert_eq!(kit.peer("payments").expect("declared").name(), "payments");
    assert!(kit.peer("stock").expect_err("refused").to_string().contains("payments"));
    let without = SreKit::builder(sre_kit::build_info!()).build().expect("valid");
    assert_eq!(
        without.peer("payments").expect_err("refused").rule(),
        "the service declares no peers"
    );
}
