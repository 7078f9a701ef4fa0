//! What every request of one layer shares.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use http::Request;

use super::classify::{self, RequestFacts, Verdict};
use super::in_flight::InFlight;
use super::objectives::Objectives;
use super::outcome::Outcome;
use super::request_body::RequestBytes;
use super::route::{Directory, Route};
use super::series::Store;
use super::series::key::SCHEMES;
use super::site::Site;
use super::trace::Traces;
use crate::{RequestHead, ResponseHead};
use sre_kit_core::internal::{Clock, method_index};
use sre_kit_metrics::internal::ShardId;

pub(crate) type ErrorRule = Arc<dyn Fn(&(dyn Any + 'static)) -> Option<Outcome> + Send + Sync>;
pub(crate) type MarkRule = Arc<dyn Fn(RequestHead<'_>) -> Option<&'static str> + Send + Sync>;
pub(crate) type StreamRule = Arc<dyn Fn(ResponseHead<'_>) -> bool + Send + Sync>;

pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) default_scheme: usize,
    pub(crate) on_error: Option<ErrorRule>,
    pub(crate) is_stream: Option<StreamRule>,
    pub(crate) count_bodies: bool,
    pub(crate) objectives: Objectives,
    pub(crate) mark: Option<MarkRule>,
    pub(crate) traces: Traces,
    /// Whether anything of this is asked of a request when it comes: labels, bodies,
    /// marks, traces. One look for most requests.
    pub(crate) is_curious: bool,
}

/// All of a layer: its hub, its routes, and a handle per column.
pub(crate) struct Root {
    hub: Arc<Hub>,
    handles: Box<[Arc<Handle>]>,
}

/// What a service holds of a layer.
///
/// axum clones a service for each request. Were there one reference count for all
/// clones, every core would write its cache line twice per request; so a clone
/// counts at the handle of its thread's column. Services that a layer made keep all
/// handles alive. A clone that has outlived them counts where it came from.
pub(crate) struct Hubs {
    mine: Arc<Handle>,
    // Held, never read: it keeps every handle alive.
    _root: Option<Arc<Root>>,
}

/// The hub and the routes, with a reference count on lines of its own.
#[repr(align(128))]
struct Handle {
    hub: Arc<Hub>,
    directory: Arc<Directory>,
    siblings: Arc<OnceLock<Box<[Weak<Self>]>>>,
    /// Where its column is.
    place: ShardId,
}

impl Root {
    pub(crate) fn new(hub: Hub, directory: Directory) -> Arc<Self> {
        let (hub, directory) = (Arc::new(hub), Arc::new(directory));
        let siblings = Arc::new(OnceLock::new());
        let handles: Box<[_]> = (0..hub.store.cells.shard_count())
            .map(|column| {
                let place = hub.store.cells.shard_id(column);
                let (hub, directory) = (Arc::clone(&hub), Arc::clone(&directory));
                Arc::new(Handle { hub, directory, siblings: Arc::clone(&siblings), place })
            })
            .collect();
        siblings.get_or_init(|| handles.iter().map(Arc::downgrade).collect());
        Arc::new(Self { hub, handles })
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }
}

impl Clone for Hubs {
    #[inline]
    fn clone(&self) -> Self {
        let here = self.mine.hub.store.cells.current_shard();
        let sibling = self.mine.siblings.get().and_then(|all| all.get(here.index())?.upgrade());
        Self { mine: sibling.unwrap_or_else(|| Arc::clone(&self.mine)), _root: None }
    }
}

impl Hubs {
    /// For a service that a layer makes.
    pub(crate) fn new(root: &Arc<Root>) -> Self {
        let mine = &root.handles[root.hub.store.cells.current_shard().index()];
        Self { mine: Arc::clone(mine), _root: Some(Arc::clone(root)) }
    }

    /// Counts the start of a request. `None` when its route is excluded.
    ///
    /// Compiled once, and not into `call` for each service.
    #[inline]
    pub(crate) fn start(&self, head: RequestHead<'_>) -> Option<InFlight> {
        self.mine.start(head)
    }

    /// Looks for what only some layers want to know, and what only some requests need.
    #[inline]
    pub(crate) fn ask<B>(&self, in_flight: &mut InFlight, request: &mut Request<B>) {
        let hub = &self.mine.hub;
        if hub.is_curious || in_flight.is_upgrade() {
            hub.ask(in_flight, request);
        }
    }
}

impl Handle {
    #[inline(never)]
    fn start(&self, head: RequestHead<'_>) -> Option<InFlight> {
        let hub = &self.hub;
        let route = self.directory.resolve(head);
        if route.flags.excluded {
            return None;
        }
        let started = hub.clock.read();
        let method = method_index(head.method);
        let scheme = match head.uri.scheme_str() {
            None => hub.default_scheme,
            Some(named) => hub.scheme(named),
        };
        let home = self.place.if_exclusive();
        let here = if home.is_some() { self.place } else { hub.store.cells.current_shard() };
        let site = match route.site(here.index(), method, scheme) {
            Some(site) => site,
            None => new_site(hub, route, method, scheme),
        };
        let facts = RequestFacts::of(head);
        site.start(facts.bytes, home);
        let key = site.key(head.version);
        Some(InFlight::new(Arc::clone(site), started, key, facts))
    }
}

#[cold]
#[inline(never)]
fn new_site<'a>(hub: &Arc<Hub>, route: &'a Route, method: usize, scheme: usize) -> &'a Arc<Site> {
    let place = hub.store.cells.current_shard();
    route.new_site(place.index(), method, scheme, || Site::new(hub, route, place, method, scheme))
}

impl Hub {
    /// What only some layers want to know, and what only some requests need.
    #[inline(never)]
    fn ask<B>(&self, in_flight: &mut InFlight, request: &mut Request<B>) {
        let head = RequestHead::of(request);
        for (i, label) in self.store.labels().iter().enumerate() {
            if let Some(value) = label.of_request(head) {
                in_flight.label(i, value);
            }
        }
        in_flight.begin_trace(head);
        if let Some(rule) = &self.mark {
            in_flight.mark(rule(head));
        }
        if in_flight.is_upgrade() {
            request.extensions_mut().insert(in_flight.upgrade_lifetime());
        }
        if self.count_bodies && !in_flight.is_sized() {
            let bytes = RequestBytes::default();
            request.extensions_mut().insert(bytes.clone());
            in_flight.count_request(bytes);
        }
    }

    /// The place of a scheme that a request names.
    #[cold]
    fn scheme(&self, named: &str) -> usize {
        // A client may send any scheme; only the two known ones are a label.
        SCHEMES.iter().position(|known| *known == named).unwrap_or(self.default_scheme)
    }

    /// Whether no rule of the caller's looks at response heads.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_stream.is_none() && self.store.labels().is_empty()
    }

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

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoldenSignals")
            .field("routes", &self.directory)
            .field("labels", &self.hub.store.labels())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handles.first().fmt(f)
    }
}

impl fmt::Debug for Hubs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mine.fmt(f)
    }
}
