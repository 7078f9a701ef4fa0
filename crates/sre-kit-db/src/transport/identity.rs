//! The names that a server's certificate has to be for.

use std::fmt;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, OtherError};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::address::Address;
use sre_kit_core::ConfigError;

/// One name that a certificate may be for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// A DNS name or an IP address among the subject alternative names.
    Alternative(ServerName<'static>),
    /// The common name. Cloud SQL writes `PROJECT:INSTANCE` into certificates that have no DNS
    /// name.
    Common(String),
}

/// The names that a server's certificate may be for. One of them has to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    names: Vec<Name>,
}

impl Identity {
    /// Expects the name that the setting `field` has: a DNS name, an IP address or
    /// `PROJECT:INSTANCE`.
    pub(crate) fn named(field: &'static str, name: &str) -> Result<Self, ConfigError> {
        let found = alternative(name)
            .or_else(|| name.contains(':').then(|| Name::Common(name.to_owned())))
            .ok_or_else(|| {
                ConfigError::new(
                    field,
                    name,
                    "it is a DNS name, an address, or PROJECT:INSTANCE",
                    "write what the server's certificate is for",
                )
            })?;
        Ok(Self { names: vec![found] })
    }

    /// Expects one of these DNS names, or this common name. Returns `None` if there is no name.
    #[cfg(feature = "iam")]
    pub(crate) fn of_instance<'a>(
        names: impl Iterator<Item = &'a str>,
        common: Option<String>,
    ) -> Option<Self> {
        let names: Vec<_> = names.filter_map(alternative).chain(common.map(Name::Common)).collect();
        (!names.is_empty()).then_some(Self { names })
    }

    /// Returns the name that the client sends in the handshake (SNI).
    pub(crate) fn server_name(&self, address: &Address) -> Option<ServerName<'static>> {
        let named = self.names.iter().find_map(|name| match name {
            Name::Alternative(name) => Some(name.clone()),
            Name::Common(_) => None,
        });
        named.or_else(|| ServerName::try_from(address.host.clone()).ok())
    }

    pub(super) fn check(&self, end_entity: &CertificateDer<'_>) -> Result<(), rustls::Error> {
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

/// Reads a DNS name or an IP address. A DNS name may end with the dot of the root, which
/// certificates leave out.
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

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::{CertificateDer, Identity};

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
        Identity::named("DATABASE_SERVER_NAME", name.unwrap_or(host)).expect("valid")
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
        let said =
            Identity::named("DATABASE_SERVER_NAME", "not a name").expect_err("it is no name");
        assert_eq!(said.field(), "DATABASE_SERVER_NAME");
    }
}
