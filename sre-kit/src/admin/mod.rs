//! The second listener: metrics, probes, the version, and pages of one's own.
//!
//! What an operator, a prober or a scraper asks is answered on an address of its
//! own, by an accept loop of its own with its own limits, so that a flood on the
//! service's port cannot keep a probe from being answered, and nothing of this
//! is ever published with the service.
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
//! // Last of all, when everything else has ended:
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
//! | `/` | the [console] for a browser, if there is one; the list of pages for everybody else; or a page of one's own |
//! | `/metrics` | the registry, see [`Exposition`](crate::metrics::Exposition) |
//! | `/livez`, `/readyz`, `/startupz`, `/readyz/{check}` | the probes, see [`Health::service`](crate::health::Health::service) |
//! | `/version` | which build runs, as text or JSON |
//! | `/loglevel` | what is logged; changed by a POST from this machine, with `AdminBuilder::log_level` |
//!
//! More are added with [`AdminBuilder::page`]. Every response has
//! `Cache-Control: no-store` and `X-Content-Type-Options: nosniff` unless the
//! page says otherwise.
//!
//! # What is refused
//!
//! | Status | When |
//! |---|---|
//! | 403 | a method that may change something, from elsewhere than this machine: see [`Page::post`] |
//! | 404 | a path that no page has; the answer lists those that exist |
//! | 405 | a method that the page does not know; `Allow` names those it does |
//! | 408 | a body that does not arrive in 10 seconds |
//! | 413 | a body of more than 64 KiB |
//! | 414 | a target of more than 8 KiB |
//! | 431 | a head of more than 16 KiB |
//! | 500 | a page that panicked |
//!
//! Connections past the limit wait in the listener's backlog.

mod answer;
mod body;
mod builder;
#[cfg(feature = "console")]
pub mod console;
mod guard;
#[cfg(feature = "telemetry")]
mod log_level;
mod page;
mod pages;
mod running;
mod service;

use std::fmt;
use std::sync::Arc;

pub use body::AdminBody;
pub use builder::AdminBuilder;
#[cfg(feature = "console")]
pub use console::{Console, ConsoleBuilder};
pub use page::{AdminRequest, Page};
pub use running::RunningAdmin;
pub use service::{AdminFuture, AdminService};

use self::builder::Listen;
use self::service::Pages;
use crate::ConfigError;

/// The admin pages, ready to be served on a listener of their own, or on any
/// router by [`service`](Self::service).
pub struct Admin {
    pages: Arc<Pages>,
    listen: Listen,
}

impl Admin {
    /// Begins an admin listener that shows `registry`.
    pub fn builder() -> AdminBuilder {
        AdminBuilder::new()
    }

    /// The pages as a tower `Service`.
    pub fn service(&self) -> AdminService {
        AdminService::new(Arc::clone(&self.pages))
    }

    /// Binds the address and answers from now on, in the background.
    ///
    /// # Errors
    ///
    /// When the address cannot be had: it is in use, not one of this machine's,
    /// or not for this user.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn start(self) -> Result<RunningAdmin, ConfigError> {
        running::start(self.service(), self.listen).await
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("listen", &self.listen).field("pages", &self.pages).finish()
    }
}
