//! The settings of a database.

mod check;
mod env;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

#[cfg(feature = "sqlite")]
pub(crate) use url::Sqlite;
pub(crate) use url::Target;
#[cfg(feature = "postgres")]
pub(crate) use url::{Postgres, Server};

#[cfg(feature = "postgres")]
use super::credentials::RENEWAL_WAIT;
use super::credentials::TokenSource;
use super::secret::Secret;
use sre_kit_core::ConfigError;

/// The default of `max_connections`.
const MAX_CONNECTIONS: u32 = 10;

/// Settings of a [`Db`](super::Db).
///
/// | Setting | Default | Environment, by [`with_env`](Self::with_env) |
/// |---|---|---|
/// | the [URL](super#database-urls) | none; required | `DATABASE_URL` |
/// | [`password`](Self::password) | none | `DATABASE_PASSWORD`, or the file `DATABASE_PASSWORD_FILE` |
/// | [`server_ca`](Self::server_ca) | none | `DATABASE_CA`, or the file `DATABASE_CA_FILE` |
/// | [`server_name`](Self::server_name) | the URL's host; for `cloudsql:` the names that the Admin API returns | `DATABASE_SERVER_NAME` |
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
#[must_use = "settings do nothing until `Db::new`"]
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
    pub(crate) bridge_loopback: bool,
}

impl DbSettings {
    /// Creates settings for the database at `url`.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is malformed. The error never contains the password.
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
            bridge_loopback: cfg!(not(unix)),
        })
    }

    /// Sets the pool's name, which is the value of the label `db_client_connection_pool_name`. Give
    /// each database of a process its own name. Defaults to `main`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the maximum number of connections, see [`pool_size`](super::pool_size). Defaults to 10.
    pub fn max_connections(mut self, max: u32) -> Self {
        self.max_connections = max;
        self
    }

    /// Sets how many connections stay open without work. Defaults to 0.
    pub fn min_connections(mut self, min: u32) -> Self {
        self.min_connections = min;
        self
    }

    /// Sets the maximum age of a connection. Connections are replaced one after the other from 80 %
    /// of it on. While new logins fail they are kept, for up to four lifetimes. Defaults to 30 min.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the time after which connections that were not needed are closed. Defaults to 10 min.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets how long a query waits for a connection before it fails. Defaults to 3 s.
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// Sets after how long the server cancels a statement (`statement_timeout`). Defaults to 30 s.
    /// `Duration::ZERO` disables it.
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Sets after how long the server ends a session with an idle transaction
    /// (`idle_in_transaction_session_timeout`). Defaults to 30 s. `Duration::ZERO` disables it.
    pub fn idle_in_transaction_timeout(mut self, timeout: Duration) -> Self {
        self.idle_in_transaction_timeout = timeout;
        self
    }

    /// Sets how many connections may log in at the same time; others wait. It protects a restarted
    /// server, and the quotas of IAM, from a thundering herd. Defaults to 4.
    pub fn concurrent_logins(mut self, logins: u32) -> Self {
        self.concurrent_logins = logins;
        self
    }

    /// Sets the password, if the URL has none. Defaults to no password.
    pub fn password(mut self, password: Secret) -> Self {
        if let Target::Postgres(postgres) = &mut self.target {
            postgres.password = Some(password);
        }
        self
    }

    /// Sets the CA certificates that sign the server's certificate, as PEM. Defaults to none.
    ///
    /// # Errors
    ///
    /// Returns an error if `pem` contains no certificate, or a malformed one.
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

    /// Sets the name that the server's certificate has to be for: a DNS name, an IP address, or
    /// `PROJECT:INSTANCE` for the common name in the certificates of Cloud SQL. Defaults to the
    /// URL's host, and for `cloudsql:` to the names that the Admin API returns.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Sets the source of the tokens that log in. Defaults to Google's application-default
    /// credentials, with the feature `iam`.
    pub fn token_source(mut self, source: impl TokenSource) -> Self {
        self.tokens = Some(Arc::new(source));
        self
    }

    /// Sets the source of the tokens for Cloud SQL's Admin API, for `cloudsql:`. They authorize the
    /// request for a certificate; the tokens of [`token_source`](Self::token_source) log in.
    /// Defaults to Google's application-default credentials.
    pub fn sqladmin_token_source(mut self, source: impl TokenSource) -> Self {
        self.sqladmin_tokens = Some(Arc::new(source));
        self
    }

    /// Sets the URL of Cloud SQL's Admin API, for `cloudsql:` and a network that has the API under
    /// another name. It has to be `https:`, because tokens are sent there; `http:` is accepted for
    /// this machine only. Defaults to `https://sqladmin.googleapis.com`.
    pub fn sqladmin_endpoint(mut self, url: impl Into<String>) -> Self {
        self.sqladmin_endpoint = Some(url.into());
        self
    }

    /// Sets a directory for the bridge's socket, which is created in a private directory inside of
    /// it. Defaults to Linux's abstract namespace, and to the directory for temporary files on
    /// macOS and other Unix systems. Has no effect with [`bridge_loopback`](Self::bridge_loopback).
    pub fn bridge_directory(mut self, directory: impl Into<std::path::PathBuf>) -> Self {
        self.bridge_directory = Some(directory.into());
        self
    }

    /// Sets whether the bridge listens on a port of 127.0.0.1 instead of a Unix socket. Every
    /// process of the machine can connect to that port, so the bridge asks for a secret of 256
    /// random bits that only this process has, and refuses everything else before it dials the
    /// server. Defaults to `true` on Windows, where there is nothing else, and to `false` on
    /// systems with Unix sockets.
    ///
    /// A Unix socket is better where there is one: the kernel names the process that connects, and
    /// another user cannot take up connections.
    pub fn bridge_loopback(mut self, enabled: bool) -> Self {
        self.bridge_loopback = enabled;
        self
    }

    /// Returns how long a login waits for newer credentials: at most half of the time that a query
    /// waits for its connection, so that the retry has the other half.
    #[cfg(feature = "postgres")]
    pub(crate) fn renewal_wait(&self) -> Duration {
        RENEWAL_WAIT.min(self.acquire_timeout / 2)
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
