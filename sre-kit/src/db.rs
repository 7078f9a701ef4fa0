//! PostgreSQL pools that log in by password, by token or with Google Cloud IAM, and keep serving
//! while the credentials fail; and migrations that many processes may start at the same time.
//!
//! This is the crate [`sre-kit-db`](https://docs.rs/sre-kit-db), which also works alone. The pool
//! is sea-orm's: pass [`&Db`](Db) wherever sea-orm takes a connection. The kit adds a readiness
//! check, the pool's saturation, and its place in the graceful shutdown:
//!
//! ```no_run
//! use std::time::Duration;
//! use sre_kit::SreKit;
//! use sre_kit::db::{Db, DbMetrics, DbSettings};
//! use sre_kit::metrics::Registry;
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! let db = Db::new(&DbSettings::from_env()?, &DbMetrics::new(&registry)?)?;
//! let kit = SreKit::builder(sre_kit::build_info!()).registry(&registry).database(&db).build()?;
//! db.connect(Duration::from_secs(60)).await?;
//! // `&db` is sea-orm's connection: `Entity::find().all(&db).await?`
//! # Ok(())
//! # }
//! ```
//!
//! | Item | For |
//! |---|---|
//! | [`DbSettings`] | the URL and the environment variables |
//! | [`Db`], [`DbTransaction`] | the pool, as sea-orm's connection |
//! | [`DbHealth`], [`DbError`] | the result of a check, and of a first login |
//! | [`TokenSource`], [`Token`], [`Secret`] | your own credentials |
//! | [`DbMetrics`] | the metric families |
//! | [`pool_size`] | the size of a pool, from the server's limit and the number of instances |
//! | [`connector`] (feature `db-iam`) | the Cloud SQL connector, for another pool or client |
//!
//! [`manual::iam_database`](crate::manual::iam_database) is the guide to a database without a
//! password.
//!
//! The example [`database`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/database.rs) is a complete program.
//!
//! # Database URLs
//!
//! | `DATABASE_URL` | Login |
//! |---|---|
//! | `sqlite://file.sqlite`, `sqlite::memory:` | None. Needs the feature `db-sqlite`. |
//! | `postgres://USER[:PASSWORD]@HOST:PORT/DB` | By password. Needs the feature `db-postgres`, as the next two do. Uses TLS if the server's CA is set; `?sslmode=disable` or `?sslmode=verify-full` make it explicit. |
//! | `postgres://USER@%2Fvar%2Frun%2Fpostgresql:5432/DB` | By password or peer authentication, through the Unix socket in that directory. Logins and bytes are not counted. |
//! | `postgres+iam://USER@HOST:5432/DB` | By token, over TLS. Needs a [`TokenSource`], or the feature `db-iam` for Google's credentials. |
//! | `cloudsql://USER@PROJECT:REGION:INSTANCE/DB?ip=private` | By a client certificate that contains a token, see [The Cloud SQL connector](#the-cloud-sql-connector). Needs the feature `db-iam`. `ip` is `private`, `public` or `psc`, and defaults to `private`. |
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
//! this process. Behind it a bridge dials the server, verifies its certificate (chain, dates, and
//! the DNS name or Cloud SQL's common name), and responds to the password request with the newest
//! token. If the server rejects the token, the bridge gets a new one and tries the login once more.
//! The query that waits for the connection does not notice.
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
#![cfg_attr(
    not(feature = "db-iam"),
    doc = "[`connector`]: https://docs.rs/sre-kit-db/latest/sre_kit_db/connector/index.html"
)]

#[cfg(feature = "db-iam")]
#[doc(inline)]
pub use sre_kit_db::GoogleTokens;
#[cfg(feature = "migrate")]
#[doc(inline)]
pub use sre_kit_db::MigrateSettings;
#[cfg(feature = "db-iam")]
#[doc(inline)]
pub use sre_kit_db::connector;
#[doc(inline)]
pub use sre_kit_db::{
    Db, DbError, DbErrorKind, DbHealth, DbMetrics, DbSettings, DbTransaction, Secret, Token,
    TokenError, TokenSource, pool_size,
};
