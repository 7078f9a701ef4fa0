//! What an admitted request costs in allocations: nothing.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use sre_kit::admission::{Admission, AdmissionBuilder, GradientSettings, Limit};
use sre_kit::metrics::Registry;
use tower::{Layer, Service, service_fn};

/// Drives one request to the end of its body, on this thread and with no runtime.
fn drive<S, C>(service: &mut S, request: Request<()>) -> u16
where
    S: Service<Request<()>, Response = Response<C>, Error = Infallible>,
    C: Body<Data = Bytes>,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    let mut future = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else {
        panic!("the service is ready at once")
    };
    let status = response.status().as_u16();
    let mut body = pin!(response.into_body());
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
    status
}

/// Allocations of a hundred requests, those of the bare service not counted.
fn measured(builder: AdmissionBuilder, cancel: bool) -> u64 {
    let admission = builder.build(&Registry::new()).expect("valid");
    let mut service = admission.layer().layer(service_fn(|_: Request<()>| {
        let body = Full::new(Bytes::from_static(b"hello"));
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    }));
    drive(&mut service, Request::new(()));
    let requests: Vec<_> = (0..100).map(|_| Request::new(())).collect();
    let counted = allocation_counter::measure(|| {
        for request in requests {
            if cancel {
                drop(service.call(request));
            } else {
                assert_eq!(drive(&mut service, request), 200);
            }
        }
    });
    assert_eq!(admission.in_flight(), 0);
    counted.count_total
}

fn with(limit: Limit) -> AdmissionBuilder {
    Admission::builder().limit(limit)
}

#[test]
fn an_admitted_request_allocates_nothing() {
    assert_eq!(measured(with(Limit::fixed(10)), false), 0);
}

#[test]
fn nor_does_one_that_is_cancelled() {
    assert_eq!(measured(with(Limit::fixed(10)), true), 0);
}

#[test]
fn nor_does_one_that_is_weighed_and_asked_about() {
    let builder = with(Limit::fixed(10))
        .queue(10, std::time::Duration::from_secs(1))
        .exempt(|head| head.uri.path() == "/livez")
        .critical(|head| head.headers.contains_key("x-critical"))
        .weight(|_| 2);
    assert_eq!(measured(builder, false), 0);
}

#[test]
fn nor_does_an_adaptive_limit() {
    let settings =
        GradientSettings::default().window(std::time::Duration::from_nanos(1)).min_samples(1);
    assert_eq!(measured(with(Limit::gradient(settings)), false), 0, "it moves all the time");
}
