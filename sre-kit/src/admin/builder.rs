//! Settings of the admin listener, checked once.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::page::Page;
use super::service::Pages;
use super::{Admin, answer, pages};
use crate::ConfigError;
use crate::health::Health;
use crate::metrics::{BuildInfo, Exposition, Registry};
use crate::server::{ConnectionMetrics, Server};

/// The port that Prometheus exporters of OpenTelemetry use.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9464";

/// Room for a fleet of scrapers and probers.
const DEFAULT_CONNECTIONS: usize = 64;

/// Those who ask here are near, and ask short.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// Longer than the longest usual scrape interval, so that a scraper's connection
/// lives on, and short enough that forgotten ones give their place back.
const IDLE_TIME: Duration = Duration::from_secs(75);

/// Hyper answers 431 above it.
const MAX_HEADER: usize = 16 * 1024;

type Question = Box<dyn Fn() -> bool + Send + Sync>;

/// Where and how to listen.
#[derive(Clone, Debug)]
pub(super) struct Listen {
    pub(super) address: SocketAddr,
    pub(super) server: ServerSettings,
}

#[derive(Clone, Debug)]
pub(super) struct ServerSettings {
    max_connections: usize,
    metrics: Option<ConnectionMetrics>,
}

impl ServerSettings {
    pub(super) fn server(&self) -> Result<Server, ConfigError> {
        let mut builder = Server::builder()
            .name("admin")
            .max_connections(self.max_connections)
            .header_read_timeout(HEADER_TIME)
            .idle_timeout(IDLE_TIME)
            .max_header_size(MAX_HEADER)
            .max_concurrent_streams(32);
        if let Some(metrics) = &self.metrics {
            builder = builder.metrics(metrics);
        }
        builder.build()
    }
}

/// Builds an [`Admin`].
#[must_use = "nothing is served before `build` and `start`"]
pub struct AdminBuilder {
    exposition: Option<Exposition>,
    address: String,
    build: Option<BuildInfo>,
    health: Option<Health>,
    ready: Option<Question>,
    started: Option<Question>,
    pages: Vec<Page>,
    #[cfg(feature = "console")]
    console: Option<super::Console>,
    server: ServerSettings,
}

impl AdminBuilder {
    pub(super) fn new() -> Self {
        Self {
            exposition: None,
            address: DEFAULT_ADDRESS.to_owned(),
            build: None,
            health: None,
            ready: None,
            started: None,
            pages: Vec::new(),
            #[cfg(feature = "console")]
            console: None,
            server: ServerSettings { max_connections: DEFAULT_CONNECTIONS, metrics: None },
        }
    }

    /// The address to listen on: `127.0.0.1:9464` unless set. In a pod, where
    /// scrapers and the kubelet come from outside, `0.0.0.0:9464`; with port 0 the
    /// system picks one, see [`RunningAdmin::local_addr`](super::RunningAdmin::local_addr).
    ///
    /// Everything here can be read by whoever reaches it: keep it out of Services
    /// and behind a network policy.
    pub fn listen(mut self, address: impl fmt::Display) -> Self {
        self.address = address.to_string();
        self
    }

    /// Answers `/metrics` with an exposition that has limits of its own.
    pub fn exposition(mut self, exposition: Exposition) -> Self {
        self.exposition = Some(exposition);
        self
    }

    /// Says which build runs, on `/version` and as the metric `build_info`.
    pub fn build_info(mut self, build: BuildInfo) -> Self {
        self.build = Some(build);
        self
    }

    /// Answers the probes from `health`.
    pub fn health(mut self, health: &Health) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// Answers `/readyz` by a function, where there is no [`health`](Self::health).
    /// It must not block. Without either the service is always ready.
    pub fn ready_when(mut self, ready: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.ready = Some(Box::new(ready));
        self
    }

    /// Answers `/startupz` by a function; see [`ready_when`](Self::ready_when).
    pub fn started_when(mut self, started: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.started = Some(Box::new(started));
        self
    }

    /// Adds a page.
    pub fn page(mut self, page: Page) -> Self {
        self.pages.push(page);
        self
    }

    /// Shows the service in a browser, at `/` and at `/console`. A page of one's own
    /// at `/` leaves the second.
    #[cfg(feature = "console")]
    pub fn console(mut self, console: &super::Console) -> Self {
        self.console = Some(console.clone());
        self
    }

    /// Adds the page `/loglevel`: `GET` tells what is logged, and `POST` changes it,
    /// from this machine only.
    ///
    /// ```text
    /// curl -d 'info,my_crate=debug' localhost:9464/loglevel
    /// ```
    #[cfg(feature = "telemetry")]
    pub fn log_level(mut self, level: &crate::telemetry::LogLevel) -> Self {
        self.pages.extend(super::log_level::pages(level));
        self
    }

    /// Connections at one time. 64 unless set; more wait until one ends.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.server.max_connections = limit;
        self
    }

    /// Shows the listener's connections, as the listener `admin`.
    pub fn connection_metrics(mut self, metrics: &ConnectionMetrics) -> Self {
        self.server.metrics = Some(metrics.clone());
        self
    }

    /// Checks the settings and puts the pages together. Listens to nothing yet.
    ///
    /// # Errors
    ///
    /// When the address is none, a limit is zero, a page's path is malformed or
    /// taken, probes are answered both by health and by a function, or the
    /// registry has a name that this listener needs.
    pub fn build(self, registry: &Registry) -> Result<Admin, ConfigError> {
        let address = self.address.parse().map_err(|_| {
            ConfigError::new(
                "admin.listen",
                &self.address,
                "an address is an IP address, a colon and a port",
                "write it like \"127.0.0.1:9464\", or \"0.0.0.0:9464\" in a pod",
            )
        })?;
        if self.server.max_connections == 0 {
            return Err(ConfigError::new(
                "admin.max_connections",
                0,
                "nobody could ask anything",
                "leave it out to have 64",
            ));
        }
        let exposition = match self.exposition {
            Some(exposition) => exposition,
            None => Exposition::new(registry)?,
        };
        let mut all = vec![Page::service("/metrics", "Metrics, for scrapers.", exposition)];
        all.extend(probes(self.health, self.ready, self.started)?);
        all.extend(self.build.as_ref().map(pages::version));
        let has_root = self.pages.iter().any(|page| page.path() == "/");
        all.extend(self.pages);
        #[cfg(feature = "console")]
        let has_root = match &self.console {
            Some(console) => {
                all.extend(console.pages(&all, has_root));
                true
            }
            None => has_root,
        };
        if !has_root {
            let list: Arc<str> = pages::list(all.iter()).into();
            let index = Page::get("/", "This list.", move |_| {
                std::future::ready(answer::text(http::StatusCode::OK, list.to_string()))
            });
            all.push(index.unlisted());
        }
        let pages = Arc::new(Pages::new(all)?);
        // Last, so that a builder that was refused leaves the registry as it was.
        if let Some(build) = self.build {
            build.register(registry)?;
        }
        Ok(Admin { pages, listen: Listen { address, server: self.server } })
    }
}

fn probes(
    health: Option<Health>,
    ready: Option<Question>,
    started: Option<Question>,
) -> Result<Vec<Page>, ConfigError> {
    const ABOUT: [(&str, &str); 3] = [
        ("/livez", "Should it be left alone?"),
        ("/readyz", "Should traffic come here?"),
        ("/startupz", "Has it started?"),
    ];
    let Some(health) = health else {
        let [live, ready_path, startup] = ABOUT;
        return Ok(vec![
            pages::probe(live.0, live.1, "", || true),
            pages::probe(ready_path.0, ready_path.1, "not ready\n", ready.unwrap_or(yes())),
            pages::probe(startup.0, startup.1, "not started\n", started.unwrap_or(yes())),
        ]);
    };
    if ready.is_some() || started.is_some() {
        return Err(ConfigError::new(
            "admin.ready_when",
            "a function",
            "the probes are answered by health checks already",
            "gate readiness or startup in the health builder instead",
        ));
    }
    let mut pages: Vec<_> = ABOUT
        .into_iter()
        .map(|(path, about)| Page::service(path, about, health.service()))
        .collect();
    let one = Page::service("/readyz/{check}", "One check.", health.service());
    pages.push(one);
    Ok(pages)
}

fn yes() -> Question {
    Box::new(|| true)
}

impl fmt::Debug for AdminBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminBuilder")
            .field("listen", &self.address)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}
