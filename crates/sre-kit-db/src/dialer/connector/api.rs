//! A certificate and an address from the Admin API.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::super::{DialError, Identity, client_config, provider};
use super::answer::{ConnectSettings, EphemeralCert};
use super::http::Http;
use super::info::Fresh;
use super::key::Key;
use super::refresher::Issue;
use crate::credentials::{Issued, Supervisor};
use crate::settings::{DbSettings, Instance, Ip};
use sre_kit_core::ConfigError;

/// Asks for what a connection to one instance needs.
pub(super) struct AdminApi {
    http: Http,
    instance: Instance,
    ip: Ip,
    /// What the server's certificate has to be for, where the settings say so.
    server_name: Option<String>,
    key: OnceCell<Key>,
}

impl AdminApi {
    pub(super) fn new(
        instance: Instance,
        ip: Ip,
        settings: &DbSettings,
        tokens: Supervisor,
    ) -> Result<Self, ConfigError> {
        let http = Http::new(settings.sqladmin_endpoint.as_deref(), tokens)?;
        let server_name = settings.server_name.clone();
        if let Some(name) = &server_name {
            Identity::named(name)?;
        }
        Ok(Self { http, instance, ip, server_name, key: OnceCell::new() })
    }

    async fn ask(&self, login: &Issued) -> Result<Fresh, DialError> {
        let key = self.key.get_or_try_init(Key::make).await?;
        let Instance { project, name, .. } = &self.instance;
        let path = format!("/sql/v1beta4/projects/{project}/instances/{name}");
        let settings = async {
            let path = format!("{path}/connectSettings");
            let settings: ConnectSettings = self.http.call(&path, None).await?;
            settings.check(&self.instance)?;
            Ok(settings)
        };
        let certificate = async {
            let path = format!("{path}:generateEphemeralCert");
            let body = json!({ "public_key": key.public, "access_token": login.secret.expose() });
            self.http.call::<EphemeralCert>(&path, Some(&body)).await
        };
        let (settings, certificate) = tokio::try_join!(settings, certificate)?;
        self.make(&settings, &certificate, key)
    }

    fn make(
        &self,
        settings: &ConnectSettings,
        certificate: &EphemeralCert,
        key: &Key,
    ) -> Result<Fresh, DialError> {
        let address = settings.address(&self.instance, self.ip)?;
        let identity = match &self.server_name {
            Some(name) => Identity::named(name).ok(),
            None => Identity::of_instance(
                settings.names(),
                settings.has_own_ca().then(|| self.instance.common_name()),
            ),
        };
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
        let config = configured(&roots, identity, leaf, key)
            .map_err(|error| DialError::new("garbage", format_args!("no TLS with it: {error}")))?;
        let tls = TlsConnector::from(Arc::new(config));
        let fresh = Fresh { address, server_name, tls, not_after };
        if fresh.expires_in() < Duration::from_secs(1) {
            let message = "the certificate from the Admin API is over already; is this machine's \
                           clock right?";
            return Err(DialError::new("clock", message));
        }
        Ok(fresh)
    }
}

impl Issue for AdminApi {
    fn issue<'a>(&'a self, login: &'a Issued) -> BoxFuture<'a, Result<Fresh, DialError>> {
        self.ask(login).boxed()
    }
}

fn unreadable(what: &str) -> DialError {
    DialError::new("garbage", format_args!("the Admin API does not tell {what}"))
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
    roots: &[CertificateDer<'static>],
    identity: Identity,
    leaf: CertificateDer<'static>,
    key: &Key,
) -> Result<ClientConfig, rustls::Error> {
    let mut config = client_config(provider(), roots, identity, &[&rustls::version::TLS13])?
        .with_client_auth_cert(vec![leaf], key.private())?;
    // Each connection shows its certificate, and sees the server's.
    config.resumption = Resumption::disabled();
    Ok(config)
}
