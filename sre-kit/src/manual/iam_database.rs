//! An IAM database: PostgreSQL without a password.
//!
//! On Google Cloud a pod has an identity: its Kubernetes service account, or a Google service
//! account that it may act as. Cloud SQL accepts an access token of that account instead of a
//! password. Tokens are valid for an hour. The kit requests them, renews them ahead of time, and
//! uses the newest one for each login. The pool, sea-orm and your code never hold a token.
//!
//! It is the module [`db`](crate::db) with the feature `db-iam`. The feature `db` alone accepts
//! passwords, or your own [`TokenSource`].
//!
//! # One variable selects the login
//!
//! | `DATABASE_URL` | Login |
//! |---|---|
//! | `sqlite://shop.sqlite`, `sqlite::memory:` | SQLite (feature `db-sqlite`). |
//! | `postgres://USER@HOST/DB` | By password, from `DATABASE_PASSWORD_FILE` or `DATABASE_PASSWORD`. |
//! | `postgres+iam://shop%40my-project.iam@10.0.0.3:5432/shop` | By token, directly at the server's private address. `DATABASE_CA_FILE` names the file with the server's CA. |
//! | `cloudsql://shop%40my-project.iam@my-project:europe-west1:main/shop?ip=private` | By token, with the Cloud SQL connector: a client certificate for each process, and mutual TLS on port 3307. |
//!
//! Prefer `postgres+iam`: it needs no other service of Google to start. The connector needs a route
//! to `sqladmin.googleapis.com`, and the role `cloudsql.client` beside `cloudsql.instanceUser`. In
//! return it finds the address and the CA by itself: it accepts `?ip=private`, `public` or `psc`,
//! but neither a host nor `DATABASE_CA_FILE`. Set `DATABASE_SQLADMIN_ENDPOINT` if your network has
//! the Admin API under another name.
//!
//! If you have another pool or another PostgreSQL client, use the connector alone: see
//! [`db::connector`].
//!
//! # In `main`
//!
#![cfg_attr(feature = "db-postgres", doc = "```no_run")]
#![cfg_attr(not(feature = "db-postgres"), doc = "```ignore")]
//! use std::time::Duration;
//! use sre_kit::SreKit;
//! use sre_kit::db::{Db, DbMetrics, DbSettings};
//! use sre_kit::metrics::Registry;
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! let db = Db::new(&DbSettings::from_env()?, &DbMetrics::new(&registry)?)?;
//! // Adds the readiness check, the pool's saturation, and `close` in the graceful shutdown.
//! let kit = SreKit::builder(sre_kit::build_info!()).registry(&registry).database(&db).build()?;
//! // A new grant takes a moment to propagate, and the server may be starting.
//! db.connect(Duration::from_secs(30)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Pass `&db` wherever sea-orm takes a connection.
//!
//! # Behaviour during failures
//!
//! | What fails | What happens |
//! |---|---|
//! | the token source, for minutes | Existing connections stay open and are not replaced. The check is degraded; the instance stays ready. |
//! | the Admin API, for minutes | The current certificate is used until it expires, at most an hour. After that, as above. |
//! | a certificate is revoked, or the instance gets a new CA | The login waits up to 2 s for a newer certificate and is tried once more. |
//! | the server rejects a token | The login waits up to 2 s for a newer token and is tried once more. No request notices it. |
//! | the metadata server returns 403 while the process starts | The token source is reset and called again. |
//! | the server restarts | New connections are opened when they are needed. |
//! | the pod is terminated | The graceful shutdown drains the requests, then closes the pool, then the bridge. |
//!
//! # The number of connections
//!
//! The size of a pool times the maximum number of pods, including those of a rollout, has to stay within
//! the server's limit:
#![cfg_attr(feature = "db-postgres", doc = "```")]
#![cfg_attr(not(feature = "db-postgres"), doc = "```ignore")]
//! // The server allows 100. 10 are kept for people and migrations; 8 pods, and 1 more in a rollout.
//! assert_eq!(sre_kit::db::pool_size(100, 10, 9)?, 10);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! The chart computes the same from its values, and refuses values that do not fit.
//!
//! # Migrations
//!
//! Run migrations with another account, which owns the schema, in a Job before the new pods start.
//! The account of the service may only read and write rows. `demo-app migrate` reads the same
//! variables with the other user. Many processes may start it at the same time: one migrates, and
//! the others find nothing to do (feature `migrate`). With `--grant-to ROLE` it grants the service's
//! account the use of the tables.
//!
//! # What to watch
//!
//! | Query | Shows |
//! |---|---|
//! | `max(sre_kit_db_auth_token_age_seconds) > 3500` | Tokens are no longer renewed. |
//! | `min(sre_kit_db_cert_expiry_seconds) < 600` | Certificates are no longer renewed (`cloudsql:`). |
//! | `sum by (outcome) (rate(sre_kit_db_logins_total[5m]))` | Whether logins are refused or fail. |
//! | `sum(db_client_connections{db_client_connection_state="used"}) / sum(db_client_connection_max)` | The share of the pools that is in use. |
//! | `histogram_quantile(0.99, sum by (le) (rate(db_client_connection_wait_time_seconds_bucket[5m])))` | How long requests wait for a connection. |
//!
//! The console shows the pool, the waits and the age of the token.
//!
#![cfg_attr(feature = "db", doc = "[`TokenSource`]: crate::db::TokenSource")]
#![cfg_attr(not(feature = "db"), doc = "[`TokenSource`]: crate#features")]
#![cfg_attr(feature = "db-iam", doc = "[`db::connector`]: crate::db::connector")]
#![cfg_attr(not(feature = "db-iam"), doc = "[`db::connector`]: crate#features")]
