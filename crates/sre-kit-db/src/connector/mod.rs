//! The Cloud SQL connector: verified connections to an instance, by its name.
//!
//! [`Db`](crate::Db) uses it for `cloudsql:` URLs. Use it directly if you have another pool or
//! another PostgreSQL client: [`Connector::connect`] returns a [`ConnectorStream`], which is
//! `AsyncRead + AsyncWrite`, and the user to log in as. With tokio-postgres, for example, pass the
//! stream to `Config::connect_raw` with `NoTls`: it is encrypted already.
//!
//! ```no_run
//! use sre_kit_db::connector::{Connector, IpKind};
//! use sre_kit_db::{DbMetrics, GoogleTokens};
//! use sre_kit_metrics::Registry;
//! use tokio::io::{AsyncRead, AsyncWrite};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! let connector = Connector::builder()
//!     .instance("my-project:europe-west1:main")
//!     .ip_kind(IpKind::Private)
//!     .user("shop@my-project.iam.gserviceaccount.com")
//!     .token_source(GoogleTokens::login()) // the default
//!     .build(&DbMetrics::new(&registry)?)?;
//!
//! let stream = connector.connect().await?;
//! let user = stream.login().user().to_owned(); // shop@my-project.iam
//! log_in(stream, &user).await?;
//! # Ok(())
//! # }
//! # async fn log_in(_: impl AsyncRead + AsyncWrite, _: &str) -> std::io::Result<()> { Ok(()) }
//! ```
//!
//! # How it works
//!
//! The connector asks Cloud SQL's Admin API for the instance's address and CA (`connectSettings`),
//! and for a client certificate that contains the login token (`generateEphemeralCert`). It then
//! connects with mutual TLS 1.3 to the proxy on port 3307 beside the server. The server asks for no
//! password: send a `StartupMessage` with the user of [`ConnectorLogin`] and the database, and it
//! answers `AuthenticationOk`.
//!
//! The account needs the roles `roles/cloudsql.client` and `roles/cloudsql.instanceUser`, and the
//! network a route to `sqladmin.googleapis.com`.
//!
//! The server's certificate has to be signed by the CA that the API returns, for one of the
//! instance's DNS names. An instance with its own CA (`GOOGLE_MANAGED_INTERNAL_CA`) may show
//! the common name `PROJECT:INSTANCE` instead.
//!
//! # Refreshes
//!
//! One task asks the Admin API, however many connections are made:
//!
//! - at half of a certificate's life, with a jitter of a tenth;
//! - as soon as there is a new token;
//! - after a connection, a handshake or a login failed: twice at once, then once in 30 s.
//!
//! A call that fails because the API is busy is repeated up to five times with exponential backoff.
//! If all of them fail, the task asks again after at most 30 s. The current certificate stays in
//! use until it expires.
//!
//! # TLS provider
//!
//! The client certificates are issued for an RSA key, as in Google's connectors. ring generates no
//! RSA keys, so the connector needs the feature `aws-lc-rs`.
//!
//! The protocol is that of Google's own connectors, see
//! [cloud-sql-go-connector](https://github.com/GoogleCloudPlatform/cloud-sql-go-connector). Their
//! metadata exchange is left out: it serves MySQL.

mod admin_api;
mod api_client;
mod builder;
mod client_key;
mod connect_settings;
mod connection_info;
mod error;
mod handle;
mod issuer;
mod login;
mod refresh_limiter;
mod refresher;
mod stream;

pub use builder::ConnectorBuilder;
pub use error::{ConnectorError, ConnectorErrorKind};
pub use handle::Connector;
pub use login::ConnectorLogin;
pub use stream::ConnectorStream;

pub use crate::ip_kind::IpKind;

#[cfg(test)]
mod tests;
