//! The builder of the admin listener.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::access::{Access, Token};
use super::listen::{Listen, ListenAddress, ServerSettings};
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
            token_file: None,
            open: false,
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
    token_file: Option<PathBuf>,
    open: bool,
    server: ServerSettings,
}

impl AdminBuilder {
    /// Sets the address to listen on. Defaults to `127.0.0.1:9464`.
    ///
    /// In a pod, where scrapers and the kubelet connect from outside, use `0.0.0.0:9464`. With
    /// port 0 the system picks a free port; see
    /// [`RunningAdmin::local_addr`](super::RunningAdmin::local_addr). `unix:/run/shop/admin.sock`
    /// is a Unix socket that the user and the group of the process may connect to.
    ///
    /// On an address that other machines can connect to, they see the probes, `/metrics` and
    /// `/version`; the other pages need [`token_file`](Self::token_file), a client certificate, or
    /// [`open`](Self::open), see [who may ask](super#who-may-ask).
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

    /// Sets the file of a bearer token, with which a client elsewhere reads all pages and may change
    /// something. By default there is none.
    ///
    /// The token has at least 16 visible ASCII characters. The file is read again when it changes,
    /// as a Secret that is mounted in a pod does. It must be readable when the listener is built.
    ///
    /// ```text
    /// curl -H "Authorization: Bearer $(cat token)" http://10.0.0.7:9464/slo
    /// ```
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_file = Some(path.into());
        self
    }

    /// Serves TLS on a TCP address. By default the listener speaks plain HTTP.
    ///
    /// With [`client_ca_file`](crate::server::ServerTlsBuilder::client_ca_file), a client whose
    /// certificate one of these authorities has issued may do what one with the token may. Clients
    /// without a certificate are accepted as well, because probes have none.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self, tls: crate::server::ServerTlsBuilder) -> Self {
        self.server.tls = Some(tls);
        self
    }

    /// Changes the settings of TLS, which has no file before.
    #[cfg(feature = "tls")]
    pub(super) fn overlay_tls(
        mut self,
        change: impl FnOnce(crate::server::ServerTlsBuilder) -> crate::server::ServerTlsBuilder,
    ) -> Self {
        let tls = self.server.tls.take().unwrap_or_else(crate::server::ServerTls::builder);
        self.server.tls = Some(change(tls));
        self
    }

    /// Sets whether every client that can connect may read all pages. Defaults to `false`. It
    /// permits no change.
    pub fn open(mut self, open: bool) -> Self {
        self.open = open;
        self
    }

    /// Overlays the settings with the environment variables of the [table](super#environment).
    ///
    /// # Errors
    ///
    /// Returns an error if a variable is malformed.
    pub fn with_env(self) -> Result<Self, ConfigError> {
        self.with_vars(|name| std::env::var(name).ok())
    }

    /// Overlays the settings with what `lookup` returns for the variables of the
    /// [table](super#environment). An empty value counts as none.
    ///
    /// # Errors
    ///
    /// Returns an error if a value is malformed.
    pub fn with_vars(self, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        super::environment::apply(self, lookup)
    }

    /// Sets how many connections may be open at the same time. At the limit, those that have waited
    /// for their clients longest are closed for new ones. At least 1. Defaults to 256, or to a quarter
    /// of the files that the process may open, if that is less.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.server.max_connections = Some(limit);
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
    /// - the address is neither an IP address with a port nor `unix:` and a path;
    /// - the file of the token, or of TLS, cannot be read or used;
    /// - the limit of connections is zero;
    /// - the path of a page is malformed, or another page has the same path and method;
    /// - there are both [`health`](Self::health) and a function for a probe;
    /// - the registry already has a metric that the exposition or the build registers.
    pub fn build(self, registry: &Registry) -> Result<Admin, ConfigError> {
        let address = ListenAddress::parse(&self.address)?;
        if self.server.max_connections == Some(0) {
            return Err(ConfigError::new(
                "admin.max_connections",
                0,
                "no client could connect",
                "leave it out to have 256",
            ));
        }
        let access =
            Access { token: self.token_file.map(Token::read).transpose()?, open: self.open };
        // Their files are read again when it starts; here, a bad one is an error of the settings.
        #[cfg(feature = "tls")]
        self.server.tls()?;
        let exposition = match self.exposition {
            Some(exposition) => exposition,
            None => Exposition::new(registry)?,
        };
        let mut all =
            vec![Page::service("/metrics", "Metrics, for scrapers.", exposition).public()];
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
        let listen = Listen { address, server: self.server };
        Ok(Admin { pages, access: Arc::new(access), listen })
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
