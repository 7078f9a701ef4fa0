//! The configuration of rustls, made from the contents of PEM files.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::ConfigError;
use crate::server::reload::SettingFile;

/// Returns the cryptography that the process has installed, or else the one that the features
/// select, or `None` if there is neither.
#[allow(clippy::unnecessary_wraps, reason = "without a provider's feature there is none")]
fn provider() -> Option<Arc<CryptoProvider>> {
    if let Some(provider) = CryptoProvider::get_default() {
        return Some(Arc::clone(provider));
    }
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    None
}

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
    let provider = provider().ok_or_else(|| {
        files[0].error(
            "TLS needs a cryptography provider",
            "turn on the feature `aws-lc-rs` or `ring` of sre-kit, or install a provider of rustls",
        )
    })?;
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
