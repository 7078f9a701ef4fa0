//! An IAM database: PostgreSQL without a password.
//!
//! On Google Cloud a pod *is* somebody: its Kubernetes account, or a Google account
//! that it may act as. Cloud SQL takes an access token of that account in place of a
//! password. Tokens last an hour; the kit gets them, renews them ahead of time, and
//! hands the current one to each login. The pool, sea-orm and your code never hold one.
//!
//! It is [`db`](crate::db) with the feature `db-iam`; `db` alone takes passwords, or
//! any [`TokenSource`] of your own.
//!
//! # One variable selects the way
//!
//! | `DATABASE_URL` | Way |
//! |---|---|
//! | `sqlite://shop.sqlite`, `sqlite::memory:` | SQLite (feature `db-sqlite`) |
//! | `postgres://USER@HOST/DB` | by password, from `DATABASE_PASSWORD_FILE` or `DATABASE_PASSWORD` |
//! | `postgres+iam://shop%40my-project.iam@10.0.0.3:5432/shop` | IAM, straight to the server's private address. `DATABASE_CA_FILE` holds the server's CA |
//! | `cloudsql://shop%40my-project.iam@my-project:europe-west1:main/shop?ip=private` | IAM, by the Cloud SQL connector: a certificate for each instance, mutual TLS on port 3307 |
//!
//! Take `postgres+iam` unless you cannot: it needs no other service of Google's to
//! start. The connector needs a route to `sqladmin.googleapis.com` and the role
//! `cloudsql.client` beside `cloudsql.instanceUser`; for that it finds address and CA by
//! itself, `?ip=private`, `public` or `psc`, and takes neither `DATABASE_CA_FILE` nor a
//! host. `DATABASE_SQLADMIN_ENDPOINT` is for a network that has the Admin API under
//! another name.
//!
//! # In `main`
//!
#![cfg_attr(feature = "db", doc = "```no_run")]
#![cfg_attr(not(feature = "db"), doc = "```ignore")]
//! use std::time::Duration;
//! use sre_kit::SreKit;
//! use sre_kit::db::{DbHealth, Db, DbMetrics, DbSettings};
//! use sre_kit::health::{Check, CheckResult};
//! use sre_kit::metrics::Registry;
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! let db = Db::new(&DbSettings::from_env()?, &DbMetrics::new(&registry)?)?;
//! let probed = db.clone();
//! let kit = SreKit::builder(sre_kit::build_info!())
//!     .registry(&registry)
//!     .check(Check::new("database", move || {
//!         let db = probed.clone();
//!         async move {
//!             match db.check().await {
//!                 DbHealth::Down(why) => CheckResult::fail(why),
//!                 DbHealth::Degraded(why) => CheckResult::warn(why),
//!                 _ => CheckResult::Pass,
//!             }
//!         }
//!     }))
//!     .build()?;
//! // Credentials may be granted a moment later, and a server may be starting.
//! db.connect(Duration::from_secs(30)).await?;
//! let closing = db.clone();
//! kit.lifecycle().on_close("database", move || async move { closing.close().await });
//! # Ok(())
//! # }
//! ```
//!
//! `&db` goes wherever sea-orm takes a connection.
//!
//! # What holds when something fails
//!
//! | What fails | What happens |
//! |---|---|
//! | the source of tokens, for minutes | connections that stand live on, and their recycling stops; the check is *degraded* and stays ready |
//! | the Admin API, for minutes | the certificate serves until its hour is over; then as above |
//! | a certificate is withdrawn, the instance gets another CA | that login asks for a newer certificate and tries once more |
//! | a token is refused | that login waits a moment for a newer token and tries once more; no request sees it |
//! | a 403 while the process starts | the source is built anew and asked again; it is not given up for good |
//! | the server restarts | connections are made anew as they are asked for |
//! | the pod ends | requests first, then the pool, then the credentials |
//!
//! # How many connections
//!
//! A pod's pool times the most pods there are at once, those of a rollout included, has
//! to stay within what the server allows:
#![cfg_attr(feature = "db", doc = "```")]
#![cfg_attr(not(feature = "db"), doc = "```ignore")]
//! // 100 allowed, 10 kept for people and migrations, 8 pods and 1 more in a rollout.
//! assert_eq!(sre_kit::db::pool_size(100, 10, 9)?, 10);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! The chart does the same sum from its values and refuses what does not fit.
//!
//! # Migrations
//!
//! They belong to another account, which owns the schema, and to a Job that runs before
//! the new pods; the service's account may read and write rows only. `demo-app migrate`
//! takes the same variables with the other user. Many may start it at once: one
//! migrates and the rest find nothing to do (feature `migrate`).
//!
//! # What to watch
//!
//! | Query | Says |
//! |---|---|
//! | `max(sre_kit_db_auth_token_age_seconds) > 3500` | tokens are no longer renewed |
//! | `min(sre_kit_db_cert_expiry_seconds) < 600` | certificates are no longer renewed (`cloudsql:`) |
//! | `sum by (outcome) (rate(sre_kit_db_logins_total[5m]))` | whether logins are refused |
//! | `sum(db_client_connections{state="used"}) / sum(db_client_connection_max)` | how full the pools are |
//! | `histogram_quantile(0.99, sum by (le) (rate(db_client_connection_wait_time_seconds_bucket[5m])))` | how long requests wait for a connection |
//!
//! The console shows the pool, the waits and the age of the token.
//!
#![cfg_attr(feature = "db", doc = "[`TokenSource`]: crate::db::TokenSource")]
#![cfg_attr(not(feature = "db"), doc = "[`TokenSource`]: crate#features")]
