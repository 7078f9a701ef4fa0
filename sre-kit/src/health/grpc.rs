//! The same answers over gRPC: `grpc.health.v1`, by feature `tonic`.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{BoxStream, Stream, StreamExt, unfold};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpc, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::board::Board;
use super::{Health, Probe};

/// The gRPC health checking protocol, answered from a [`Health`].
///
/// The empty service name is the whole server, and says whether it is ready. Other
/// names answer only when they are added.
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
/// When the service drains, every `Watch` says so and ends: one that stayed open
/// would hold up the shutdown that it announces (grpc/grpc-dotnet#2582).
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

    /// Adds a service by its full name, such as `shop.v1.Checkout`. It serves when
    /// the server is ready.
    pub fn service(self, service: impl Into<String>) -> Self {
        self.probe(service, Probe::Readiness)
    }

    /// The same, by the type that tonic has generated.
    pub fn service_type<S: tonic::server::NamedService>(self) -> Self {
        self.service(S::NAME)
    }

    /// Adds a name that answers one of the three questions, for the kubelet's gRPC
    /// probes: they send a name of one's choice.
    pub fn probe(mut self, name: impl Into<String>, probe: Probe) -> Self {
        self.services.insert(name.into(), probe);
        self
    }

    /// The service for tonic's server.
    pub fn into_server(self) -> HealthServer<Self> {
        HealthServer::new(self)
    }
}

impl Health {
    /// The gRPC health checking protocol, answered from here.
    pub fn grpc(&self) -> GrpcHealth {
        GrpcHealth::new(self.clone())
    }
}

#[tonic::async_trait]
impl HealthRpc for GrpcHealth {
    type WatchStream = Watch;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let probe = self
            .services
            .get(&request.get_ref().service)
            .ok_or_else(|| Status::not_found("no service of that name is served here"))?;
        let status = status(&self.health.inner.board.borrow(), *probe, Instant::now());
        Ok(Response::new(answer(status)))
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        let probe = self.services.get(&request.get_ref().service).copied();
        Ok(Response::new(Watch::new(self.health.inner.board.subscribe(), probe)))
    }
}

/// The stream of a `Watch` call.
pub struct Watch {
    inner: BoxStream<'static, HealthCheckResponse>,
}

impl Watch {
    fn new(board: watch::Receiver<Arc<Board>>, probe: Option<Probe>) -> Self {
        Self { inner: unfold(Watching { board, probe, told: None }, Watching::next).boxed() }
    }
}

impl Stream for Watch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.poll_next_unpin(cx).map(|answer| answer.map(Ok))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

struct Watching {
    board: watch::Receiver<Arc<Board>>,
    /// None for a name that nobody serves.
    probe: Option<Probe>,
    told: Option<ServingStatus>,
}

impl Watching {
    async fn next(mut self) -> Option<(HealthCheckResponse, Self)> {
        loop {
            let (status, draining, until) = self.look();
            if self.told != Some(status) {
                self.told = Some(status);
                return Some((answer(status), self));
            }
            if draining {
                return None;
            }
            let time_passes = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.board.changed() => changed.ok()?,
                () = time_passes => {}
            }
        }
    }

    /// The state now, whether the stream is to end, and when to look again although
    /// nothing was recorded.
    fn look(&mut self) -> (ServingStatus, bool, Option<Instant>) {
        let (board, now) = (self.board.borrow_and_update(), Instant::now());
        let draining = board.draining.is_some();
        match self.probe {
            None => (ServingStatus::ServiceUnknown, draining, None),
            Some(probe) => (status(&board, probe, now), draining, look_again(&board, probe, now)),
        }
    }
}

fn status(board: &Board, probe: Probe, now: Instant) -> ServingStatus {
    let holds = match probe {
        Probe::Startup => board.started,
        Probe::Readiness => board.is_ready(now),
        Probe::Liveness => board.is_live(now),
    };
    if holds { ServingStatus::Serving } else { ServingStatus::NotServing }
}

/// Results go stale and heartbeats stop without an event of their own.
fn look_again(board: &Board, probe: Probe, now: Instant) -> Option<Instant> {
    match probe {
        Probe::Startup => None,
        // The timer's resolution is a millisecond, and the limit itself still counts as fresh.
        Probe::Readiness => board
            .ready_until()
            .filter(|until| now <= *until)
            .map(|at| at + Duration::from_millis(1)),
        // A beat is one atomic store and wakes nobody.
        Probe::Liveness => (!board.pulses.is_empty()).then(|| now + Duration::from_secs(1)),
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
