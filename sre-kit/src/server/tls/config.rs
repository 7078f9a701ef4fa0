//! The configuration of rustls, made from the contents of PEM files.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use sre_kit_core::internal::tls_provider;

use crate::ConfigError;
use crate::server::reload::SettingFile;

/// Returns the configuration from the contents of `files`: certificate, key, and the authorities of
/// clients if there is a third.
///
/// # Errors
///
/// Returns an error that names the file whose content cannot be used.
pub(super) fn server_config(
    files: &[SettingFile],
    contents: &[Vec<u8>],
    client_cert_optional: bool,
) -> Result<Arc<ServerConfig>, ConfigError> {
    let certificates = certificates(&files[0], &contents[0])?;
    // The parser's error may quote the file, so it is not shown.
    let key = PrivateKeyDer::from_pem_slice(&contents[1]).map_err(|_| {
        files[1].error("it holds no private key in PEM", "write a PKCS#8, PKCS#1 or SEC1 key to it")
    })?;
    let provider = tls_provider(files[0].field, &files[0].path)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| files[0].error(error.to_string(), "report this as a bug"))?;
    let builder = match (files.get(2), contents.get(2)) {
        (Some(file), Some(content)) => {
            let advice = "write the certificates of the clients' authorities to it";
            let mut roots = RootCertStore::empty();
            for certificate in self::certificates(file, content)? {
                roots.add(certificate).map_err(|error| file.error(error.to_string(), advice))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier =
                if client_cert_optional { verifier.allow_unauthenticated() } else { verifier };
            let verifier =
                verifier.build().map_err(|error| file.error(error.to_string(), advice))?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(certificates, key).map_err(|error| {
        let rule = format!("it does not fit the certificate: {error}");
        files[1].error(rule, "use the key that the certificate was issued for")
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(
    file: &SettingFile,
    content: &[u8],
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let all = CertificateDer::pem_slice_iter(content).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(file.error("it holds no certificate in PEM", "write one to it")),
    }
}
