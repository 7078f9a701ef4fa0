//! Settings of a database, checked once.

mod env;
mod instance;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

pub(crate) use instance::Instance;
#[cfg(feature = "iam")]
pub(crate) use instance::Ip;
#[cfg(feature = "sqlite")]
pub(crate) use url::Sqlite;
pub(crate) use url::{Address, Postgres, Server, Target};

use super::credentials::TokenSource;
use super::secret::Secret;
use sre_kit_core::ConfigError;

/// How many connections a pool has unless it is told.
const MAX_CONNECTIONS: u32 = 10;

/// Settings of a [`Db`](super::Db).
///
/// | Setting | Default | Environment, by [`with_env`](Self::with_env) |
/// |---|---|---|
/// | where and how, see the [module's page](super) | | `DATABASE_URL` |
/// | [`password`](Self::password) | none | `DATABASE_PASSWORD`, or the file `DATABASE_PASSWORD_FILE` |
/// | [`server_ca`](Self::server_ca) | none | `DATABASE_CA`, or the file `DATABASE_CA_FILE` |
/// | [`server_name`](Self::server_name) | the URL's host; for `cloudsql:` what the Admin API tells | `DATABASE_SERVER_NAME` |
/// | [`sqladmin_endpoint`](Self::sqladmin_endpoint) | `https://sqladmin.googleapis.com` | `DATABASE_SQLADMIN_ENDPOINT` |
/// | [`max_connections`](Self::max_connections) | 10 | `DATABASE_MAX_CONNECTIONS` |
/// | [`name`](Self::name) | `main` | |
/// | [`min_connections`](Self::min_connections) | 0 | |
/// | [`lifetime`](Self::lifetime) | 30 min | |
/// | [`idle_timeout`](Self::idle_timeout) | 10 min | |
/// | [`acquire_timeout`](Self::acquire_timeout) | 3 s | |
/// | [`statement_timeout`](Self::statement_timeout) | 30 s | |
/// | [`idle_in_transaction_timeout`](Self::idle_in_transaction_timeout) | 30 s | |
/// | [`concurrent_logins`](Self::concurrent_logins) | 4 | |
///
/// ```
/// use sre_kit_db::DbSettings;
///
/// let settings = DbSettings::new("postgres://shop@localhost/shop")?.max_connections(20);
/// let err = DbSettings::new("postgres://shop:secret@localhost").unwrap_err();
/// assert!(!err.to_string().contains("secret"));
/// # Ok::<(), sre_kit_db::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected to before `Db::new`"]
pub struct DbSettings {
    pub(crate) target: Target,
    pub(crate) name: String,
    pub(crate) max_connections: u32,
    pub(crate) min_connections: u32,
    pub(crate) lifetime: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) acquire_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) idle_in_transaction_timeout: Duration,
    pub(crate) concurrent_logins: u32,
    pub(crate) server_ca: Option<Arc<[CertificateDer<'static>]>>,
    pub(crate) server_name: Option<String>,
    pub(crate) tokens: Option<Arc<dyn TokenSource>>,
    #[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "the connector's"))]
    pub(crate) sqladmin_tokens: Option<Arc<dyn TokenSource>>,
    #[cfg_attr(not(any(test, feature = "iam")), allow(dead_code, reason = "the connector's"))]
    pub(crate) sqladmin_endpoint: Option<String>,
    pub(crate) bridge_directory: Option<std::path::PathBuf>,
}

impl DbSettings {
    /// Settings for the database that `url` names.
    ///
    /// # Errors
    ///
    /// When the URL is malformed, with a sentence that never holds its password.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            target: Target::parse(url)?,
            name: "main".to_owned(),
            max_connections: MAX_CONNECTIONS,
            min_connections: 0,
            lifetime: Duration::from_mins(30),
            idle_timeout: Duration::from_mins(10),
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(30),
            idle_in_transaction_timeout: Duration::from_secs(30),
            concurrent_logins: 4,
            server_ca: None,
            server_name: None,
            tokens: None,
            sqladmin_tokens: None,
            sqladmin_endpoint: None,
            bridge_directory: None,
        })
    }

    /// The pool's name, which is a label of its metrics. Two databases in one process
    /// have two names.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The most connections there may be; see [`pool_size`](super::pool_size).
    pub fn max_connections(mut self, max: u32) -> Self {
        self.max_connections = max;
        self
    }

    /// How many connections stay when nobody needs them.
    pub fn min_connections(mut self, min: u32) -> Self {
        self.min_connections = min;
        self
    }

    /// How old a connection gets. They are renewed one after the other, from four
    /// fifths of this on, and never while logging in does not work: then they live on,
    /// up to four times as long.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Connections that were not needed for this long are closed.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long a query waits for a connection before it fails.
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// After how long the server gives a statement up (`statement_timeout`). Zero: never.
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// After how long the server ends a session whose transaction does nothing
    /// (`idle_in_transaction_session_timeout`). Zero: never.
    pub fn idle_in_transaction_timeout(mut self, timeout: Duration) -> Self {
        self.idle_in_transaction_timeout = timeout;
        self
    }

    /// How many connections may log in at one time; the others wait for their turn.
    /// Keeps a restarted server, and the quotas of IAM, from a herd.
    pub fn concurrent_logins(mut self, logins: u32) -> Self {
        self.concurrent_logins = logins;
        self
    }

    /// The password, where the URL has none.
    pub fn password(mut self, password: Secret) -> Self {
        if let Target::Postgres(postgres) = &mut self.target {
            postgres.password = Some(password);
        }
        self
    }

    /// The certificates that the server's one is signed with, as PEM.
    ///
    /// # Errors
    ///
    /// When there is no certificate in it.
    pub fn server_ca(mut self, pem: &str) -> Result<Self, ConfigError> {
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => {
                self.server_ca = Some(certificates.into());
                Ok(self)
            }
            _ => Err(ConfigError::new(
                "the database's CA",
                format_args!("{} bytes", pem.len()),
                "it is one or more certificates in PEM",
                "give the text that begins with -----BEGIN CERTIFICATE-----",
            )),
        }
    }

    /// What the server's certificate has to be for: a DNS name, or `PROJECT:INSTANCE`
    /// for the common name that Cloud SQL writes into certificates without one.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Where tokens come from. With the feature `db-iam`, Google's
    /// application-default credentials unless set.
    pub fn token_source(mut self, source: impl TokenSource) -> Self {
        self.tokens = Some(Arc::new(source));
        self
    }

    /// Where tokens for Cloud SQL's Admin API come from, which only `cloudsql:` needs:
    /// with them a certificate is asked for, and those of
    /// [`token_source`](Self::token_source) log in. Google's application-default
    /// credentials unless set.
    pub fn sqladmin_token_source(mut self, source: impl TokenSource) -> Self {
        self.sqladmin_tokens = Some(Arc::new(source));
        self
    }

    /// Where Cloud SQL's Admin API is, for `cloudsql:`: another name for it, as Private
    /// Service Connect gives, or a fake of a test. Tokens go there, so it is `https:`
    /// unless it is on this machine.
    pub fn sqladmin_endpoint(mut self, url: impl Into<String>) -> Self {
        self.sqladmin_endpoint = Some(url.into());
        self
    }

    /// Puts the bridge's socket into a private directory that is made in this one,
    /// instead of Linux's abstract namespace. Other systems always have it so, in the
    /// directory for temporary files unless set.
    pub fn bridge_directory(mut self, directory: impl Into<std::path::PathBuf>) -> Self {
        self.bridge_directory = Some(directory.into());
        self
    }

    /// Checks what can be checked before anything is dialled.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |field: &'static str, value: &dyn fmt::Debug, rule: &'static str, advice| {
            Err(ConfigError::new(field, value, rule, advice))
        };
        if self.name.is_empty() {
            return refuse(
                "database.name",
                &self.name,
                "it is a label and not empty",
                "leave it out to have `main`",
            );
        }
        if !(1..=10_000).contains(&self.max_connections) {
            return refuse(
                "DATABASE_MAX_CONNECTIONS",
                &self.max_connections,
                "it is a number from 1 to 10000",
                "divide what the server allows by the number of instances",
            );
        }
        if self.min_connections > self.max_connections {
            return refuse(
                "database.min_connections",
                &self.min_connections,
                "it is at most max_connections",
                "leave it out to have none while there is no work",
            );
        }
        if self.concurrent_logins == 0 {
            return refuse(
                "database.concurrent_logins",
                &self.concurrent_logins,
                "nobody could ever log in",
                "leave it out to have 4",
            );
        }
        for (field, value, least) in [
            ("database.lifetime", self.lifetime, Duration::from_secs(1)),
            ("database.idle_timeout", self.idle_timeout, Duration::from_secs(1)),
            ("database.acquire_timeout", self.acquire_timeout, Duration::from_millis(10)),
        ] {
            if !(least..=Duration::from_hours(24)).contains(&value) {
                return refuse(
                    field,
                    &value,
                    "it lies between a second and a day, a hundredth of a second for acquiring",
                    "leave it out to have the default",
                );
            }
        }
        self.check_server()
    }

    fn check_server(&self) -> Result<(), ConfigError> {
        match &self.target {
            Target::Sqlite(_) if !cfg!(feature = "sqlite") => Err(ConfigError::new(
                "DATABASE_URL",
                format_args!("sqlite:..."),
                "this program was built without SQLite",
                "build it with the feature `db-sqlite` of sre-kit",
            )),
            Target::Postgres(postgres) => {
                let without_ca = self.server_ca.is_none();
                let tls = match &postgres.server {
                    Server::Password { tls, .. } => *tls == Some(true),
                    Server::Token { .. } => true,
                    Server::Socket { .. } | Server::Connector { .. } => false,
                };
                if tls && without_ca {
                    return Err(ConfigError::new(
                        "DATABASE_CA_FILE",
                        "",
                        "TLS needs to know who signs the server's certificate",
                        "give the server's CA; for one that everybody trusts, \
                         /etc/ssl/certs/ca-certificates.crt",
                    ));
                }
                let by_token = matches!(postgres.server, Server::Token { .. });
                if by_token && self.tokens.is_none() && !cfg!(feature = "iam") {
                    return Err(ConfigError::new(
                        "DATABASE_URL",
                        format_args!("postgres+iam:..."),
                        "this program was built without Google's credentials",
                        "build it with the feature `db-iam` of sre-kit, or set a token_source",
                    ));
                }
                if let Server::Connector { instance, .. } = &postgres.server {
                    return self.check_connector(instance);
                }
                Ok(())
            }
            Target::Sqlite(_) => Ok(()),
        }
    }

    fn check_connector(&self, instance: &Instance) -> Result<(), ConfigError> {
        if !cfg!(feature = "iam") {
            return Err(ConfigError::new(
                "DATABASE_URL",
                format_args!("cloudsql:...@{instance}/..."),
                "this program was built without the Cloud SQL connector",
                "build it with the feature `db-iam` of sre-kit",
            ));
        }
        if self.server_ca.is_some() {
            return Err(ConfigError::new(
                "DATABASE_CA_FILE",
                "...",
                "with cloudsql: the Admin API tells who signs the server's certificate",
                "leave it out, or dial the server itself with postgres+iam:",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for DbSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbSettings")
            .field("target", &self.target)
            .field("name", &self.name)
            .field("max_connections", &self.max_connections)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}
