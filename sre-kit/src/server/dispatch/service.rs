use std::cell::RefCell;
use std::sync::Arc;

use http::{Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use tower_service::Service;

use super::body::ServedBody;
use super::future::DispatchFuture;
use super::http1_call::Http1Call;
use crate::server::connection::{Connection, RequestGuard};
use crate::server::connection_info::ConnectionInfo;
use crate::server::host;
use crate::server::request_body::{OpenBody, OpenBodyHandle, RequestBody};

/// A service that passes the requests of one HTTP/1 connection, which come one after the other, to
/// one clone of the user's service.
pub(in crate::server) struct Http1Dispatch<S> {
    service: S,
    /// The clone that is called. Hyper calls a service by a shared reference.
    current: RefCell<S>,
    connection: Arc<Connection>,
}

impl<S: Clone> Http1Dispatch<S> {
    pub(in crate::server) fn new(service: S, connection: Arc<Connection>) -> Self {
        Self { current: RefCell::new(service.clone()), service, connection }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Http1Dispatch<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    B: Body,
{
    type Response = Response<ServedBody<B>>;
    type Error = S::Error;
    type Future = DispatchFuture<Http1Call<S>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        dispatch(request, &self.connection, |request| {
            Http1Call::new(&mut *self.current.borrow_mut(), &self.service, request)
        })
    }
}

/// A service that passes the requests of one HTTP/2 connection to clones of the user's service.
///
/// The user's service is called in the task of the stream. In the task of the connection, a panic
/// would end the other streams as well.
pub(in crate::server) struct Http2Dispatch<S> {
    service: TowerToHyperService<S>,
    connection: Arc<Connection>,
}

impl<S> Http2Dispatch<S> {
    pub(in crate::server) fn new(service: S, connection: Arc<Connection>) -> Self {
        Self { service: TowerToHyperService::new(service), connection }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Http2Dispatch<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    B: Body,
{
    type Response = Response<ServedBody<B>>;
    type Error = S::Error;
    type Future = DispatchFuture<TowerToHyperServiceFuture<S, Request<RequestBody>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        dispatch(request, &self.connection, |request| {
            hyper::service::Service::call(&self.service, request)
        })
    }
}

#[inline]
fn dispatch<F>(
    mut request: Request<Incoming>,
    connection: &Arc<Connection>,
    call: impl FnOnce(Request<RequestBody>) -> F,
) -> DispatchFuture<F> {
    let guard = RequestGuard::begin(connection);
    let is_valid = host::is_valid(&request);
    if !is_valid {
        connection.shared.stats.bad_host();
    }
    if connection.shared.settings.connection_info {
        request.extensions_mut().insert(ConnectionInfo::new(connection));
    }
    let open = OpenBody::begin(&request, connection);
    let body = open.as_ref().map(OpenBodyHandle::new);
    // Not taken apart: moving the head costs more than the rest.
    let request = request.map(|inner| RequestBody::new(inner, connection, open));
    DispatchFuture {
        body,
        is_head: request.method() == Method::HEAD,
        is_connect: request.method() == Method::CONNECT,
        multiplexed: connection.state.is_multiplexed(),
        guard: Some(guard),
        future: is_valid.then(|| call(request)),
    }
}
