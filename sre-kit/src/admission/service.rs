use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::Admission;
use super::body::AdmissionBody;
use super::future::AdmissionFuture;
use super::permit::Permit;
use super::rules::Plan;
use super::waiter::QueuedWaiter;
use sre_kit_core::RequestHead;

/// A service that admits requests up to a limit. See [`Admission`].
///
/// It is ready if the inner service is. It calls the instance that was polled ready, immediately or
/// after the queue, so capacity that `poll_ready` has reserved is neither lost nor used twice.
#[derive(Clone, Debug)]
pub struct AdmissionService<S> {
    inner: S,
    admission: Admission,
}

impl<S> AdmissionService<S> {
    pub(crate) fn new(inner: S, admission: Admission) -> Self {
        Self { inner, admission }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service by value.
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
        let handle = shared.handles.of_current_shard();
        if let Some(mut permit) = Permit::try_acquire(handle, weight) {
            permit.start();
            return AdmissionFuture::running(self.inner.call(request), Some(permit));
        }
        match QueuedWaiter::new(handle, weight, priority) {
            Ok(waiter) => {
                let next = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, next);
                AdmissionFuture::waiting(waiter, ready, request, self.admission.clone())
            }
            Err(reason) => {
                AdmissionFuture::shed(shared.refusals.refuse(reason, handle.semaphore()))
            }
        }
    }
}
