use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::GoldenSignals;
use super::body::ResponseBody;
use super::future::ResponseFuture;
use super::hub::Hubs;
use super::trace;
use crate::RequestHead;

/// A service whose requests are recorded. See [`GoldenSignals`].
#[derive(Clone, Debug)]
pub struct GoldenSignalsService<S> {
    inner: S,
    hubs: Hubs,
}

impl<S> GoldenSignalsService<S> {
    pub(crate) fn new(inner: S, signals: &GoldenSignals) -> Self {
        Self { inner, hubs: Hubs::new(&signals.root) }
    }

    /// The service within.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Gives the service within back.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, C> Service<Request<B>> for GoldenSignalsService<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Error: 'static,
    C: http_body::Body,
{
    type Response = Response<ResponseBody<C>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut in_flight = self.hubs.start(RequestHead::of(&request));
        if let Some(in_flight) = &mut in_flight {
            self.hubs.ask(in_flight, &mut request);
        }
        let _current = trace::enter(in_flight.as_ref());
        let inner = self.inner.call(request);
        if let Some(in_flight) = &mut in_flight {
            in_flight.called();
        }
        ResponseFuture { inner, in_flight }
    }
}
