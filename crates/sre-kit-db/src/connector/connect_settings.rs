//! The responses of the Admin API.

use serde::Deserialize;

use crate::address::Address;
use crate::instance::Instance;
use crate::ip_kind::IpKind;
use crate::transport::{DialError, DialErrorKind};

/// The port of the proxy beside each server.
const PORT: u16 = 3307;

/// The response to `connectSettings`, reduced to the fields that are used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ConnectSettings {
    region: String,
    backend_type: String,
    database_version: String,
    ip_addresses: Vec<IpAddress>,
    server_ca_cert: SslCert,
    server_ca_mode: String,
    psc_enabled: bool,
    dns_name: String,
    dns_names: Vec<DnsName>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IpAddress {
    #[serde(rename = "type")]
    kind: String,
    ip_address: String,
}

/// A certificate as PEM.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SslCert {
    pub(super) cert: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DnsName {
    name: String,
    connection_type: String,
    dns_scope: String,
}

/// The response to `generateEphemeralCert`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EphemeralCert {
    pub(super) ephemeral_cert: SslCert,
}

impl Default for ConnectSettings {
    fn default() -> Self {
        Self {
            region: String::new(),
            // Responses from before the field existed leave it out.
            backend_type: "SECOND_GEN".to_owned(),
            database_version: "POSTGRES".to_owned(),
            ip_addresses: Vec::new(),
            server_ca_cert: SslCert::default(),
            server_ca_mode: String::new(),
            psc_enabled: false,
            dns_name: String::new(),
            dns_names: Vec::new(),
        }
    }
}

impl ConnectSettings {
    /// Checks that a connection can work at all.
    ///
    /// # Errors
    ///
    /// Returns a permanent error if the region is another one, or the instance is not a PostgreSQL
    /// instance of the second generation.
    pub(super) fn check(&self, instance: &Instance) -> Result<(), DialError> {
        let wrong = |what: String| {
            Err(DialError::new(DialErrorKind::Instance, "instance", what).permanent())
        };
        if self.region != instance.region {
            return wrong(format!(
                "{instance} is in {}, and not in {}; correct the region in its name",
                shown(&self.region),
                instance.region
            ));
        }
        if self.backend_type != "SECOND_GEN" {
            return wrong(format!("{instance} is {}", shown(&self.backend_type)));
        }
        if !self.database_version.starts_with("POSTGRES") {
            let found = shown(&self.database_version);
            return wrong(format!("{instance} is {found}, and no PostgreSQL"));
        }
        Ok(())
    }

    /// Returns the address to dial.
    ///
    /// # Errors
    ///
    /// Returns a permanent error if the instance has no address of this kind.
    pub(super) fn address(&self, instance: &Instance, kind: IpKind) -> Result<Address, DialError> {
        let host = match kind {
            IpKind::Private => self.ip_address("PRIVATE"),
            IpKind::Public => self.ip_address("PRIMARY"),
            IpKind::Psc => self.endpoint(),
        };
        if let Some(host) = host {
            return Ok(Address { host: host.to_owned(), port: PORT });
        }
        let has: Vec<_> = [
            ("private", self.ip_address("PRIVATE")),
            ("public", self.ip_address("PRIMARY")),
            ("psc", self.endpoint()),
        ]
        .into_iter()
        .filter_map(|(name, host)| host.map(|_| name))
        .collect();
        let has = if has.is_empty() { "none at all".to_owned() } else { has.join(", ") };
        let message = format!(
            "{instance} has no address of the kind {kind}, but {has}; give it one, or choose another \
             kind"
        );
        Err(DialError::new(DialErrorKind::Instance, "ip_type", message).permanent())
    }

    fn ip_address(&self, kind: &str) -> Option<&str> {
        let found = self.ip_addresses.iter().find(|address| address.kind == kind)?;
        Some(found.ip_address.as_str()).filter(|host| !host.is_empty())
    }

    /// Returns the name of the Private Service Connect endpoint. An instance can have a DNS name
    /// without an endpoint.
    fn endpoint(&self) -> Option<&str> {
        if !self.psc_enabled {
            return None;
        }
        let listed = self.dns_names.iter().find(|name| {
            name.connection_type == "PRIVATE_SERVICE_CONNECT"
                && name.dns_scope == "INSTANCE"
                && !name.name.is_empty()
        });
        let name = listed.map_or(self.dns_name.as_str(), |listed| listed.name.as_str());
        Some(name).filter(|name| !name.is_empty())
    }

    pub(super) fn server_ca(&self) -> &str {
        &self.server_ca_cert.cert
    }

    /// Returns the DNS names that the server's certificate may be for.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let listed = self.dns_names.iter().map(|name| name.name.as_str());
        listed.chain([self.dns_name.as_str()]).filter(|name| !name.is_empty())
    }

    /// Returns whether the CA signs for this instance only. With a shared CA a common name proves
    /// nothing, so only a DNS name counts.
    pub(super) fn has_own_ca(&self) -> bool {
        !self.server_ca_mode.contains("_CAS_")
    }
}

/// Limits a value of the API to 64 printable characters for an error message.
fn shown(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    if text.is_empty() { "(nothing)".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ConnectSettings, Instance, IpKind};

    fn settings(text: serde_json::Value) -> ConnectSettings {
        serde_json::from_value(text).expect("readable")
    }

    fn instance() -> Instance {
        Instance::parse("shop:europe-west1:main").expect("valid")
    }

    #[test]
    fn the_address_is_the_one_of_the_kind_that_was_asked_for() {
        let all = settings(json!({
            "ipAddresses": [
                {"type": "PRIMARY", "ipAddress": "203.0.113.9"},
                {"type": "OUTGOING", "ipAddress": "203.0.113.10"},
                {"type": "PRIVATE", "ipAddress": "10.0.0.3"},
            ],
            "pscEnabled": true,
            "dnsName": "old.sql.goog.",
            "dnsNames": [
                {"name": "cluster.sql-psa.goog.", "connectionType": "PRIVATE_SERVICES_ACCESS", "dnsScope": "INSTANCE"},
                {"name": "write.sql-psc.goog.", "connectionType": "PRIVATE_SERVICE_CONNECT", "dnsScope": "CLUSTER"},
                {"name": "own.sql-psc.goog.", "connectionType": "PRIVATE_SERVICE_CONNECT", "dnsScope": "INSTANCE"},
            ],
        }));
        for (ip, host) in [
            (IpKind::Private, "10.0.0.3"),
            (IpKind::Public, "203.0.113.9"),
            (IpKind::Psc, "own.sql-psc.goog."),
        ] {
            let found = all.address(&instance(), ip).expect("there is one");
            assert_eq!((found.host.as_str(), found.port), (host, 3307));
        }
        let older = settings(json!({"pscEnabled": true, "dnsName": "old.sql.goog."}));
        assert_eq!(older.address(&instance(), IpKind::Psc).expect("one").host, "old.sql.goog.");
    }

    #[test]
    fn an_address_that_is_not_there_is_told_with_those_that_are() {
        let public = settings(json!({
            "ipAddresses": [{"type": "PRIMARY", "ipAddress": "203.0.113.9"}],
            // A name in a certificate, and no endpoint.
            "dnsName": "x.sql.goog.",
        }));
        for ip in [IpKind::Private, IpKind::Psc] {
            let said = public.address(&instance(), ip).expect_err("none").message;
            assert!(said.contains(ip.as_str()) && said.contains("but public;"), "{said}");
        }
        let said =
            settings(json!({})).address(&instance(), IpKind::Private).expect_err("none").message;
        assert!(said.contains("none at all"), "{said}");
    }

    #[test]
    fn what_no_connection_can_work_against_is_refused_for_good() {
        for (text, says) in [
            (json!({"region": "us-east1"}), "is in us-east1, and not in europe-west1"),
            (json!({}), "is in (nothing)"),
            (json!({"region": "europe-west1", "backendType": "EXTERNAL"}), "is EXTERNAL"),
            (json!({"region": "europe-west1", "databaseVersion": "MYSQL_8_0"}), "no PostgreSQL"),
        ] {
            let error = settings(text).check(&instance()).expect_err(says);
            assert!(error.message.contains(says), "{error}");
            assert_eq!(error.retry, crate::transport::Retry::Never);
        }
        let fine = json!({"region": "europe-west1", "databaseVersion": "POSTGRES_17"});
        settings(fine).check(&instance()).expect("fine");
    }
}
