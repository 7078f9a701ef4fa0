//! TLS with the system's authorities and the configured files.

use std::path::Path;

use reqwest::blocking::ClientBuilder;
use sre_kit_core::ConfigError;
use sre_kit_core::internal::install_tls_provider;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::{FIELD, is_tls};
use crate::export::sender::setup_error;
use crate::settings::otlp::OtlpSettings;

/// Adds TLS to a gRPC channel if its endpoint is `https:`.
pub(in crate::export) fn channel(
    endpoint: Endpoint,
    otlp: &OtlpSettings,
) -> Result<Endpoint, ConfigError> {
    match client_tls(otlp)? {
        Some(tls) => endpoint.tls_config(tls).map_err(|error| setup_error(otlp, &error)),
        None => Ok(endpoint),
    }
}

fn client_tls(otlp: &OtlpSettings) -> Result<Option<ClientTlsConfig>, ConfigError> {
    if !is_tls(otlp) {
        return Ok(None);
    }
    install_tls_provider(FIELD, &otlp.endpoint)?;
    let mut tls = ClientTlsConfig::new().with_enabled_roots();
    let files = otlp.tls.as_ref();
    if let Some(ca) = files.and_then(|files| files.ca.as_ref()) {
        tls = tls.ca_certificate(Certificate::from_pem(read(ca)?));
    }
    if let Some((certificate, key)) = files.and_then(|files| files.client.as_ref()) {
        tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
    }
    Ok(Some(tls))
}

/// Adds the authorities and the client certificate to an HTTP client.
pub(in crate::export) fn http(
    mut builder: ClientBuilder,
    otlp: &OtlpSettings,
) -> Result<ClientBuilder, ConfigError> {
    // reqwest prepares TLS for plain text too.
    install_tls_provider(FIELD, &otlp.endpoint)?;
    if !is_tls(otlp) {
        // Otherwise reqwest reads the authorities of the system and fails if there are none, as in
        // an image that contains the program only.
        builder = builder.tls_certs_only([]);
    }
    let files = otlp.tls.as_ref();
    if let Some(ca) = files.and_then(|files| files.ca.as_ref()) {
        let certificate = reqwest::Certificate::from_pem(&read(ca)?)
            .map_err(|error| setup_error(otlp, &error))?;
        builder = builder.add_root_certificate(certificate);
    }
    if let Some((certificate, key)) = files.and_then(|files| files.client.as_ref()) {
        let pem = [read(certificate)?, read(key)?].concat();
        let identity =
            reqwest::Identity::from_pem(&pem).map_err(|error| setup_error(otlp, &error))?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| {
        ConfigError::new(
            "otlp tls file",
            path,
            format!("it cannot be read: {error}"),
            "name a file in PEM that this process may read",
        )
    })
}
