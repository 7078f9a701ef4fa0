//! The console: a page that shows the service live in a browser.
//!
//! Use it on a laptop, or for a single pod through `kubectl port-forward`. For several instances
//! together, and for the past, use a dashboard; the kit [generates one](crate::slo::render).
//!
//! ```
//! use sre_kit::admin::{Admin, Console};
//! use sre_kit::metrics::Registry;
//!
//! let registry = Registry::new();
//! let console = Console::builder().build_info(&sre_kit::build_info!()).build(&registry);
//! let admin = Admin::builder().console(&console).build(&registry)?;
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! # What the page shows
//!
//! | Part | Read from |
//! |---|---|
//! | rate, errors, latency and requests in flight, in total and per route | `sre_kit_http_server_requests_started_total`, `sre_kit_http_server_requests_total`, `http_server_request_duration_seconds` |
//! | error budgets, burn tiers, firing alerts | [`Budgets::report`](crate::slo::Budgets::report) |
//! | checks with their age, latches, heartbeats | [`Health::snapshot`](crate::health::Health::snapshot), `health_heartbeat_age_seconds` |
//! | the ids of recent traces, each with its route, status and duration | the exemplars of `http_server_request_duration_seconds`, which sampled requests leave |
//! | the state of the process and the phases of its graceful shutdown | `lifecycle_*` |
//! | saturation | `sre_kit_http_server_concurrency_*`, `tokio_runtime_*`, `cgroup_*`, `process_*`, `saturation_pool_*` |
//! | the database's pool and the age of its token | `db_client_connection*`, `sre_kit_db_*` |
//!
//! Everything except budgets and checks is read from the registry by name. If the process does not
//! use a part of the kit, that panel of the page is empty. `/metrics` shows every number of the
//! page as well.
//!
//! # Security
//!
//! - The page is one file and loads no other. Its Content-Security-Policy enforces that, and allows
//!   only the scripts that it was built with.
//! - It only reads: no route of the console changes anything.
//! - Every client that can connect to the admin listener can read it, as it can read `/metrics`.
//! - The messages of checks are shown only if [`ShowDetails`](crate::health::ShowDetails) allows it:
//!   the request counts as one with `?verbose`.
//!
//! # Cost
//!
//! The console costs nothing while no page is open. Each open page sends one request per second,
//! and the response is computed at most 2.5 times per second for all pages together. Computing it
//! costs about as much as a scrape; the page shows how long the last one took.

mod builder;
mod document;
mod families;
mod page;
mod traces;
mod traffic;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use builder::ConsoleBuilder;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use tokio::runtime::Handle;

use super::body::AdminBody;
use super::page::{AdminRequest, Page};
use super::{builtin_pages, response};
use document::Sources;

/// The path of the page's data. The page asks for it relative to `/` and to [`PATH`] alike.
const DATA: &str = "/console/data";

/// The path of the page. It is served at `/` as well, unless another page is there.
const PATH: &str = "/console";

/// How long a document is cached: shorter than the interval of a page, so that each response has
/// new numbers, and long enough that ten pages cost as much as three.
const MAX_AGE: Duration = Duration::from_millis(400);

/// The size in bytes from which a document is written on a blocking thread, because it would keep a
/// worker from other tasks for too long.
const BLOCKING_SIZE: usize = 64 * 1024;

/// The page that shows a service live in a browser. See the [module](self). Cloning is cheap.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    sources: Sources,
    /// The last documents: without the messages of checks, and with them.
    last: [Mutex<Option<CachedDocument>>; 2],
    last_size: AtomicUsize,
}

/// A document that was sent.
struct CachedDocument {
    created: Instant,
    json: Bytes,
}

impl Console {
    fn from_sources(sources: Sources) -> Self {
        Self {
            inner: Arc::new(Inner {
                sources,
                last: Default::default(),
                last_size: AtomicUsize::new(usize::MAX),
            }),
        }
    }

    /// Returns the pages of the console. Clients that do not prefer HTML get a list of them and of
    /// the `others`.
    pub(super) fn pages(&self, others: &[Page], has_root: bool) -> Vec<Page> {
        let at = |path, list: Arc<str>| {
            Page::get(path, "All of this, live, for a browser.", move |request| {
                std::future::ready(page::respond(request.headers(), &list))
            })
        };
        let listed = at(PATH, "".into());
        let list: Arc<str> = builtin_pages::list(others.iter().chain([&listed])).into();
        let inner = Arc::clone(&self.inner);
        let about = "What the console shows, as JSON.";
        let data = Page::get(DATA, about, move |request| respond(Arc::clone(&inner), request));
        let mut pages = vec![at(PATH, Arc::clone(&list)), data.unlisted()];
        if !has_root {
            pages.push(at("/", list).unlisted());
        }
        pages
    }
}

/// Returns the response with the page's data.
async fn respond(inner: Arc<Inner>, request: AdminRequest) -> Response<AdminBody> {
    let (head, _) = request.into_parts();
    let details = inner.sources.health.as_ref().is_some_and(|health| health.shows_details(&head));
    let is_large = inner.last_size.load(Ordering::Relaxed) >= BLOCKING_SIZE;
    let json = if is_large && Handle::try_current().is_ok() {
        match tokio::task::spawn_blocking(move || inner.json(details)).await {
            Ok(json) => json,
            Err(error) => return response::internal_error(&error.into()),
        }
    } else {
        inner.json(details)
    };
    let mut response = Response::new(AdminBody::from(json));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    page::isolate(headers);
    response
}

impl Inner {
    /// Returns the cached document, or a new one if it is too old. Concurrent requests wait for the
    /// same document.
    fn json(&self, details: bool) -> Bytes {
        let mut last =
            self.last[usize::from(details)].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = &*last
            && document.created.elapsed() < MAX_AGE
        {
            return document.json.clone();
        }
        let json = Bytes::from(document::write(&self.sources, details));
        self.last_size.store(json.len(), Ordering::Relaxed);
        // The age is counted from the end, so that a slow document is not computed all the time.
        *last = Some(CachedDocument { created: Instant::now(), json: json.clone() });
        json
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("build", &self.inner.sources.build)
            .field("health", &self.inner.sources.health.is_some())
            .field("budgets", &self.inner.sources.budgets.is_some())
            .finish_non_exhaustive()
    }
}
