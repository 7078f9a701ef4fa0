//! Traces of calls.

#![cfg(feature = "telemetry")]

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use opentelemetry_sdk::trace::SpanData;
use sre_kit::metrics::Registry;
use sre_kit::outbound::{Outbound, Peer};
use sre_kit::telemetry::Telemetry;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::telemetry::Kept;

#[tokio::test]
async fn the_span_of_a_call_ends_with_its_body() {
    use http_body_util::BodyExt;
    let exporter = Kept::<SpanData>::default();
    let telemetry = Telemetry::builder().span_exporter(exporter.clone()).build().expect("valid");
    let registry = Registry::new();
    let outbound = Outbound::builder()
        .peer(Peer::http("peer", "http://payments.internal").expect("valid"))
        .telemetry(&telemetry)
        .build(&registry)
        .expect("valid");
    let echo = service_fn(|request: Request<Full<Bytes>>| {
        let context = request.headers().get("traceparent").cloned().expect("propagated");
        let body = Full::new(Bytes::copy_from_slice(context.as_bytes()));
        ready(Ok::<_, Infallible>(Response::builder().status(503).body(body).expect("valid")))
    });
    let client = outbound.peer("peer").expect("declared").layer().layer(echo);
    let request = Request::get("http://payments.internal/").body(Full::default()).expect("valid");
    let response = client.oneshot(request).await.expect("answers");
    let context = response.into_body().collect().await.expect("whole").to_bytes();
    telemetry.shutdown(std::time::Duration::from_secs(5)).await;
    let spans = exporter.all();
    let [span] = &spans[..] else { panic!("{spans:?}") };
    let sent = String::from_utf8_lossy(&context).into_owned();
    assert!(sent.contains(&span.span_context.span_id().to_string()), "{sent}");
    let attribute = |name: &str| {
        let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
        found.map(|attribute| attribute.value.to_string())
    };
    assert_eq!(attribute("server.address").as_deref(), Some("payments.internal"));
    assert_eq!(attribute("error.type").as_deref(), Some("503"));
}
