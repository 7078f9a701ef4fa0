//! The scenes, each with a comparison of the metrics before and after it.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt;
use http::{Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::peer::Peer;
use super::router::{PART, PAUSE};
use super::snapshot::Snapshot;

type Scene = for<'a> fn(&'a Peer) -> Pin<Box<dyn Future<Output = String> + 'a>>;

/// The number of requests with an unknown path or method.
const INVENTED: usize = 100;

/// Every scene: the row's title, and the function that runs it on a peer.
pub(super) fn all() -> [(&'static str, Scene); 8] {
    [
        ("a client disconnects before the headers", |peer| {
            Box::pin(std::future::ready(gone(peer)))
        }),
        ("a handler panics", |peer| Box::pin(panicked(peer))),
        ("a client disconnects halfway through the body", |peer| Box::pin(halfway(peer))),
        ("in flight while a body is sent", |peer| Box::pin(in_flight(peer))),
        ("the duration includes a slow end of the body", |peer| Box::pin(late(peer))),
        ("bytes of a body without a declared length", |peer| Box::pin(bytes(peer))),
        ("new duration series after 100 unknown paths", |peer| Box::pin(paths(peer))),
        ("new duration series after 100 unknown methods", |peer| Box::pin(methods(peer))),
    ]
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("valid")
}

async fn ask(peer: &Peer, request: Request<Body>) -> Response {
    peer.router.clone().oneshot(request).await.expect("cannot fail")
}

/// Runs a request to `path` to its end and returns the metrics before and after.
async fn plain(peer: &Peer, path: &str) -> (Snapshot, Snapshot) {
    let before = peer.look();
    let response = ask(peer, get(path)).await;
    let _ = response.into_body().collect().await;
    (before, peer.look())
}

/// Returns whether a request was counted, whether in a series of its own, and whether it left the
/// gauge.
fn judged(peer: &Peer, before: &Snapshot, after: &Snapshot, usual: Option<&[&str]>) -> String {
    let names = &peer.names;
    let counted = after.sum(names.ended) - before.sum(names.ended);
    let mut said = if counted < 0.5 {
        "not counted".to_owned()
    } else {
        let grown = after.grown(before, names.ended);
        let as_usual = usual.is_some_and(|usual| grown.iter().all(|series| usual.contains(series)));
        let counted = if as_usual { "counted as a success" } else { "counted separately" };
        counted.to_owned()
    };
    let left = after.sum(names.in_flight) - before.sum(names.in_flight);
    if left > 0.5 {
        said.push_str(", **in flight forever**");
    }
    said
}

fn gone(peer: &Peer) -> String {
    let before = peer.look();
    let mut request = Box::pin(peer.router.clone().oneshot(get("/pending")));
    let polled = request.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
    drop(request);
    judged(peer, &before, &peer.look(), None)
}

async fn panicked(peer: &Peer) -> String {
    let before = peer.look();
    let request = AssertUnwindSafe(peer.router.clone().oneshot(get("/panic")));
    assert!(request.catch_unwind().await.is_err());
    judged(peer, &before, &peer.look(), None)
}

async fn halfway(peer: &Peer) -> String {
    let (before, after) = plain(peer, "/parts").await;
    let usual: Vec<_> = after.grown(&before, peer.names.ended).into_iter().collect();
    let mut body = ask(peer, get("/parts")).await.into_body();
    assert!(body.frame().await.is_some());
    drop(body);
    judged(peer, &after, &peer.look(), Some(&usual))
}

async fn in_flight(peer: &Peer) -> String {
    let before = peer.look().sum(peer.names.in_flight);
    let mut body = ask(peer, get("/parts")).await.into_body();
    assert!(body.frame().await.is_some());
    let during = peer.look().sum(peer.names.in_flight) - before;
    let _ = body.collect().await;
    let after = peer.look().sum(peer.names.in_flight) - before;
    format!("{during} during, {after} after")
}

async fn late(peer: &Peer) -> String {
    let (before, after) = plain(peer, "/parts").await;
    let took = after.sum(peer.names.seconds) - before.sum(peer.names.seconds);
    if took >= PAUSE.as_secs_f64() { "yes" } else { "no" }.to_owned()
}

async fn bytes(peer: &Peer) -> String {
    let (before, after) = plain(peer, "/parts").await;
    let counted = after.sum(peer.names.bytes) - before.sum(peer.names.bytes);
    let sent = 2.0 * PART as f64;
    if (counted - sent).abs() < 0.5 { "correct".to_owned() } else { format!("{counted} of {sent}") }
}

async fn paths(peer: &Peer) -> String {
    // Requests without a route may share one series; create it before counting.
    plain(peer, "/no-route").await;
    let before = peer.look().count(peer.names.seconds);
    for number in 0..INVENTED {
        plain(peer, &format!("/no-route/{number}")).await;
    }
    (peer.look().count(peer.names.seconds) - before).to_string()
}

async fn methods(peer: &Peer) -> String {
    plain(peer, "/").await;
    let before = peer.look().count(peer.names.seconds);
    for number in 0..INVENTED {
        let method = Method::from_bytes(format!("MADE{number}").as_bytes()).expect("a token");
        let mut request = get("/");
        *request.method_mut() = method;
        let _ = ask(peer, request).await.into_body().collect().await;
    }
    (peer.look().count(peer.names.seconds) - before).to_string()
}
