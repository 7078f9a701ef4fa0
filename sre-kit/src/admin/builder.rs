//! The builder of the admin listener.

use std::fmt;
use std::sync::Arc;

use super::listen::{Listen, ServerSettings};
use super::page::Page;
use super::page_router::PageRouter;
use super::probe_pages::{ProbeFn, probe_pages};
use super::{Admin, builtin_pages, response};
use crate::ConfigError;
use crate::health::Health;
use crate::metrics::{BuildInfo, Exposition, Registry};
use crate::server::ConnectionMetrics;

/// The default address, with the port of OpenTelemetry's Prometheus exporters.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9464";

impl Admin {
    /// Creates a listener with the defaults: metrics and probes on `127.0.0.1:9464`.
    ///
    /// # Errors
    ///
    /// Returns an error if `registry` holds a metric with the name of one that the exposition
    /// reports.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        Self::builder().build(registry)
    }

    /// Returns a builder.
    pub fn builder() -> AdminBuilder {
        AdminBuilder {
            exposition: None,
            address: DEFAULT_ADDRESS.to_owned(),
            build: None,
            health: None,
            ready: None,
            started: None,
            pages: Vec::new(),
            #[cfg(feature = "console")]
            console: None,
            server: ServerSettings::default(),
        }
    }
}

/// A builder of an [`Admin`].
#[must_use = "nothing is served before `build` and `start`"]
pub struct AdminBuilder {
    exposition: Option<Exposition>,
    address: String,
    build: Option<BuildInfo>,
    health: Option<Health>,
    ready: Option<ProbeFn>,
    started: Option<ProbeFn>,
    pages: Vec<Page>,
    #[cfg(feature = "console")]
    console: Option<super::Console>,
    server: ServerSettings,
}

impl AdminBuilder {
    /// Sets the address to listen on. Defaults to `127.0.0.1:9464`.
    ///
    /// In a pod, where scrapers and the kubelet connect from outside, use `0.0.0.0:9464`. With
    /// port 0 the system picks a free port; see
    /// [`RunningAdmin::local_addr`](super::RunningAdmin::local_addr).
    ///
    /// There is no authentication: every client that can connect can read all pages. Keep the port
    /// out of Services and behind a network policy.
    pub fn listen(mut self, address: impl fmt::Display) -> Self {
        self.address = address.to_string();
        self
    }

    /// Sets the exposition that serves `/metrics`, for other limits than the default ones. Defaults
    /// to one of the registry that [`build`](Self::build) gets.
    pub fn exposition(mut self, exposition: Exposition) -> Self {
        self.exposition = Some(exposition);
        self
    }

    /// Sets the build, which is shown at `/version` and as the metric `build_info`.
    pub fn build_info(mut self, build: BuildInfo) -> Self {
        self.build = Some(build);
        self
    }

    /// Sets the health checks that answer the probes.
    pub fn health(mut self, health: &Health) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// Sets a function that answers `/readyz`, as an alternative to [`health`](Self::health). It
    /// must not block. Without either of them the service is always ready.
    pub fn ready_when(mut self, ready: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.ready = Some(Box::new(ready));
        self
    }

    /// Sets a function that answers `/startupz`; see [`ready_when`](Self::ready_when).
    pub fn started_when(mut self, started: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.started = Some(Box::new(started));
        self
    }

    /// Adds a page.
    pub fn page(mut self, page: Page) -> Self {
        self.pages.push(page);
        self
    }

    /// Adds the console, which shows the service in a browser, at `/` and `/console`. If you
    /// register your own page at `/`, the console is only served at `/console`.
    #[cfg(feature = "console")]
    pub fn console(mut self, console: &super::Console) -> Self {
        self.console = Some(console.clone());
        self
    }

    /// Adds the page `/loglevel`: `GET` returns the log level, and `POST` changes it, from this
    /// machine only.
    ///
    /// ```text
    /// curl -d 'info,my_crate=debug' localhost:9464/loglevel
    /// ```
    #[cfg(feature = "telemetry")]
    pub fn log_level(mut self, level: &crate::telemetry::LogLevel) -> Self {
        self.pages.extend(super::log_level::pages(level));
        self
    }

    /// Sets how many connections may be open at the same time. Further clients wait until one is
    /// closed. At least 1. Defaults to 64.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.server.max_connections = limit;
        self
    }

    /// Adds the listener to `metrics`, with the label `listener="admin"`. By default it has no
    /// connection metrics.
    pub fn connection_metrics(mut self, metrics: &ConnectionMetrics) -> Self {
        self.server.metrics = Some(metrics.clone());
        self
    }

    /// Builds the admin pages from the settings and `registry`. Nothing listens before
    /// [`Admin::start`].
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - the address is not an IP address with a port;
    /// - the limit of connections is zero;
    /// - the path of a page is malformed, or another page has the same path and method;
    /// - there are both [`health`](Self::health) and a function for a probe;
    /// - the registry already has a metric that the exposition or the build registers.
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
                "no client could connect",
                "leave it out to have 64",
            ));
        }
        let exposition = match self.exposition {
            Some(exposition) => exposition,
            None => Exposition::new(registry)?,
        };
        let mut all = vec![Page::service("/metrics", "Metrics, for scrapers.", exposition)];
        all.extend(probe_pages(self.health, self.ready, self.started)?);
        all.extend(self.build.as_ref().map(builtin_pages::version));
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
            let list: Arc<str> = builtin_pages::list(all.iter()).into();
            let index = Page::get("/", "This list.", move |_| {
                std::future::ready(response::text(http::StatusCode::OK, list.to_string()))
            });
            all.push(index.unlisted());
        }
        let pages = Arc::new(PageRouter::new(all)?);
        // Last, so that an error above leaves the registry without the build's metric.
        if let Some(build) = self.build {
            build.register(registry)?;
        }
        Ok(Admin { pages, listen: Listen { address, server: self.server } })
    }
}

impl fmt::Debug for AdminBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminBuilder")
            .field("listen", &self.address)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}
