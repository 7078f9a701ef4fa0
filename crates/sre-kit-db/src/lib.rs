//! PostgreSQL pools that log in by password, by token or with Google Cloud IAM, and keep serving
//! while the credentials fail; and migrations that many processes may start at the same time.
//!
//! The pool is sea-orm's: pass [`&Db`](Db) wherever sea-orm takes a connection.
//!
//! ```no_run
//! use std::time::Duration;
//! use sre_kit_db::{Db, DbMetrics, DbSettings};
//! use sre_kit_metrics::Registry;
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! let db = Db::new(&DbSettings::from_env()?, &DbMetrics::new(&registry)?)?;
//! db.connect(Duration::from_secs(60)).await?;
//! // `&db` is sea-orm's connection: `Entity::find().all(&db).await?`
//! # Ok(())
//! # }
//! ```
//!
//! # Database URLs
//!
//! | `DATABASE_URL` | Login |
//! |---|---|
//! | `sqlite://file.sqlite`, `sqlite::memory:` | None. Needs the feature `sqlite`. |
//! | `postgres://USER[:PASSWORD]@HOST:PORT/DB` | By password. Needs the feature `postgres`, as the next two do. Uses TLS if the server's CA is set; `?sslmode=disable` or `?sslmode=verify-full` make it explicit. |
//! | `postgres://USER@%2Fvar%2Frun%2Fpostgresql:5432/DB` | By password or peer authentication, through the Unix socket in that directory. Logins and bytes are not counted. |
//! | `postgres+iam://USER@HOST:5432/DB` | By token, over TLS. Needs a [`TokenSource`], or the feature `iam` for Google's credentials. |
//! | `cloudsql://USER@PROJECT:REGION:INSTANCE/DB?ip=private` | By a client certificate that contains a token, see [The Cloud SQL connector](#the-cloud-sql-connector). Needs the feature `iam`. `ip` is `private`, `public` or `psc`, and defaults to `private`. |
//!
//! Percent-encode everything except letters, digits and `-._~`: the IAM user `app@project.iam` is
//! written `app%40project.iam`. [`DbSettings`] has the other settings and their environment
//! variables.
//!
//! # Tokens
//!
//! One task owns the credentials. It calls the [`TokenSource`] before the token expires, one call
//! at a time, and [resets](TokenSource::reset) it after a permanent error. `google-cloud-auth`, for
//! example, never recovers from a response with a status 4xx without a reset.
//!
//! sqlx never holds a token. It connects to a Unix socket inside the process, which accepts only
//! this process; on Windows to a port of 127.0.0.1 that accepts only a secret of this process
//! ([`bridge_loopback`](DbSettings::bridge_loopback)). Behind it a bridge dials the server, verifies its certificate (chain, dates, and
//! the DNS name or Cloud SQL's common name), and responds to the password request with the newest
//! token. If the server rejects the token, the bridge gets a new one and tries the login once more.
//! The query that waits for the connection does not notice.
//!
//! # Statements that nothing waits for
//!
//! After the login the bridge follows the messages of the session, unless the URL names a Unix
//! socket of the server:
//!
//! - sqlx pings the server each time that a connection returns to the pool and before it is used
//!   again. The bridge answers by itself if the server spoke within the last second.
//! - When the future of a statement is dropped, the bridge cancels the statement at the server. The
//!   connection is free after one more connect to the server, at most 4 s. `COMMIT`, `ROLLBACK` and
//!   `COPY ... FROM STDIN` are not canceled.
//! - A session in which a statement is silent for its `statement_timeout` and 5 s more is closed, for
//!   example because the server's machine has stopped. A session that changes the timeout has no such
//!   limit.
//!
//! # The Cloud SQL connector
//!
//! With a `cloudsql:` URL you need neither the address nor the CA of the instance. The Admin API
//! returns both (`connectSettings`), and issues a client certificate that contains the token
//! (`generateEphemeralCert`). The proxy on port 3307 beside the server accepts it with mutual TLS
//! 1.3, and asks for no password. The account needs the role `roles/cloudsql.client` beside
//! `roles/cloudsql.instanceUser`, and the network a route to `sqladmin.googleapis.com`.
//!
//! The module [`connector`] describes how the server is verified and when certificates are
//! refreshed. It can be used without this pool. A login whose certificate is rejected waits up to 2
//! s for a newer one, and is then tried once more.
//!
//! # Outages of the credentials
//!
//! An existing session does not need its token any more. So the pool replaces connections one after
//! the other while logins succeed, and keeps them while logins fail, for up to four lifetimes. An
//! outage of IAM therefore fails no query of a pool that is large enough. Meanwhile [`Db::check`]
//! returns [`DbHealth::Degraded`], and `sre_kit_db_recycling_paused` is 1.
//!
//! # Migrations
//!
//! With the feature `migrate`, [`Db::migrate`](Db#method.migrate) brings the schema up to date, one
//! process at a time. [`Db::wait_migrated`](Db#method.wait_migrated) is for instances that do not
//! migrate. Give the migrator its own role, which owns the schema, and let the application's role
//! only read and write rows:
//!
//! ```sql
//! REVOKE CREATE ON SCHEMA public FROM PUBLIC;
//! GRANT CREATE, USAGE ON SCHEMA public TO migrator;
//! ```
//!
//! `MigrateSettings::grant_to` then lets the migrator grant `app` the use of the tables, present
//! and future, with each migration. `app` may only read the table `seaql_migrations`, which
//! `wait_migrated` needs.
//!
//! # Metrics and spans
//!
//! [`DbMetrics`] lists the metrics. Each statement has a span by the semantic conventions of
//! OpenTelemetry, with the target `sre_kit::db`. With the feature `telemetry` only statements in
//! sampled traces have one.
//!
//! # TLS
//!
//! TLS needs a provider of cryptography for rustls, which is your choice as in rustls itself. A
//! provider that the program has installed with `CryptoProvider::install_default` is used in any
//! case; otherwise it is that of the feature `aws-lc-rs` or `ring`, in this order. A URL that needs
//! TLS in a build that has none is an error that names these features.
//!
//! # Features
//!
//! | Feature | Adds |
//! |---|---|
//! | `aws-lc-rs` | TLS with aws-lc-rs. The Cloud SQL connector needs it. |
//! | `ring` | TLS with ring, which builds faster. |
//! | `postgres` | PostgreSQL, by password or by any token. |
//! | `sqlite` | SQLite. |
//! | `iam` | PostgreSQL with Google's application-default credentials, and the module [`connector`]. |
//! | `migrate` | Migrations, with sea-orm-migration. |
//! | `telemetry` | Spans only in sampled traces, and exemplars. |
//!
//! None is on by default.
//!
#![cfg_attr(
    not(feature = "iam"),
    doc = "[`connector`]: https://docs.rs/sre-kit-db/latest/sre_kit_db/connector/index.html"
)]
#![cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(
        unused,
        unreachable_code,
        clippy::unused_async,
        reason = "a build without a database only checks settings"
    )
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
#[cfg(feature = "postgres")]
mod bridge;
#[cfg(feature = "postgres")]
mod components;
#[cfg(feature = "iam")]
pub mod connector;
mod credentials;
mod db;
mod db_connection;
#[cfg(feature = "postgres")]
mod dialer;
mod error;
mod explain;
#[cfg(all(feature = "migrate", feature = "postgres"))]
mod grants;
mod health;
mod instance;
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "PostgreSQL uses the rest"))]
mod instrument;
#[cfg_attr(not(feature = "iam"), allow(unreachable_pub, reason = "the connector exports it"))]
mod ip_kind;
#[cfg(feature = "migrate")]
mod migrate;
mod pool;
mod pool_size;
mod secret;
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "PostgreSQL reads the rest"))]
mod settings;
#[cfg(feature = "postgres")]
mod transport;
#[cfg(feature = "postgres")]
mod wire;

#[cfg(feature = "iam")]
pub use credentials::GoogleTokens;
pub use credentials::{Token, TokenError, TokenSource};
pub use db::Db;
pub use error::{DbError, DbErrorKind};
pub use health::DbHealth;
pub use instrument::{DbMetrics, DbTransaction};
#[cfg(feature = "migrate")]
pub use migrate::MigrateSettings;
pub use pool_size::pool_size;
pub use secret::Secret;
pub use settings::DbSettings;
pub use sre_kit_core::{ConfigError, PoolUsage};

/// Items for the tools of this workspace. They may change in any release.
#[doc(hidden)]
pub mod internal {
    #[cfg(feature = "postgres")]
    pub use crate::wire::read_login;
}
