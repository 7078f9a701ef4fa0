use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower_service::Service;

use super::Admission;
use super::body::AdmissionBody;
use super::permit::Permit;
use super::series::Reason;
use super::waiter::{QueuedWaiter, Waited};

pin_project! {
    /// The response future of an [`AdmissionService`](super::AdmissionService).
    ///
    /// Dropping it at any time leaves the queue or releases the permit.
    #[must_use = "futures do nothing unless polled"]
    pub struct AdmissionFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        // `inner` before `permit`, so that the work is dropped before its units are released.
        Running { #[pin] inner: S::Future, permit: Option<Permit> },
        // Boxed, so that the future of an admitted request has no room for a waiting request or for
        // a refusal. `None` once the wait is over.
        Waiting { waiting: Option<Box<Waiting<S, B>>> },
        Refused { head: Option<Box<Response<()>>> },
    }
}

struct Waiting<S, B> {
    waiter: QueuedWaiter,
    timeout: Pin<Box<Sleep>>,
    service: S,
    request: Request<B>,
    admission: Admission,
}

impl<S: Service<Request<B>>, B> AdmissionFuture<S, B> {
    #[inline]
    pub(crate) fn running(inner: S::Future, permit: Option<Permit>) -> Self {
        Self { state: State::Running { inner, permit } }
    }

    #[cold]
    pub(super) fn waiting(
        waiter: QueuedWaiter,
        service: S,
        request: Request<B>,
        admission: Admission,
    ) -> Self {
        let max_wait = admission.shared.handles.semaphore().max_wait;
        let timeout = Box::pin(tokio::time::sleep(max_wait));
        let waiting = Waiting { waiter, timeout, service, request, admission };
        Self { state: State::Waiting { waiting: Some(Box::new(waiting)) } }
    }

    #[cold]
    pub(crate) fn shed(head: Response<()>) -> Self {
        Self { state: State::Refused { head: Some(Box::new(head)) } }
    }
}

impl<S, B> Waiting<S, B> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit, Reason>> {
        // The grant first, so that a grant at the last moment is not refused.
        if let Poll::Ready(waited) = self.waiter.poll(cx) {
            return Poll::Ready(match waited {
                Waited::Admitted(permit) => Ok(permit),
                Waited::Displaced => Err(Reason::Displaced),
            });
        }
        self.timeout.as_mut().poll(cx).map(|()| Err(Reason::QueueTimeout))
    }
}

impl<S, B, C> Future for AdmissionFuture<S, B>
where
    S: Service<Request<B>, Response = Response<C>>,
    C: http_body::Body,
{
    type Output = Result<Response<AdmissionBody<C>>, S::Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project().state.project() {
                StateProj::Running { inner, permit: slot } => {
                    // Moved out while foreign code runs, so that a panic releases the permit.
                    let mut permit = slot.take();
                    let polled = inner.poll(cx);
                    // Read in place: moving a response costs as much as admitting it.
                    if let (Poll::Ready(Ok(response)), Some(permit)) = (&polled, &mut permit) {
                        permit.head(!response.status().is_server_error());
                    }
                    return match polled {
                        Poll::Pending => {
                            *slot = permit;
                            Poll::Pending
                        }
                        Poll::Ready(Ok(response)) => {
                            Poll::Ready(Ok(response.map(|inner| AdmissionBody::new(inner, permit))))
                        }
                        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    };
                }
                StateProj::Waiting { waiting: slot } => {
                    let Some(waiting) = slot.as_mut() else { return Poll::Pending };
                    let admitted = ready!(waiting.poll(cx));
                    let Some(waiting) = slot.take() else { return Poll::Pending };
                    start(*waiting, admitted)
                }
                StateProj::Refused { head } => {
                    // `None` if the future is polled after it was ready.
                    let Some(head) = head.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(head.map(|()| AdmissionBody::empty())));
                }
            };
            self.as_mut().project().state.set(next);
        }
    }
}

/// Returns the state after the wait.
fn start<S, B>(waiting: Waiting<S, B>, admitted: Result<Permit, Reason>) -> State<S, B>
where
    S: Service<Request<B>>,
{
    let Waiting { waiter, mut service, request, admission, .. } = waiting;
    // The wait ends before the call of the service, which may take long.
    drop(waiter);
    match admitted {
        Ok(mut permit) => {
            permit.start();
            State::Running { inner: service.call(request), permit: Some(permit) }
        }
        Err(reason) => {
            let shared = &*admission.shared;
            let head = shared.refusals.refuse(reason, shared.handles.semaphore());
            State::Refused { head: Some(Box::new(head)) }
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for AdmissionFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Running { .. } => "running",
            State::Waiting { .. } => "waiting",
            State::Refused { .. } => "refused",
        };
        f.debug_struct("AdmissionFuture").field("state", &state).finish_non_exhaustive()
    }
}
