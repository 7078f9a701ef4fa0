//! The settings of a connector.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::admin_api::AdminApi;
use super::api_client::ApiClient;
use super::client_key::ClientKey;
use super::handle::{Connector, Inner};
use super::login::database_user;
use super::refresher::Refresher;
use crate::credentials::{GoogleTokens, RENEWAL_WAIT, Supervisor, TokenSource};
use crate::instance::Instance;
use crate::instrument::{
    CertificateMetrics, CredentialMetrics, DbMetrics, DialMetrics, GaugeSource,
};
use crate::ip_kind::IpKind;
use crate::settings::DbSettings;
use crate::transport::Identity;
use sre_kit_core::ConfigError;
use sre_kit_core::internal::tls_provider;

/// Settings of a [`Connector`].
///
/// | Setting | Default |
/// |---|---|
/// | [`instance`](Self::instance) | none; required |
/// | [`user`](Self::user) | none; required |
/// | [`ip_kind`](Self::ip_kind) | [`IpKind::Private`] |
/// | [`name`](Self::name) | the instance's name |
/// | [`token_source`](Self::token_source) | [`GoogleTokens::login`] |
/// | [`sqladmin_token_source`](Self::sqladmin_token_source) | [`GoogleTokens::sqladmin`] |
/// | [`sqladmin_endpoint`](Self::sqladmin_endpoint) | `https://sqladmin.googleapis.com` |
/// | [`server_name`](Self::server_name) | the names that the Admin API returns |
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ConnectorBuilder {
    name: Option<String>,
    instance: String,
    user: String,
    ip_kind: IpKind,
    tokens: Option<Arc<dyn TokenSource>>,
    sqladmin_tokens: Option<Arc<dyn TokenSource>>,
    sqladmin_endpoint: Option<String>,
    server_name: Option<String>,
}

/// The names of the settings in errors.
#[derive(Clone, Copy)]
struct FieldNames {
    instance: &'static str,
    sqladmin_endpoint: &'static str,
    server_name: &'static str,
}

const BUILDER_FIELDS: FieldNames = FieldNames {
    instance: "connector.instance",
    sqladmin_endpoint: "connector.sqladmin_endpoint",
    server_name: "connector.server_name",
};

const DATABASE_FIELDS: FieldNames = FieldNames {
    instance: "DATABASE_URL",
    sqladmin_endpoint: "DATABASE_SQLADMIN_ENDPOINT",
    server_name: "DATABASE_SERVER_NAME",
};

impl Connector {
    /// Returns a builder with the default settings. [`ConnectorBuilder::instance`] and
    /// [`ConnectorBuilder::user`] have to be set.
    pub fn builder() -> ConnectorBuilder {
        ConnectorBuilder::default()
    }
}

impl ConnectorBuilder {
    /// Sets the connection name of the instance, `PROJECT:REGION:INSTANCE`.
    pub fn instance(mut self, name: impl Into<String>) -> Self {
        self.instance = name.into();
        self
    }

    /// Sets the account to log in as: the email address of a user or of a service account, or the
    /// name of the database user.
    pub fn user(mut self, account: impl Into<String>) -> Self {
        self.user = account.into();
        self
    }

    /// Sets which of the instance's addresses is dialled. Defaults to [`IpKind::Private`].
    pub fn ip_kind(mut self, kind: IpKind) -> Self {
        self.ip_kind = kind;
        self
    }

    /// Sets the value of the label `db_client_connection_pool_name` of the connector's metrics.
    /// Defaults to the instance's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the source of the tokens that log in. Defaults to Google's application-default
    /// credentials.
    pub fn token_source(mut self, source: impl TokenSource) -> Self {
        self.tokens = Some(Arc::new(source));
        self
    }

    /// Sets the source of the tokens for the Admin API. Defaults to Google's application-default
    /// credentials.
    pub fn sqladmin_token_source(mut self, source: impl TokenSource) -> Self {
        self.sqladmin_tokens = Some(Arc::new(source));
        self
    }

    /// Sets the URL of the Admin API, for a network that has it under another name. It has to be
    /// `https:`, because tokens are sent there; `http:` is accepted for this machine only. Defaults
    /// to `https://sqladmin.googleapis.com`.
    pub fn sqladmin_endpoint(mut self, url: impl Into<String>) -> Self {
        self.sqladmin_endpoint = Some(url.into());
        self
    }

    /// Sets the name that the server's certificate has to be for: a DNS name, an IP address, or
    /// `PROJECT:INSTANCE` for a common name. Defaults to the names that the Admin API returns.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Creates the connector, and starts the background tasks that refresh its tokens and
    /// certificates. Nothing is dialled yet.
    ///
    /// Of the families of [`DbMetrics`] it reports `sre_kit_db_dial_duration_seconds`,
    /// `sre_kit_db_auth_*` and `sre_kit_db_cert_*`.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - the instance's name is not `PROJECT:REGION:INSTANCE`, or there is no user;
    /// - the name is empty, or the server's name is neither a DNS name, an address nor
    ///   `PROJECT:INSTANCE`;
    /// - the feature `aws-lc-rs` is off, or there is no TLS provider;
    /// - the endpoint is not an `https:` URL, or the system has no certificates of public CAs.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub fn build(self, metrics: &DbMetrics) -> Result<Connector, ConfigError> {
        let instance = Instance::parse(&self.instance).ok_or_else(|| {
            ConfigError::new(
                BUILDER_FIELDS.instance,
                &self.instance,
                "it is PROJECT:REGION:INSTANCE",
                "copy the connection name of the instance",
            )
        })?;
        let name = self.name.clone().unwrap_or_else(|| instance.name.clone());
        for (field, value, advice) in [
            ("connector.user", &self.user, "set the account that logs in"),
            ("connector.name", &name, "leave it out to have the instance's name"),
        ] {
            if value.is_empty() {
                return Err(ConfigError::new(field, value, "it is not empty", advice));
            }
        }
        let connector = self.start(instance, &name, metrics, RENEWAL_WAIT, BUILDER_FIELDS)?;
        let gauges: Arc<dyn GaugeSource> = Arc::<Inner>::clone(&connector.inner);
        metrics.read_from(Arc::downgrade(&gauges));
        Ok(connector)
    }

    /// Creates the connector of a pool, which reports the gauges itself.
    pub(crate) fn build_for_pool(
        settings: &DbSettings,
        instance: &Instance,
        ip_kind: IpKind,
        metrics: &DbMetrics,
    ) -> Result<Connector, ConfigError> {
        let builder = Self {
            ip_kind,
            tokens: settings.tokens.clone(),
            sqladmin_tokens: settings.sqladmin_tokens.clone(),
            sqladmin_endpoint: settings.sqladmin_endpoint.clone(),
            server_name: settings.server_name.clone(),
            ..Self::default()
        };
        let wait = settings.renewal_wait();
        builder.start(instance.clone(), &settings.name, metrics, wait, DATABASE_FIELDS)
    }

    fn start(
        &self,
        instance: Instance,
        name: &str,
        metrics: &DbMetrics,
        renewal_wait: Duration,
        fields: FieldNames,
    ) -> Result<Connector, ConfigError> {
        let connection_name = instance.to_string();
        // Without a provider, its absence is the error to report.
        let provider = tls_provider(fields.instance, &connection_name)?;
        if !ClientKey::CAN_GENERATE {
            return Err(ConfigError::new(
                fields.instance,
                connection_name,
                "its client certificates need RSA keys, which ring cannot generate",
                "build with the feature `aws-lc-rs` of sre-kit",
            ));
        }
        let credentials = CredentialMetrics::new(metrics, name);
        let tokens = self.tokens.clone().unwrap_or_else(|| Arc::new(GoogleTokens::login()));
        let sqladmin =
            self.sqladmin_tokens.clone().unwrap_or_else(|| Arc::new(GoogleTokens::sqladmin()));
        let login = Arc::new(Supervisor::spawn(tokens, credentials.clone()));
        let api_tokens = Supervisor::spawn(sqladmin, credentials);
        let endpoint = self.sqladmin_endpoint.as_deref();
        let client = ApiClient::new(fields.sqladmin_endpoint, endpoint, api_tokens)?;
        let server_name = self.server_name.as_deref();
        let identity =
            server_name.map(|name| Identity::named(fields.server_name, name)).transpose()?;
        let api = AdminApi::new(instance, self.ip_kind, client, identity, provider);
        let certificates = CertificateMetrics::new(metrics, name);
        let refresher = Refresher::spawn(Arc::new(api), Arc::clone(&login), certificates);
        let inner = Inner {
            name: name.into(),
            instance: connection_name,
            user: database_user(&self.user).into(),
            login,
            refresher,
            renewal_wait,
            metrics: DialMetrics::new(metrics, name),
        };
        Ok(Connector { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for ConnectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorBuilder")
            .field("name", &self.name)
            .field("instance", &self.instance)
            .field("user", &self.user)
            .field("ip_kind", &self.ip_kind)
            .field("sqladmin_endpoint", &self.sqladmin_endpoint)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}
