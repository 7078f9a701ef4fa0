//! The console: one page that shows the service live, with nothing but a browser.
//!
//! It is for the laptop, and for the one pod that an operator looks at through
//! `kubectl port-forward`. What many instances do together, and what was yesterday,
//! is for a dashboard; the kit [generates one](crate::slo::render).
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
//! # What it shows
//!
//! | Part | Read from |
//! |---|---|
//! | rate, errors, latency and requests in flight, in all and per route | `http_server_requests_started_total`, `http_server_requests_total`, `http_server_request_duration_seconds` |
//! | error budgets, burn tiers, what fires | [`Budgets::report`](crate::slo::Budgets::report) |
//! | checks with their age, latches, heartbeats | [`Health::snapshot`](crate::health::Health::snapshot), `health_heartbeat_age_seconds` |
//! | the ids of recent traces, each with its route, status and duration | the exemplars of `http_server_request_duration_seconds`, which sampled requests leave |
//! | the state of the process and the phases of its end | `lifecycle_*` |
//! | how full everything is | `http_server_concurrency_*`, `tokio_runtime_*`, `cgroup_*`, `process_*`, `saturation_pool_*` |
//! | the database's pool and the age of its token | `db_client_connection*`, `sre_kit_db_*` |
//!
//! All but budgets and checks is read from the registry by name: a part of the kit
//! that is not there leaves its place on the page empty. Every number is one that
//! `/metrics` shows as well.
//!
//! # What it does not do
//!
//! The page is one file and loads nothing else; its Content-Security-Policy holds it
//! to that, and to the scripts it was built with. It only reads: there is no route
//! that changes anything. Who can reach the admin listener can see it, as with
//! `/metrics`. What a check has said is shown only where
//! [`ShowDetails`](crate::health::ShowDetails) lets it be: the request counts as one
//! that asks for `?verbose`.
//!
//! # Cost
//!
//! Nothing while nobody looks. Each open page asks once a second, and the answer is
//! made anew at most 2.5 times a second, however many look. It costs about as much as
//! a scrape; the page shows how long the last one took.

mod document;
mod families;
mod page;
mod traces;
mod traffic;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use tokio::runtime::Handle;

use super::body::AdminBody;
use super::page::{AdminRequest, Page};
use super::{answer, pages};
use crate::health::Health;
use crate::metrics::{BuildInfo, Registry};
use crate::slo::Budgets;

/// Where the page asks for its numbers, relative to `/` and to [`PATH`] alike.
const DATA: &str = "/console/data";

/// The page's own address; it is at `/` as well, unless another page is there.
const PATH: &str = "/console";

/// How old an answer may be: younger than a page's next question, so that each
/// sees new numbers, and old enough that ten pages cost what three do.
const MAX_AGE: Duration = Duration::from_millis(400);

/// An answer as large as this takes longer to write than a worker should be kept
/// from other tasks.
const OFF_REACTOR: usize = 64 * 1024;

/// Shows a service in a browser. See the [module](self). Cloning is cheap.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    build: Option<BuildInfo>,
    health: Option<Health>,
    budgets: Option<Budgets>,
    /// When this console was made: tells the page that it talks to another process.
    instance: f64,
    began: Instant,
    /// The last answers: without what checks have said, and with it.
    last: [Mutex<Option<Answer>>; 2],
    last_size: AtomicUsize,
}

struct Answer {
    made: Instant,
    json: Bytes,
}

/// Builds a [`Console`].
#[must_use = "nothing is shown before `build`"]
pub struct ConsoleBuilder {
    build: Option<BuildInfo>,
    health: Option<Health>,
    budgets: Option<Budgets>,
}

impl ConsoleBuilder {
    /// Says which build runs, at the top of the page.
    pub fn build_info(mut self, build: &BuildInfo) -> Self {
        self.build = Some(build.clone());
        self
    }

    /// Shows the checks.
    pub fn health(mut self, health: &Health) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// Shows the error budgets.
    pub fn budgets(mut self, budgets: &Budgets) -> Self {
        self.budgets = Some(budgets.clone());
        self
    }

    /// Builds a console that shows `registry`.
    pub fn build(self, registry: &Registry) -> Console {
        let instance = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Console {
            inner: Arc::new(Inner {
                registry: registry.clone(),
                build: self.build,
                health: self.health,
                budgets: self.budgets,
                instance: instance.as_secs_f64(),
                began: Instant::now(),
                last: Default::default(),
                last_size: AtomicUsize::new(usize::MAX),
            }),
        }
    }
}

impl Console {
    /// Returns a builder.
    pub fn builder() -> ConsoleBuilder {
        ConsoleBuilder { build: None, health: None, budgets: None }
    }

    /// The page and its numbers. Whoever does not ask for HTML is given a list of
    /// it and the `others`.
    pub(super) fn pages(&self, others: &[Page], has_root: bool) -> Vec<Page> {
        let at = |path, list: Arc<str>| {
            Page::get(path, "All of this, live, for a browser.", move |request| {
                std::future::ready(page::respond(request.headers(), &list))
            })
        };
        let listed = at(PATH, "".into());
        let list: Arc<str> = pages::list(others.iter().chain([&listed])).into();
        let inner = Arc::clone(&self.inner);
        let about = "What the console shows, as JSON.";
        let data = Page::get(DATA, about, move |request| answer(Arc::clone(&inner), request));
        let mut pages = vec![at(PATH, Arc::clone(&list)), data.unlisted()];
        if !has_root {
            pages.push(at("/", list).unlisted());
        }
        pages
    }
}

async fn answer(inner: Arc<Inner>, request: AdminRequest) -> Response<AdminBody> {
    let (head, _) = request.into_parts();
    let details = inner.health.as_ref().is_some_and(|health| health.shows_details(&head));
    let is_large = inner.last_size.load(Ordering::Relaxed) >= OFF_REACTOR;
    let json = if is_large && Handle::try_current().is_ok() {
        match tokio::task::spawn_blocking(move || inner.json(details)).await {
            Ok(json) => json,
            Err(error) => return answer::failed(&error.into()),
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
    /// The last answer, or a new one if it is too old. Who asks meanwhile waits, and
    /// is given the same.
    fn json(&self, details: bool) -> Bytes {
        let mut last =
            self.last[usize::from(details)].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = &*last
            && answer.made.elapsed() < MAX_AGE
        {
            return answer.json.clone();
        }
        let json = Bytes::from(document::write(self, details));
        self.last_size.store(json.len(), Ordering::Relaxed);
        // The age is counted from its end: one that takes long is not made over and over.
        *last = Some(Answer { made: Instant::now(), json: json.clone() });
        json
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("build", &self.inner.build)
            .field("health", &self.inner.health.is_some())
            .field("budgets", &self.inner.budgets.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ConsoleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleBuilder").field("build", &self.build).finish_non_exhaustive()
    }
}
