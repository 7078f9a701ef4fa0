//! What every request of one layer shares.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use http::{Request, header};

use super::classify::{self, Verdict};
use super::clock::Clock;
use super::head::{RequestHead, ResponseHead};
use super::in_flight::InFlight;
use super::outcome::Outcome;
use super::request_body::RequestBytes;
use super::route::Directory;
use super::series::key::{SCHEMES, method_index};
use super::series::{Key, Store};
use super::upgrade::UpgradeLifetime;

pub(crate) type ErrorRule = Arc<dyn Fn(&(dyn Any + 'static)) -> Option<Outcome> + Send + Sync>;
pub(crate) type StreamRule = Arc<dyn Fn(ResponseHead<'_>) -> bool + Send + Sync>;

pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) directory: Directory,
    pub(crate) store: Store,
    pub(crate) default_scheme: usize,
    pub(crate) on_error: Option<ErrorRule>,
    pub(crate) is_stream: Option<StreamRule>,
    pub(crate) count_bodies: bool,
}

/// One reference count per shard for the same [`Hub`].
///
/// A request holds a reference for as long as it lives. Were there one count
/// for all, every core would write its cache line twice per request.
#[derive(Clone)]
pub(crate) struct Hubs {
    hub: Arc<Hub>,
    shards: Arc<[HubRef]>,
}

/// A reference to the hub. Aligned so that each count has lines of its own.
#[derive(Clone)]
pub(crate) struct HubRef(Arc<Aligned>);

#[repr(align(128))]
struct Aligned(Arc<Hub>);

impl HubRef {
    #[inline]
    pub(crate) fn hub(&self) -> &Hub {
        &self.0.0
    }
}

impl Hubs {
    pub(crate) fn new(hub: Hub) -> Self {
        let hub = Arc::new(hub);
        let shards = (0..hub.store.cells.shard_count())
            .map(|_| HubRef(Arc::new(Aligned(Arc::clone(&hub)))))
            .collect();
        Self { hub, shards }
    }

    #[inline]
    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The reference that the calling thread may clone without meeting another core.
    #[inline]
    fn mine(&self) -> HubRef {
        self.shards[self.hub.store.cells.my_shard()].clone()
    }

    /// Counts the start of a request. `None` when its route is excluded.
    #[inline]
    pub(crate) fn start<B>(&self, request: &mut Request<B>) -> Option<InFlight> {
        let hub = &*self.hub;
        let head = RequestHead::of(request);
        let (route_id, route) = hub.directory.resolve(head);
        if route.flags.excluded {
            return None;
        }
        let started = hub.clock.read();
        let method = method_index(head.method);
        let scheme = head.uri.scheme_str().map_or(hub.default_scheme, |scheme| {
            // A client may send any scheme; only the two known ones are a label.
            SCHEMES.iter().position(|known| *known == scheme).unwrap_or(hub.default_scheme)
        });
        let mut key = Key::new(method, scheme, head.version);
        for (i, label) in hub.store.labels().iter().enumerate() {
            if let Some(value) = label.of_request(head) {
                key = key.with_label(i, value);
            }
        }
        let rows = hub.store.rows(route, method, scheme);
        let declared = classify::request_bytes(head);
        hub.store.start(rows, declared);
        let hub_ref = self.mine();
        if head.headers.contains_key(header::UPGRADE) || head.method == http::Method::CONNECT {
            let lifetime = UpgradeLifetime::new(hub_ref.clone(), route_id, key);
            request.extensions_mut().insert(lifetime);
        }
        let mut in_flight = InFlight::new(hub_ref, started, route_id, rows, key);
        if hub.count_bodies && declared.is_none() {
            let bytes = RequestBytes::default();
            request.extensions_mut().insert(bytes.clone());
            in_flight.count_request(bytes);
        }
        Some(in_flight)
    }
}

impl Hub {
    /// What a response head says of how the request will end.
    pub(crate) fn judge(
        &self,
        head: ResponseHead<'_>,
        exact: Option<u64>,
        route_is_stream: bool,
        connect: bool,
    ) -> Verdict {
        let mut verdict = classify::response(head, exact, route_is_stream, connect);
        if verdict.stream.is_none() && self.is_stream.as_ref().is_some_and(|rule| rule(head)) {
            verdict.stream = Some(super::series::StreamKind::Stream);
        }
        verdict
    }

    /// What an error of the inner service says.
    pub(crate) fn judge_error<E: 'static>(&self, error: &E) -> Outcome {
        self.on_error
            .as_ref()
            .and_then(|rule| rule(error))
            .unwrap_or_else(|| classify::error(error))
    }
}

impl fmt::Debug for Hubs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoldenSignals")
            .field("routes", &self.hub.directory)
            .field("labels", &self.hub.store.labels())
            .finish_non_exhaustive()
    }
}
