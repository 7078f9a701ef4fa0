//! The application: its routes and responses.

mod answer;
mod error;
mod query;
mod slow;
mod stream;
mod visits;

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};

pub(crate) use answer::Body;
use answer::{Answer, Wants};

use crate::store::Store;

/// The routes, for the kit's route table and for the 404 response.
pub(crate) const ROUTES: [&str; 5] = ["/", "/error", "/slow", "/stream", "/panic"];

/// The routes whose responses are streams.
pub(crate) const STREAMS: [&str; 1] = ["/stream"];

/// The application. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    faults: bool,
}

impl App {
    pub(crate) fn new(store: Store, faults: bool) -> Self {
        Self { inner: Arc::new(Inner { store, faults }) }
    }

    /// Answers one request.
    pub(crate) async fn respond<B>(
        self,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible> {
        let wants = Wants::of(request.headers());
        let head_only = request.method() == Method::HEAD;
        let response = if head_only || request.method() == Method::GET {
            self.route(request.uri().path(), request.uri().query().unwrap_or(""), wants).await
        } else {
            not_allowed(wants)
        };
        // hyper would send the body of a HEAD response on HTTP/2, and the client would reset the
        // stream.
        Ok(if head_only { response.map(|_| answer::empty()) } else { response })
    }

    async fn route(&self, path: &str, query: &str, wants: Wants) -> Response<Body> {
        let answer = match path {
            "/" => visits::visit(&self.inner.store).await,
            "/slow" => slow::wait(query).await,
            "/stream" => return stream::ticks(query, wants),
            "/error" | "/panic" if !self.inner.faults => Answer::problem(
                StatusCode::FORBIDDEN,
                "Faults are disabled; start the demo with --allow-faults.",
            ),
            "/error" => error::fail(query),
            #[allow(clippy::panic, reason = "the route exists to panic")]
            "/panic" => panic!("/panic was requested"),
            _ => Answer::problem(
                StatusCode::NOT_FOUND,
                format!("{path} does not exist; try {}.", ROUTES.join(", ")),
            ),
        };
        answer.into_response(wants)
    }
}

/// Returns the response to a request that panicked. The reason is in the log.
pub(crate) fn apology(_: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let sentence = "An internal error occurred. It was counted and logged.";
    Answer::problem(StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response(Wants::Text)
}

fn not_allowed(wants: Wants) -> Response<Body> {
    let answer = Answer::problem(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are allowed.");
    let mut response = answer.into_response(wants);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
