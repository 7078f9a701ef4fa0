//! The builder of the TLS settings.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::ServerTls;
use super::config::server_config;
use crate::ConfigError;
use crate::server::reload::{Reloaded, SettingFile};

/// The longest allowed time. A longer one is a typing error.
const DAY: Duration = Duration::from_hours(24);

impl ServerTls {
    /// Returns a builder. A certificate and a key are mandatory.
    pub fn builder() -> ServerTlsBuilder {
        ServerTlsBuilder {
            cert: None,
            key: None,
            client_ca: None,
            client_cert_optional: false,
            handshake_timeout: Duration::from_secs(10),
            reload_interval: Duration::from_secs(10),
        }
    }
}

/// A builder of [`ServerTls`].
#[derive(Clone)]
#[must_use = "nothing is read before `build`"]
pub struct ServerTlsBuilder {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    client_cert_optional: bool,
    handshake_timeout: Duration,
    reload_interval: Duration,
}

impl ServerTlsBuilder {
    /// Sets the file of the server's certificate in PEM, followed by the intermediate ones.
    pub fn cert_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.cert = Some(path.into());
        self
    }

    /// Sets the file of the certificate's private key in PEM.
    pub fn key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.key = Some(path.into());
        self
    }

    /// Sets a file with the certificates, in PEM, of the authorities that issue client
    /// certificates. Clients then need one (mutual TLS). By default clients are not asked for a
    /// certificate.
    pub fn client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_ca = Some(path.into());
        self
    }

    /// Sets whether clients without a certificate are accepted as well.
    /// [`TlsInfo::client_certificate`](super::TlsInfo::client_certificate) tells them apart.
    /// Defaults to `false`, and has no effect without [`client_ca_file`](Self::client_ca_file).
    pub fn client_cert_optional(mut self, optional: bool) -> Self {
        self.client_cert_optional = optional;
        self
    }

    /// Sets the time that a handshake may take, from the accepted connection on. A connection whose
    /// handshake takes longer is closed, and counted with `error_type="tls_timeout"`. Defaults to
    /// 10 s.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets how often the files are read again. Defaults to 10 s.
    pub fn reload_interval(mut self, interval: Duration) -> Self {
        self.reload_interval = interval;
        self
    }

    /// Overlays the files with the variables `{prefix}_CERT_FILE`, `{prefix}_KEY_FILE` and
    /// `{prefix}_CLIENT_CA_FILE`. An empty value counts as none.
    pub(crate) fn with_prefix(
        mut self,
        prefix: &str,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let path = |name: &str| {
            let value = lookup(&format!("{prefix}_{name}"))?;
            Some(value.trim()).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        self.cert = path("CERT_FILE").or(self.cert);
        self.key = path("KEY_FILE").or(self.key);
        self.client_ca = path("CLIENT_CA_FILE").or(self.client_ca);
        self
    }

    /// Returns whether no file is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.cert.is_none() && self.key.is_none() && self.client_ca.is_none()
    }

    /// Reads the files and builds the TLS settings.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - there is no certificate or no key;
    /// - a file cannot be read, holds nothing of its kind in PEM, or is larger than 1 MiB;
    /// - the key is not the one of the certificate;
    /// - a time is zero or longer than a day.
    pub fn build(self) -> Result<ServerTls, ConfigError> {
        for (field, value) in [
            ("tls.handshake_timeout", self.handshake_timeout),
            ("tls.reload_interval", self.reload_interval),
        ] {
            if value.is_zero() || value > DAY {
                let rule = "it must be longer than zero and at most a day";
                return Err(ConfigError::new(field, value, rule, "leave it out to have 10 s"));
            }
        }
        let file = |field: &'static str, path: Option<PathBuf>| match path {
            Some(path) => Ok(SettingFile { field, path }),
            None => Err(ConfigError::new(
                field,
                "",
                "TLS needs a certificate and its key",
                "name the PEM file, or leave all TLS settings out",
            )),
        };
        let mut files = vec![file("tls.cert_file", self.cert)?, file("tls.key_file", self.key)?];
        files.extend(self.client_ca.map(|path| SettingFile { field: "tls.client_ca_file", path }));
        let (of, optional) = (files.clone(), self.client_cert_optional);
        let config = Reloaded::new(files, move |contents| server_config(&of, contents, optional))?;
        Ok(ServerTls {
            config: Arc::new(config),
            handshake_timeout: self.handshake_timeout,
            reload_interval: self.reload_interval,
        })
    }
}

impl fmt::Debug for ServerTlsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTlsBuilder")
            .field("cert_file", &self.cert)
            .field("key_file", &self.key)
            .field("client_ca_file", &self.client_ca)
            .finish_non_exhaustive()
    }
}
