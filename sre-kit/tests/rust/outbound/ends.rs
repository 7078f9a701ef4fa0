//! Ends that are no failure of the other side: dropped calls, panics, refusals.

use std::convert::Infallible;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{Empty, Full, StreamBody};
use sre_kit::Shed;
use sre_kit::outbound::{CallOutcome, Peer};
use tower::{BoxError, Service, ServiceExt, service_fn};

use super::{Recorded, call};

fn recorded() -> Recorded {
    Recorded::new(Peer::http("peer", "http://payments.internal").expect("valid"))
}

fn request() -> Request<Full<Bytes>> {
    Request::get("http://payments.internal/").body(Full::default()).expect("valid")
}

#[test]
fn a_call_dropped_before_the_head_is_canceled() {
    let recorded = recorded();
    let pending = |_: Request<Full<Bytes>>| {
        std::future::pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    };
    let mut service = recorded.wrap(service_fn(pending));
    let mut future = Box::pin(service.call(request()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_pending());
    assert_eq!(recorded.outbound.in_flight(), 1);
    drop(future);
    recorded.assert_ended(CallOutcome::Canceled, "canceled");
    assert!(!recorded.text().contains("http_response_status_code"));
}

#[tokio::test]
async fn a_body_dropped_half_way_is_canceled() {
    let recorded = recorded();
    let endless = |_: Request<Full<Bytes>>| {
        let frame = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")));
        let frames = futures_util::stream::iter(std::iter::repeat_with(frame));
        ready(Ok::<_, Infallible>(Response::new(StreamBody::new(frames))))
    };
    let response = recorded.wrap(service_fn(endless)).oneshot(request()).await.expect("a head");
    let mut body = Box::pin(response.into_body());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(body.as_mut().poll_frame(&mut cx).is_ready());
    drop(body);
    recorded.assert_ended(CallOutcome::Canceled, "canceled");
    assert!(recorded.text().contains("http_response_status_code=\"200\""));
}

#[test]
fn a_panic_is_counted_and_continues() {
    let in_call = |_: Request<Full<Bytes>>| -> std::future::Ready<
        Result<Response<Empty<Bytes>>, Infallible>,
    > { panic!("in the call") };
    let recorded_call = recorded();
    let mut service = recorded_call.wrap(service_fn(in_call));
    catch_unwind(AssertUnwindSafe(|| drop(service.call(request())))).expect_err("continues");
    recorded_call.assert_ended(CallOutcome::Panic, "panic");

    let in_future = |_: Request<Full<Bytes>>| {
        std::future::poll_fn(|_| -> Poll<Result<Response<Empty<Bytes>>, Infallible>> {
            panic!("in the future")
        })
    };
    let recorded_future = recorded();
    let mut service = recorded_future.wrap(service_fn(in_future));
    let mut future = Box::pin(service.call(request()));
    let mut cx = Context::from_waker(Waker::noop());
    catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx).is_ready()))
        .expect_err("continues");
    recorded_future.assert_ended(CallOutcome::Panic, "panic");

    let in_body = |_: Request<Full<Bytes>>| {
        let frames =
            futures_util::stream::poll_fn(|_| -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
                panic!("in the body")
            });
        ready(Ok::<_, Infallible>(Response::new(StreamBody::new(frames))))
    };
    let recorded_body = recorded();
    let mut service = recorded_body.wrap(service_fn(in_body));
    let future = pin!(service.call(request()));
    let Poll::Ready(Ok(response)) = future.poll(&mut cx) else { panic!("ready at once") };
    let mut body = Box::pin(response.into_body());
    catch_unwind(AssertUnwindSafe(|| body.as_mut().poll_frame(&mut cx).is_ready()))
        .expect_err("continues");
    recorded_body.assert_ended(CallOutcome::Panic, "panic");
}

#[tokio::test]
async fn a_request_that_this_process_refuses_is_shed() {
    let recorded_error = recorded();
    let overloaded = |_: Request<Full<Bytes>>| {
        let error: BoxError = tower::load_shed::error::Overloaded::new().into();
        ready(Err::<Response<Empty<Bytes>>, _>(error))
    };
    call(recorded_error.wrap(service_fn(overloaded)), request()).await.expect_err("refused");
    recorded_error.assert_ended(CallOutcome::Shed, "overloaded");

    let recorded_response = recorded();
    let marked = |_: Request<Full<Bytes>>| {
        let mut response = Response::new(Empty::<Bytes>::new());
        response.extensions_mut().insert(Shed);
        ready(Ok::<_, Infallible>(response))
    };
    call(recorded_response.wrap(service_fn(marked)), request()).await.expect("a response");
    recorded_response.assert_ended(CallOutcome::Shed, "overloaded");
}

#[tokio::test]
async fn a_response_to_head_ends_with_its_head() {
    let recorded = recorded();
    let declared = |_: Request<Full<Bytes>>| {
        let response = Response::builder().header("content-length", "9");
        ready(Ok::<_, Infallible>(response.body(Empty::<Bytes>::new()).expect("valid")))
    };
    let mut head = request();
    *head.method_mut() = http::Method::HEAD;
    call(recorded.wrap(service_fn(declared)), head).await.expect("complete");
    recorded.assert_ended(CallOutcome::Ok, "");
}

#[test]
fn an_error_without_a_known_type_shares_a_cause() {
    use sre_kit::outbound::CallFailure;
    let error: BoxError = "unlike any other".into();
    assert_eq!(CallFailure::of(&*error), CallFailure::Other);
    assert_eq!(CallFailure::Other.as_str(), "_OTHER");
}

#[tokio::test]
async fn a_rule_of_the_caller_takes_precedence() {
    use sre_kit::metrics::Registry;
    use sre_kit::outbound::{CallFailure, Outbound};
    use tower::Layer;

    let registry = Registry::new();
    let outbound = Outbound::builder()
        .peer(Peer::http("peer", "http://payments.internal").expect("valid"))
        .classify_error(|error| (error.to_string() == "slow").then_some(CallFailure::Timeout))
        .build(&registry)
        .expect("valid");
    for text in ["slow", "other"] {
        let failing = service_fn(move |_: Request<Full<Bytes>>| {
            ready(Err::<Response<Empty<Bytes>>, BoxError>(text.into()))
        });
        let service = outbound.peer("peer").expect("declared").layer().layer(failing);
        call(service, request()).await.expect_err("fails");
    }
    assert_eq!(outbound.ended(CallOutcome::Timeout), 1);
    assert_eq!(outbound.ended(CallOutcome::NoResponse), 1);
}
