use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::Admission;
use super::body::AdmissionBody;
use super::future::AdmissionFuture;
use super::rules::Plan;
use sre_kit_core::RequestHead;

/// A service that admits no more requests than its limit. See [`Admission`].
///
/// It is ready when the service within is. The instance that was polled ready is
/// the one that is called, at once or after the queue, so readiness that the
/// service within has reserved is neither lost nor used twice.
#[derive(Clone, Debug)]
pub struct AdmissionService<S> {
    inner: S,
    admission: Admission,
}

impl<S> AdmissionService<S> {
    pub(crate) fn new(inner: S, admission: Admission) -> Self {
        Self { inner, admission }
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

impl<S, B, C> Service<Request<B>> for AdmissionService<S>
where
    S: Service<Request<B>, Response = Response<C>> + Clone,
    C: http_body::Body,
{
    type Response = Response<AdmissionBody<C>>;
    type Error = S::Error;
    type Future = AdmissionFuture<S, B>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = &*self.admission.shared;
        let (weight, priority) = match shared.rules.plan(RequestHead::of(&request)) {
            Plan::Exempt => return AdmissionFuture::running(self.inner.call(request), None),
            Plan::Admit { weight, priority } => (weight, priority),
        };
        if let Some(mut permit) = shared.gates.admit(weight) {
            permit.start();
            return AdmissionFuture::running(self.inner.call(request), Some(permit));
        }
        match shared.gates.mine().enqueue(weight, priority) {
            Ok(ticket) => {
                let next = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, next);
                AdmissionFuture::waiting(ticket, ready, request, self.admission.clone())
            }
            Err(reason) => AdmissionFuture::shed(shared.refusals.refuse(reason, &shared.gates)),
        }
    }
}
