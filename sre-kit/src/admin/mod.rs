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
//! println!("http://{}/metrics", running.local_addr());
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
//! | `/loglevel` | the log level, with `AdminBuilder::log_level`; a POST from this machine changes it |
//!
//! [`AdminBuilder::page`] adds further pages. Every response has `Cache-Control: no-store` and
//! `X-Content-Type-Options: nosniff`, unless the page sets these headers itself.
//!
//! # Refused requests
//!
//! | Status | When |
//! |---|---|
//! | 403 | a POST does not come from this machine: see [`Page::post`] |
//! | 404 | no page has the path; the response lists the pages |
//! | 405 | the page does not have the method; `Allow` lists its methods |
//! | 408 | the body does not arrive within 10 s |
//! | 413 | the body is larger than 64 KiB |
//! | 414 | the request target is longer than 8 KiB |
//! | 431 | the request head is larger than 16 KiB |
//! | 500 | the page failed or panicked |
//!
//! # Limits
//!
//! | Limit | Value |
//! |---|---|
//! | open connections | [`AdminBuilder::max_connections`], 64 by default; more wait in the listener's backlog |
//! | time for a request head | 5 s |
//! | idle time of a connection | 75 s |
//! | requests in flight per HTTP/2 connection | 32 |

mod body;
mod builder;
mod builtin_pages;
#[cfg(feature = "console")]
pub mod console;
mod future;
mod listen;
mod local_only;
#[cfg(feature = "telemetry")]
mod log_level;
mod page;
mod page_router;
mod probe_pages;
mod response;
mod running_admin;
mod service;

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

use self::listen::Listen;
use self::page_router::PageRouter;
use crate::ConfigError;

/// The admin pages, to be served on their own listener with [`start`](Self::start), or on any
/// router with [`service`](Self::service).
#[must_use = "nothing is served before `start`"]
pub struct Admin {
    pages: Arc<PageRouter>,
    listen: Listen,
}

impl Admin {
    /// Returns the pages as a tower `Service`.
    pub fn service(&self) -> AdminService {
        AdminService::new(Arc::clone(&self.pages))
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
        let Self { pages, listen } = self;
        running_admin::start(AdminService::new(pages), listen).await
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("listen", &self.listen).field("pages", &self.pages).finish()
    }
}
