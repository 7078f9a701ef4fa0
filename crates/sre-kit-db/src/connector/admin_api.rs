//! Addresses and certificates from the Admin API.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::api_client::ApiClient;
use super::client_key::ClientKey;
use super::connect_settings::{ConnectSettings, EphemeralCert};
use super::connection_info::IssuedConnectionInfo;
use super::issuer::CertificateIssuer;
use crate::credentials::IssuedToken;
use crate::instance::Instance;
use crate::ip_kind::IpKind;
use crate::transport::{DialError, DialErrorKind, Identity, client_config};

/// The Admin API for one instance.
pub(super) struct AdminApi {
    client: ApiClient,
    instance: Instance,
    ip_kind: IpKind,
    /// What the server's certificate has to be for, if it is configured.
    identity: Option<Identity>,
    key: OnceCell<ClientKey>,
    provider: Arc<CryptoProvider>,
}

impl AdminApi {
    pub(super) fn new(
        instance: Instance,
        ip_kind: IpKind,
        client: ApiClient,
        identity: Option<Identity>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self { client, instance, ip_kind, identity, key: OnceCell::new(), provider }
    }

    async fn request(&self, login: &IssuedToken) -> Result<IssuedConnectionInfo, DialError> {
        let key = self.key.get_or_try_init(ClientKey::generate).await?;
        let Instance { project, name, .. } = &self.instance;
        let path = format!("/sql/v1beta4/projects/{project}/instances/{name}");
        let settings = async {
            let path = format!("{path}/connectSettings");
            let settings: ConnectSettings = self.client.call(&path, None).await?;
            settings.check(&self.instance)?;
            Ok(settings)
        };
        let certificate = async {
            let path = format!("{path}:generateEphemeralCert");
            let body = json!({ "public_key": key.public, "access_token": login.secret.expose() });
            self.client.call::<EphemeralCert>(&path, Some(&body)).await
        };
        let (settings, certificate) = tokio::try_join!(settings, certificate)?;
        self.connection_info(&settings, &certificate, key)
    }

    fn connection_info(
        &self,
        settings: &ConnectSettings,
        certificate: &EphemeralCert,
        key: &ClientKey,
    ) -> Result<IssuedConnectionInfo, DialError> {
        let address = settings.address(&self.instance, self.ip_kind)?;
        let identity = self.identity.clone().or_else(|| {
            let common = settings.has_own_ca().then(|| self.instance.common_name());
            Identity::of_instance(settings.names(), common)
        });
        let identity =
            identity.ok_or_else(|| unreadable("what the server's certificate is for"))?;
        let server_name =
            identity.server_name(&address).ok_or_else(|| unreadable("the instance's address"))?;
        let roots = certificates(settings.server_ca())
            .filter(|roots| !roots.is_empty())
            .ok_or_else(|| unreadable("the server's CA"))?;
        let leaf = certificates(&certificate.ephemeral_cert.cert)
            .and_then(|certificates| certificates.into_iter().next())
            .ok_or_else(|| unreadable("the certificate"))?;
        let not_after = not_after(&leaf).ok_or_else(|| unreadable("the certificate's end"))?;
        let config = configured(Arc::clone(&self.provider), &roots, identity, leaf, key)
            .map_err(|error| garbage(format_args!("no TLS with it: {error}")))?;
        let tls = TlsConnector::from(Arc::new(config));
        let issued = IssuedConnectionInfo { address, server_name, tls, not_after };
        if issued.expires_in() < Duration::from_secs(1) {
            let message = "the certificate from the Admin API is over already; is this machine's \
                           clock right?";
            return Err(DialError::new(DialErrorKind::AdminApi, "clock", message));
        }
        Ok(issued)
    }
}

impl CertificateIssuer for AdminApi {
    fn issue<'a>(
        &'a self,
        login: &'a IssuedToken,
    ) -> BoxFuture<'a, Result<IssuedConnectionInfo, DialError>> {
        self.request(login).boxed()
    }
}

fn unreadable(what: &str) -> DialError {
    garbage(format_args!("the Admin API does not tell {what}"))
}

fn garbage(message: impl fmt::Display) -> DialError {
    DialError::new(DialErrorKind::AdminApi, "garbage", message)
}

fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().ok()
}

fn not_after(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let certificate = Certificate::from_der(certificate.as_ref()).ok()?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    SystemTime::UNIX_EPOCH.checked_add(end)
}

fn configured(
    provider: Arc<CryptoProvider>,
    roots: &[CertificateDer<'static>],
    identity: Identity,
    leaf: CertificateDer<'static>,
    key: &ClientKey,
) -> Result<ClientConfig, rustls::Error> {
    let mut config = client_config(provider, roots, identity, &[&rustls::version::TLS13])?
        .with_client_auth_cert(vec![leaf], key.private())?;
    // A resumed session would show no certificate, neither the client's nor the server's.
    config.resumption = Resumption::disabled();
    Ok(config)
}
