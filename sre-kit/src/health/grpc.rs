//! The gRPC health checking protocol, `grpc.health.v1`.

use std::collections::HashMap;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{BoxStream, Stream, StreamExt, unfold};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpc, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::handle::Health;
use super::health_state::HealthState;
use super::probe::Probe;

/// The [gRPC health checking protocol][protocol] for a [`Health`].
///
/// The empty service name stands for the whole server, and serves while it is ready. Other names
/// are known only if they are added.
///
/// ```
/// use sre_kit::health::{Health, Probe};
/// use sre_kit::metrics::Registry;
///
/// let health = Health::builder().build(&Registry::new())?;
/// let service = health
///     .grpc()
///     .service("shop.v1.Checkout")
///     // `grpc: { service: liveness }` in a pod's livenessProbe.
///     .probe("liveness", Probe::Liveness)
///     .into_server();
/// // tonic::transport::Server::builder().add_service(service)
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
///
/// | Call | Name is known | Name is unknown |
/// |---|---|---|
/// | `Check` | `SERVING` or `NOT_SERVING` | the status `NOT_FOUND` |
/// | `Watch` | the state now, then each change | `SERVICE_UNKNOWN`, and the stream stays open |
///
/// When the service drains, every `Watch` sends `NOT_SERVING` and ends, because a stream that stays
/// open would delay the graceful shutdown (grpc/grpc-dotnet#2582).
///
/// [protocol]: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
#[derive(Clone, Debug)]
#[must_use = "nothing is served before `into_server`"]
pub struct GrpcHealth {
    health: Health,
    services: HashMap<String, Probe>,
}

impl GrpcHealth {
    fn new(health: Health) -> Self {
        Self { health, services: HashMap::from([(String::new(), Probe::Readiness)]) }
    }

    /// Adds a service by its full name, such as `shop.v1.Checkout`. It serves while the server is
    /// ready.
    pub fn service(self, service: impl Into<String>) -> Self {
        self.probe(service, Probe::Readiness)
    }

    /// Adds a service by the type that tonic has generated.
    pub fn service_type<S: tonic::server::NamedService>(self) -> Self {
        self.service(S::NAME)
    }

    /// Adds a name that responds like `probe`. The kubelet's gRPC probes send the name that is
    /// configured in their `service` field.
    pub fn probe(mut self, name: impl Into<String>, probe: Probe) -> Self {
        self.services.insert(name.into(), probe);
        self
    }

    /// Returns the service for tonic's server.
    pub fn into_server(self) -> HealthServer<Self> {
        HealthServer::new(self)
    }
}

impl Health {
    /// Returns the gRPC health checking protocol for this health.
    pub fn grpc(&self) -> GrpcHealth {
        GrpcHealth::new(self.clone())
    }
}

#[tonic::async_trait]
impl HealthRpc for GrpcHealth {
    type WatchStream = WatchStream;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let probe = self
            .services
            .get(&request.get_ref().service)
            .ok_or_else(|| Status::not_found("no service of that name is served here"))?;
        let status = status(&self.health.inner.state.borrow(), *probe, Instant::now());
        Ok(Response::new(response(status)))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<WatchStream>, Status> {
        let probe = self.services.get(&request.get_ref().service).copied();
        Ok(Response::new(WatchStream::new(self.health.inner.state.subscribe(), probe)))
    }
}

/// The response stream of a `Watch` call.
#[must_use = "streams do nothing unless polled"]
pub struct WatchStream {
    inner: BoxStream<'static, HealthCheckResponse>,
}

impl WatchStream {
    fn new(state: watch::Receiver<Arc<HealthState>>, probe: Option<Probe>) -> Self {
        Self { inner: unfold(WatchState { state, probe, sent: None }, WatchState::next).boxed() }
    }
}

impl Stream for WatchStream {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.poll_next_unpin(cx).map(|answer| answer.map(Ok))
    }
}

impl fmt::Debug for WatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchStream").finish_non_exhaustive()
    }
}

struct WatchState {
    state: watch::Receiver<Arc<HealthState>>,
    /// `None` for an unknown name.
    probe: Option<Probe>,
    sent: Option<ServingStatus>,
}

impl WatchState {
    async fn next(mut self) -> Option<(HealthCheckResponse, Self)> {
        loop {
            let (status, draining, until) = self.look();
            if self.sent != Some(status) {
                self.sent = Some(status);
                return Some((response(status), self));
            }
            if draining {
                return None;
            }
            let timer = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            if let Either::Left((changed, _)) =
                select(pin!(self.state.changed()), pin!(timer)).await
            {
                changed.ok()?;
            }
        }
    }

    /// Returns the current status, whether the stream ends, and when to look again even if no
    /// change is recorded.
    fn look(&mut self) -> (ServingStatus, bool, Option<Instant>) {
        let (state, now) = (self.state.borrow_and_update(), Instant::now());
        let draining = state.draining.is_some();
        match self.probe {
            None => (ServingStatus::ServiceUnknown, draining, None),
            Some(probe) => (status(&state, probe, now), draining, recheck_at(&state, probe, now)),
        }
    }
}

/// Returns the status of `probe`.
fn status(state: &HealthState, probe: Probe, now: Instant) -> ServingStatus {
    let serving = match probe {
        Probe::Startup => state.started,
        Probe::Readiness => state.is_ready(now),
        Probe::Liveness => state.is_live(now),
    };
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}

/// Returns when to look again: results become stale and heartbeats become old without a change.
fn recheck_at(state: &HealthState, probe: Probe, now: Instant) -> Option<Instant> {
    match probe {
        Probe::Startup => None,
        // One millisecond later, which is the resolution of the timer: at `until` itself the result
        // is still fresh.
        Probe::Readiness => state
            .ready_until()
            .filter(|until| now <= *until)
            .map(|at| at + Duration::from_millis(1)),
        // Polled, because a beat is an atomic store that wakes no task.
        Probe::Liveness => (!state.heartbeats.is_empty()).then(|| now + Duration::from_secs(1)),
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
