//! Whether a server is the one it should be.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme, SupportedProtocolVersion,
};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::settings::Address;
use sre_kit_core::ConfigError;

/// One of several things that a certificate may be for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// A DNS name or an address among its subject alternative names.
    Alternative(ServerName<'static>),
    /// Its common name. Cloud SQL writes `PROJECT:INSTANCE` there, in certificates that
    /// have no DNS name.
    Common(String),
}

/// What a server's certificate has to be for: any of several names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    names: Vec<Name>,
}

impl Identity {
    /// `name` as a person writes it; the host that is dialled where there is none.
    pub(crate) fn new(name: Option<&str>, address: &Address) -> Result<Self, ConfigError> {
        Self::named(name.unwrap_or(&address.host))
    }

    /// As a person writes it.
    pub(crate) fn named(name: &str) -> Result<Self, ConfigError> {
        let found = alternative(name)
            .or_else(|| name.contains(':').then(|| Name::Common(name.to_owned())))
            .ok_or_else(|| {
                ConfigError::new(
                    "DATABASE_SERVER_NAME",
                    name,
                    "it is a DNS name, an address, or PROJECT:INSTANCE",
                    "write what the server's certificate is for",
                )
            })?;
        Ok(Self { names: vec![found] })
    }

    /// Any of these DNS names, or this common name; `None` where there is none at all.
    #[cfg(feature = "iam")]
    pub(crate) fn of_instance<'a>(
        names: impl Iterator<Item = &'a str>,
        common: Option<String>,
    ) -> Option<Self> {
        let names: Vec<_> = names.filter_map(alternative).chain(common.map(Name::Common)).collect();
        (!names.is_empty()).then_some(Self { names })
    }

    /// What the client says whom it wants to speak to.
    pub(crate) fn server_name(&self, address: &Address) -> Option<ServerName<'static>> {
        let named = self.names.iter().find_map(|name| match name {
            Name::Alternative(name) => Some(name.clone()),
            Name::Common(_) => None,
        });
        named.or_else(|| ServerName::try_from(address.host.clone()).ok())
    }

    fn check(&self, end_entity: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let common = common_name(end_entity);
        let fits = self.names.iter().any(|name| match name {
            Name::Alternative(name) => verify_server_name(&parsed, name).is_ok(),
            Name::Common(name) => common.as_ref() == Some(name),
        });
        if fits {
            return Ok(());
        }
        let wrong = WrongName { wanted: self.to_string(), common };
        Err(CertificateError::Other(OtherError(Arc::new(wrong))).into())
    }
}

/// DNS names may end in the dot of the root, which certificates leave out.
fn alternative(name: &str) -> Option<Name> {
    let name = name.strip_suffix('.').unwrap_or(name).to_owned();
    ServerName::try_from(name).ok().map(Name::Alternative)
}

fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = Certificate::from_der(certificate.as_ref()).ok()?;
    let common = certificate.tbs_certificate().subject().common_name().ok()??;
    Some(common.value().into_owned())
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { " or " })?;
            match name {
                Name::Alternative(name) => f.write_str(&name.to_str())?,
                Name::Common(name) => write!(f, "the common name {name}")?,
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct WrongName {
    wanted: String,
    common: Option<String>,
}

impl fmt::Display for WrongName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let common = self.common.as_deref().unwrap_or("nothing");
        write!(f, "the certificate is not for {}; its common name is {common}", self.wanted)
    }
}

impl std::error::Error for WrongName {}

/// What a failed handshake has to say; of a wrong name, in our own words.
pub(crate) fn told(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => {
            other.to_string()
        }
        _ => error.to_string(),
    }
}

/// Checks the chain up to the given certificates and to no others, the dates, and the
/// name.
struct Verifier {
    roots: RootCertStore,
    identity: Identity,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        self.identity.check(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Named, never the process's default: with two of them linked in, asking for the
/// default panics.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A configuration that trusts the given certificates and no others. How the client
/// shows itself is left to the caller.
pub(crate) fn client_config(
    provider: Arc<CryptoProvider>,
    ca: &[CertificateDer<'static>],
    identity: Identity,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in ca {
        roots.add(certificate.clone())?;
    }
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Verifier { roots, identity, algorithms };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::{Address, CertificateDer, Identity};

    fn certificate(common: Option<&str>, alternative: &[&str]) -> CertificateDer<'static> {
        let names: Vec<_> = alternative.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params.distinguished_name.push(DnType::CommonName, common);
        }
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("signed").der().clone()
    }

    fn identity(name: Option<&str>, host: &str) -> Identity {
        Identity::new(name, &Address { host: host.to_owned(), port: 5432 }).expect("valid")
    }

    #[test]
    fn a_name_is_looked_for_where_it_belongs_and_nowhere_else() {
        let cases = [
            (identity(None, "db.example.com"), None, vec!["db.example.com"], true),
            (identity(None, "db.example.com"), Some("db.example.com"), vec![], false),
            (identity(None, "db.example.com"), None, vec!["other.example.com"], false),
            (identity(None, "10.0.0.3"), None, vec!["10.0.0.3"], true),
            (identity(None, "10.0.0.3"), Some("shop:main"), vec![], false),
            (identity(None, "::1"), None, vec!["::1"], true),
            (identity(Some("shop:main"), "10.0.0.3"), Some("shop:main"), vec![], true),
            (identity(Some("shop:main"), "10.0.0.3"), Some("shop:other"), vec![], false),
            (identity(Some("shop:main"), "10.0.0.3"), Some("shop:main2"), vec![], false),
            (identity(Some("shop:main"), "10.0.0.3"), None, vec!["shop"], false),
            (identity(Some("x.sql.goog."), "10.0.0.3"), None, vec!["x.sql.goog"], true),
        ];
        for (identity, common, alternative, fits) in cases {
            let certificate = certificate(common, &alternative);
            let found = identity.check(&certificate);
            assert_eq!(
                found.is_ok(),
                fits,
                "{identity} for {common:?}, {alternative:?}: {found:?}"
            );
        }
    }

    #[test]
    fn a_wrong_name_is_told_with_what_was_found() {
        let identity = identity(Some("shop:main"), "10.0.0.3");
        let wrong = identity.check(&certificate(Some("shop:other"), &[])).expect_err("wrong");
        let said = wrong.to_string();
        assert!(said.contains("shop:main") && said.contains("shop:other"), "{said}");
    }

    #[test]
    fn what_is_no_name_at_all_is_refused() {
        let address = Address { host: "10.0.0.3".to_owned(), port: 5432 };
        let said = Identity::new(Some("not a name"), &address).expect_err("no name");
        assert_eq!(said.field(), "DATABASE_SERVER_NAME");
    }
}
