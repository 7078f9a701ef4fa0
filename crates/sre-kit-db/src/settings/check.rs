//! The check of the settings, before anything is dialled.

use std::fmt;
use std::time::Duration;

use super::DbSettings;
use super::url::{Server, Target};
use crate::instance::Instance;
use sre_kit_core::ConfigError;

impl DbSettings {
    /// Checks everything that can be checked without a dial.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |field: &'static str, value: &dyn fmt::Debug, rule: &'static str, advice| {
            Err(ConfigError::new(field, value, rule, advice))
        };
        if self.name.is_empty() {
            return refuse(
                "database.name",
                &self.name,
                "it is a label and not empty",
                "leave it out to have `main`",
            );
        }
        if !(1..=10_000).contains(&self.max_connections) {
            return refuse(
                "DATABASE_MAX_CONNECTIONS",
                &self.max_connections,
                "it is a number from 1 to 10000",
                "divide what the server allows by the number of instances",
            );
        }
        if self.min_connections > self.max_connections {
            return refuse(
                "database.min_connections",
                &self.min_connections,
                "it is at most max_connections",
                "leave it out to have none while there is no work",
            );
        }
        if self.concurrent_logins == 0 {
            return refuse(
                "database.concurrent_logins",
                &self.concurrent_logins,
                "it is at least 1",
                "leave it out to have 4",
            );
        }
        for (field, value, least) in [
            ("database.lifetime", self.lifetime, Duration::from_secs(1)),
            ("database.idle_timeout", self.idle_timeout, Duration::from_secs(1)),
            ("database.acquire_timeout", self.acquire_timeout, Duration::from_millis(10)),
        ] {
            if !(least..=Duration::from_hours(24)).contains(&value) {
                return refuse(
                    field,
                    &value,
                    "it lies between a second and a day, a hundredth of a second for acquiring",
                    "leave it out to have the default",
                );
            }
        }
        self.check_server()
    }

    fn check_server(&self) -> Result<(), ConfigError> {
        if cfg!(not(unix)) {
            self.check_without_unix_sockets()?;
        }
        match &self.target {
            Target::Sqlite(_) if !cfg!(feature = "sqlite") => Err(ConfigError::new(
                "DATABASE_URL",
                format_args!("sqlite:..."),
                "this program was built without SQLite",
                "build it with the feature `db-sqlite` of sre-kit",
            )),
            Target::Postgres(_) if !cfg!(feature = "postgres") => Err(ConfigError::new(
                "DATABASE_URL",
                format_args!("postgres:..."),
                "this program was built without PostgreSQL",
                "build it with the feature `db-postgres` of sre-kit",
            )),
            Target::Postgres(postgres) => {
                let by_token = matches!(postgres.server, Server::Token { .. });
                if by_token && self.tokens.is_none() && !cfg!(feature = "iam") {
                    return Err(ConfigError::new(
                        "DATABASE_URL",
                        format_args!("postgres+iam:..."),
                        "this program was built without Google's credentials",
                        "build it with the feature `db-iam` of sre-kit, or set a token_source",
                    ));
                }
                let without_ca = self.server_ca.is_none();
                let tls = match &postgres.server {
                    Server::Password { tls, .. } => *tls == Some(true),
                    Server::Token { .. } => true,
                    Server::Socket { .. } | Server::Connector { .. } => false,
                };
                if tls && without_ca {
                    return Err(ConfigError::new(
                        "DATABASE_CA_FILE",
                        "",
                        "TLS needs to know who signs the server's certificate",
                        "give the server's CA; for one that everybody trusts, \
                         /etc/ssl/certs/ca-certificates.crt",
                    ));
                }
                if let Server::Connector { instance, .. } = &postgres.server {
                    return self.check_connector(instance);
                }
                Ok(())
            }
            Target::Sqlite(_) => Ok(()),
        }
    }

    /// Checks what needs a Unix socket, on a system that has none.
    fn check_without_unix_sockets(&self) -> Result<(), ConfigError> {
        if let Target::Postgres(postgres) = &self.target
            && let Server::Socket { directory, .. } = &postgres.server
        {
            return Err(ConfigError::new(
                "DATABASE_URL",
                directory,
                "it names a Unix socket, which this system does not have",
                "name a host instead, as in postgres://USER@localhost:5432/DB",
            ));
        }
        if !self.bridge_loopback {
            return Err(ConfigError::new(
                "database.bridge_loopback",
                false,
                "this system has no Unix sockets",
                "leave it out to have `true`",
            ));
        }
        Ok(())
    }

    fn check_connector(&self, instance: &Instance) -> Result<(), ConfigError> {
        if !cfg!(feature = "iam") {
            return Err(ConfigError::new(
                "DATABASE_URL",
                format_args!("cloudsql:...@{instance}/..."),
                "this program was built without the Cloud SQL connector",
                "build it with the feature `db-iam` of sre-kit",
            ));
        }
        if self.server_ca.is_some() {
            return Err(ConfigError::new(
                "DATABASE_CA_FILE",
                "...",
                "with cloudsql: the Admin API tells who signs the server's certificate",
                "leave it out, or dial the server itself with postgres+iam:",
            ));
        }
        Ok(())
    }
}
