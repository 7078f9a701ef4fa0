//! The order of layers around a client, and what happens when two are swapped.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use sre_kit::metrics::Registry;
use sre_kit::outbound::{CallOutcome, Outbound, Peer};
use tower::retry::{Policy, RetryLayer};
use tower::timeout::TimeoutLayer;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

const TIME: Duration = Duration::from_millis(50);

fn outbound() -> Outbound {
    let peer = Peer::http("peer", "http://payments.internal").expect("valid");
    Outbound::new(&Registry::new(), [peer]).expect("valid")
}

fn request() -> Request<Full<Bytes>> {
    Request::get("http://payments.internal/").body(Full::default()).expect("valid")
}

/// Returns the outcomes that calls have ended in, with their numbers.
fn ended(outbound: &Outbound) -> Vec<(CallOutcome, u64)> {
    let all = CallOutcome::ALL.into_iter().map(|outcome| (outcome, outbound.ended(outcome)));
    all.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_of_the_layer_is_a_timeout_and_one_outside_is_canceled() {
    let stalled = || {
        service_fn(|_: Request<Full<Bytes>>| pending::<Result<Response<Empty<Bytes>>, BoxError>>())
    };
    let right = outbound();
    let layer = right.peer("peer").expect("declared").layer();
    let client = ServiceBuilder::new().layer(layer).layer(TimeoutLayer::new(TIME));
    client.service(stalled()).oneshot(request()).await.expect_err("too slow");
    assert_eq!(ended(&right), [(CallOutcome::Timeout, 1)]);

    let swapped = outbound();
    let layer = swapped.peer("peer").expect("declared").layer();
    let client = ServiceBuilder::new().layer(TimeoutLayer::new(TIME)).layer(layer);
    client.service(stalled()).oneshot(request()).await.expect_err("too slow");
    assert_eq!(ended(&swapped), [(CallOutcome::Canceled, 1)]);
}

/// Sends a request up to three times.
#[derive(Clone)]
struct ThreeTimes(u32);

impl<C> Policy<Request<Full<Bytes>>, Response<C>, BoxError> for ThreeTimes {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<C>, BoxError>,
    ) -> Option<Self::Future> {
        self.0 += 1;
        (result.is_err() && self.0 < 3).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn retries_outside_of_the_layer_show_attempts_and_inside_of_it_calls() {
    let third_succeeds = || {
        let attempts = Arc::new(AtomicU32::new(0));
        service_fn(move |_: Request<Full<Bytes>>| {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed);
            ready(if attempt < 2 {
                Err::<_, BoxError>("failed".into())
            } else {
                Ok(Response::new(Empty::<Bytes>::new()))
            })
        })
    };
    let attempts = outbound();
    let layer = attempts.peer("peer").expect("declared").layer();
    let client = ServiceBuilder::new().layer(RetryLayer::new(ThreeTimes(0))).layer(layer);
    client.service(third_succeeds()).oneshot(request()).await.expect("at the third time");
    assert_eq!(ended(&attempts), [(CallOutcome::Ok, 1), (CallOutcome::NoResponse, 2)]);

    let calls = outbound();
    let layer = calls.peer("peer").expect("declared").layer();
    let client = ServiceBuilder::new().layer(layer).layer(RetryLayer::new(ThreeTimes(0)));
    client.service(third_succeeds()).oneshot(request()).await.expect("at the third time");
    assert_eq!(ended(&calls), [(CallOutcome::Ok, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_head_does_not_end_a_slow_body() {
    let slow_body = service_fn(|_: Request<Full<Bytes>>| {
        let frame = async {
            tokio::time::sleep(4 * TIME).await;
            Ok::<_, BoxError>(http_body::Frame::data(Bytes::from_static(b"late")))
        };
        let body = StreamBody::new(futures_util::stream::once(frame));
        ready(Ok::<_, BoxError>(Response::new(Box::pin(body))))
    });
    let outbound = outbound();
    let layer = outbound.peer("peer").expect("declared").layer();
    let client = ServiceBuilder::new().layer(layer).layer(TimeoutLayer::new(TIME));
    let response = client.service(slow_body).oneshot(request()).await.expect("a head in time");
    assert_eq!(outbound.in_flight(), 1, "the call lasts to the end of its body");
    response.into_body().collect().await.expect("a whole body");
    assert_eq!(ended(&outbound), [(CallOutcome::Ok, 1)]);
}
