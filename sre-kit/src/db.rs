//! A database pool that logs in by password or by token, outlives an outage of its
//! credentials, and can be observed; and migrations that many instances may start.
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
//! let kit = SreKit::builder(sre_kit::build_info!())
//!     .registry(&registry)
//!     .database(&db) // a check, the pool's saturation, its place in the way out
//!     .build()?;
//! db.connect(Duration::from_secs(60)).await?;
//! // `&db` is sea-orm's connection: `Entity::find().all(&db).await?`
//! # Ok(())
//! # }
//! ```
//!
//! # One URL
//!
//! | `DATABASE_URL` | Login |
//! |---|---|
//! | `sqlite://file.sqlite`, `sqlite::memory:` | none; needs the feature `db-sqlite` |
//! | `postgres://USER[:PASSWORD]@HOST:PORT/DB` | by password; TLS where the server's CA is given, `?sslmode=disable` or `verify-full` says so aloud |
//! | `postgres://USER@%2Fvar%2Frun%2Fpostgresql:5432/DB` | through the socket in that directory; no logins and bytes are counted there |
//! | `postgres+iam://USER@HOST:5432/DB` | by token, over TLS: a private address of Cloud SQL, and a [`TokenSource`] or, with the feature `db-iam`, Google's credentials |
//! | `cloudsql://USER@PROJECT:REGION:INSTANCE/DB?ip=private` | by token in a certificate, the Cloud SQL connector's way: see below; needs the feature `db-iam`. `ip` is `private` unless it is written, or `public` or `psc` |
//!
//! What is not in letters, digits and `-._~` is percent-encoded: the IAM user
//! `app@project.iam` is written `app%40project.iam`. See [`DbSettings`] for the rest.
//!
//! # Tokens
//!
//! One task owns the credentials. It asks the [`TokenSource`] ahead of time and one
//! question at a time, and makes it start over when it is stuck: `google-cloud-auth`
//! ends for good at its first answer in the four hundreds.
//!
//! sqlx never holds a token. It connects to a socket inside the process, which only
//! this process can use; behind it the server is dialled, its certificate verified
//! (chain, dates, and the name or Cloud SQL's common name), and the request for a
//! password answered with the newest token. A token that the server refuses is replaced
//! and the login tried once more, unseen by the query that waits for it.
//!
//! # The Cloud SQL connector
//!
//! With `cloudsql:` nobody has to know an address or a CA. The Admin API tells both
//! (`connectSettings`) and signs a certificate for this process that has the token in it
//! (`generateEphemeralCert`); the server's proxy on port 3307 takes it in a handshake of
//! mutual TLS 1.3, and asks for no password. The account needs `roles/cloudsql.client`
//! beside `roles/cloudsql.instanceUser`, and a route to `sqladmin.googleapis.com`.
//!
//! The server has to show a certificate of the CA that the API tells, for one of the
//! instance's DNS names; an instance with a CA of its own
//! (`GOOGLE_MANAGED_INTERNAL_CA`) may show the common name `PROJECT:INSTANCE` instead.
//!
//! One task asks: at half of a certificate's life, give or take a tenth; when there is a
//! new token; and out of turn when a dial, a handshake or a login has failed, twice at
//! once and then each thirty seconds. A login that failed so waits up to two seconds for
//! the newer certificate and is tried once more, unseen by its query. An API that is
//! busy is asked six times within one such turn, and then again after up to thirty
//! seconds; what was good stays in use until it is over.
//!
//! # An outage of the credentials
//!
//! A session outlives its token. So connections are renewed one after the other while
//! logging in works, and not at all while it does not, up to four lifetimes: an outage
//! of IAM fails no query of a pool that is large enough. Meanwhile
//! [`Db::check`] says *degraded*, and `sre_kit_db_recycling_paused` is 1.
//!
//! # Migrations
//!
//! With the feature `migrate`, [`Db::migrate`](Db#method.migrate) brings the schema up to
//! date, one process at a time; [`Db::wait_migrated`](Db#method.wait_migrated) is for the
//! instances that do not. Give the migrator a role of its own that owns the schema, and
//! the application one that may only read and write rows:
//!
//! ```sql
//! REVOKE CREATE ON SCHEMA public FROM PUBLIC;
//! GRANT CREATE, USAGE ON SCHEMA public TO migrator;
//! GRANT USAGE ON SCHEMA public TO app;
//! ALTER DEFAULT PRIVILEGES FOR ROLE migrator IN SCHEMA public
//!     GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app;
//! ```
//!
//! `app` has to be able to read `seaql_migrations`, as it is by the last statement.

#[cfg(feature = "db-iam")]
#[doc(inline)]
pub use sre_kit_db::GoogleTokens;
#[cfg(feature = "migrate")]
#[doc(inline)]
pub use sre_kit_db::MigrateSettings;
#[doc(inline)]
pub use sre_kit_db::{
    Db, DbError, DbErrorKind, DbHealth, DbMetrics, DbSettings, DbTransaction, Secret, Token,
    TokenError, TokenSource, pool_size,
};
