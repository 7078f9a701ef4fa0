//! The admin listener: metrics, probes, the version, and custom pages on a second port.
//!
//! Operators, probers and scrapers have a separate address, with a separate accept loop and
//! separate limits. A flood of requests on the service's port can therefore not delay a probe, and
//! the pages are not published together with the service.
//!
//! ```
//! use std::time::Duration;
//! use sre_kit::admin::Admin;
//! use sre_kit::metrics::Registry;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let registry = Registry::new();
//! let admin = Admin::builder()
//!     .listen("127.0.0.1:0")
//!     .build_info(sre_kit::build_info!())
//!     .build(&registry)?;
//! let running = admin.start().await?;
//! println!("admin pages on {:?}", running.local_addr());
//! // When everything else has ended:
//! running.shutdown(Duration::from_secs(1)).await;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Pages
//!
//! | Path | Content |
//! |---|---|
//! | `/` | the [console] for browsers, if there is one, and the list of pages for other clients; or your own page |
//! | `/metrics` | the registry, see [`Exposition`](crate::metrics::Exposition) |
//! | `/livez`, `/readyz`, `/startupz`, `/readyz/{check}` | the probes, see [`Health::service`](crate::health::Health::service) |
//! | `/version` | service, version, revision and compiler of the build, as text or JSON |
//! | `/loglevel` | the log level, with `AdminBuilder::log_level`; a POST changes it |
//!
//! [`AdminBuilder::page`] adds further pages. Every response has `Cache-Control: no-store`,
//! `X-Content-Type-Options: nosniff` and `Cross-Origin-Resource-Policy: same-origin`, unless the
//! page sets these headers itself.
//!
//! # Who may ask
//!
//! | A request | reads the probes, `/metrics`, `/version` and [`Page::public`] pages | reads the other pages | changes something |
//! |---|---|---|---|
//! | from this machine | yes | yes | yes |
//! | with the token, or a client certificate | yes | yes | yes, if no proxy forwarded it |
//! | from elsewhere | yes | if the listener is [open](AdminBuilder::open) | no |
//!
//! A request is from this machine if it came over the Unix socket, or if its peer is 127.0.0.1 or
//! ::1, its `Host` is a loopback one, and it has no header of a proxy (`Forwarded`, `Via`,
//! `X-Forwarded-*`, `X-Real-IP`, and similar). `kubectl port-forward` connects from this machine. A
//! proxy on this machine that adds no such header and sends a loopback `Host` is indistinguishable
//! from it: do not put one in front of this listener.
//!
//! A request that the page of another site sent in a browser (`Sec-Fetch-Site` or `Origin`) changes
//! nothing. A listener on a loopback address answers requests for loopback hosts only, so that no
//! site can read it through a name that points to this machine (DNS rebinding).
//!
//! # Environment
//!
//! [`AdminBuilder::with_env`], and [`SreKitBuilder::with_env`](crate::SreKitBuilder::with_env), read
//! these variables:
//!
//! | Variable | Sets |
//! |---|---|
//! | `SRE_KIT_ADMIN` | [`AdminBuilder::listen`]; `SreKit` takes `off` for no admin listener |
//! | `SRE_KIT_ADMIN_TOKEN_FILE` | [`AdminBuilder::token_file`] |
//! | `SRE_KIT_ADMIN_OPEN` | [`AdminBuilder::open`], `true` or `false` |
//! | `SRE_KIT_ADMIN_TLS_CERT_FILE`, `SRE_KIT_ADMIN_TLS_KEY_FILE` | with the feature `tls`: the certificate and the key of `AdminBuilder::tls` |
//! | `SRE_KIT_ADMIN_TLS_CLIENT_CA_FILE` | with the feature `tls`: the authorities of client certificates |
//!
//! # Refused requests
//!
//! | Status | When |
//! |---|---|
//! | 400 | the request names no host, or several, or a malformed one |
//! | 401 | the page needs the token, and there is one |
//! | 403 | the client may not read the page, or change something |
//! | 404 | no page has the path; the response lists the pages |
//! | 405 | the page does not have the method; `Allow` lists its methods |
//! | 408 | the body does not arrive within 10 s |
//! | 413 | the body is larger than 64 KiB |
//! | 414 | the request target is longer than 8 KiB |
//! | 421 | the listener is bound to a loopback address, and the request is for another host |
//! | 431 | the request head is larger than 16 KiB |
//! | 500 | the page failed or panicked |
//!
//! # Limits
//!
//! | Limit | Value |
//! |---|---|
//! | open connections | [`AdminBuilder::max_connections`], 256 by default; one that waits for its client is closed for a new one |
//! | time for a request head | 5 s |
//! | idle time of a connection | 75 s |
//! | requests in flight per HTTP/2 connection | 32 |

mod access;
mod body;
mod builder;
mod builtin_pages;
#[cfg(feature = "console")]
pub mod console;
mod environment;
mod future;
mod listen;
#[cfg(feature = "telemetry")]
mod log_level;
mod page;
mod page_router;
mod probe_pages;
mod response;
mod running_admin;
mod service;
#[cfg(unix)]
mod unix_socket;

use std::fmt;
use std::sync::Arc;

pub use body::AdminBody;
pub use builder::AdminBuilder;
#[cfg(feature = "console")]
pub use console::{Console, ConsoleBuilder};
pub use future::AdminFuture;
pub use page::{AdminRequest, Page};
pub use running_admin::RunningAdmin;
pub use service::AdminService;

use self::access::Access;
use self::listen::Listen;
use self::page_router::PageRouter;
use crate::ConfigError;

/// The admin pages, to be served on their own listener with [`start`](Self::start), or on any
/// router with [`service`](Self::service).
#[must_use = "nothing is served before `start`"]
pub struct Admin {
    pages: Arc<PageRouter>,
    access: Arc<Access>,
    listen: Listen,
}

impl Admin {
    /// Returns the pages as a tower `Service`.
    ///
    /// On a server that does not add
    /// [`connection_info`](crate::server::ServerBuilder::connection_info) to requests, it is not known
    /// who asks: requests without the token see the public pages only, unless the pages are
    /// [open](AdminBuilder::open).
    pub fn service(&self) -> AdminService {
        AdminService::new(Arc::clone(&self.pages), Arc::clone(&self.access))
    }

    /// Binds the address and starts to serve in the background.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - the address is in use, or is not an address of this machine;
    /// - this user may not listen on the port;
    /// - the connection metrics already have a server of the name `admin`.
    ///
    /// # Panics
    ///
    /// Panics if it is polled outside of a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// This future is cancel safe: if it is dropped, nothing listens.
    pub async fn start(self) -> Result<RunningAdmin, ConfigError> {
        let Self { pages, access, listen } = self;
        if !listen.address.is_loopback() && access.is_default() {
            tracing::info!(
                "clients elsewhere see the probes, /metrics and /version of the admin listener; \
                 SRE_KIT_ADMIN_TOKEN_FILE gives them the other pages"
            );
        }
        running_admin::start(AdminService::new(pages, access), listen).await
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("listen", &self.listen)
            .field("access", &self.access)
            .field("pages", &self.pages)
            .finish()
    }
}
