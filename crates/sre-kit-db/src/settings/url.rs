//! The URL of a database.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::address::Address;
use crate::instance::Instance;
use crate::ip_kind::IpKind;
use crate::secret::Secret;
use sre_kit_core::ConfigError;

const FIELD: &str = "DATABASE_URL";

/// A database, and how to log in to it.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "read, to be refused"))]
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A SQLite database.
#[derive(Clone)]
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "read, to be refused"))]
pub(crate) struct Sqlite {
    pub(crate) url: String,
    pub(crate) in_memory: bool,
}

/// A PostgreSQL database.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) password: Option<Secret>,
    pub(crate) server: Server,
}

/// The way to reach a PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// By password, over TCP.
    Password { address: Address, tls: Option<bool> },
    /// By password, through a Unix socket in a directory.
    Socket { directory: PathBuf, port: u16 },
    /// By token, over TCP and TLS.
    Token { address: Address },
    /// By token, with the Cloud SQL connector.
    Connector { instance: Instance, ip_kind: IpKind },
}

impl Sqlite {
    /// Reads `sqlite://file` or `sqlite::memory:`. sqlx checks the rest.
    fn parse(url: &str) -> Self {
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        Self { url: url.to_owned(), in_memory }
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl Target {
    /// Reads a URL. An error shows only the scheme, because the rest may contain a password.
    pub(crate) fn parse(url: &str) -> Result<Self, ConfigError> {
        let url = url.trim();
        let scheme = url.split(':').next().unwrap_or("");
        if scheme == "sqlite" {
            return Ok(Self::Sqlite(Sqlite::parse(url)));
        }
        let refused = |rule: &str| {
            ConfigError::new(
                FIELD,
                format_args!("{scheme}:..."),
                rule.to_owned(),
                "write it like sqlite://file.sqlite, postgres://user@host:5432/database, \
                 postgres+iam://user%40project.iam@host:5432/database or \
                 cloudsql://user%40project.iam@project:region:instance/database",
            )
        };
        if !["postgres", "postgresql", "postgres+iam", "cloudsql"].contains(&scheme) {
            return Err(refused("it begins with one of the four schemes that are known"));
        }
        let rest = url
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix("://"))
            .ok_or_else(|| refused("`://` follows the scheme"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) =
            rest.split_once('/').ok_or_else(|| refused("the name of the database is its path"))?;
        let (user, host) =
            authority.rsplit_once('@').ok_or_else(|| refused("a user stands before the host"))?;
        let (user, password) = match user.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (user, None),
        };
        let decode = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| refused("what is percent-encoded in it is UTF-8"))
        };
        let (user, database) = (decode(user)?, decode(database)?);
        for (part, rule) in [
            (user.as_str(), "the user is not empty"),
            (host, "a host stands before the path"),
            (database.as_str(), "the name of the database is its path"),
        ] {
            if part.is_empty() {
                return Err(refused(rule));
            }
        }
        let password = password.map(decode).transpose()?.map(Secret::from);
        if password.is_some() && !scheme.starts_with("postgresql") && scheme != "postgres" {
            return Err(refused("a login by token has no password"));
        }
        let parameters = Parameters::parse(query, scheme)?;
        let server = match scheme {
            "cloudsql" => Server::Connector {
                instance: Instance::parse(host).ok_or_else(|| {
                    refused("the host is an instance: three names with colons between them")
                })?,
                ip_kind: parameters.ip_kind,
            },
            "postgres+iam" => {
                Server::Token { address: address(host).ok_or_else(|| refused(HOST))? }
            }
            _ => match decode(host)? {
                path if path.starts_with('/') => {
                    let (directory, port) = path.rsplit_once(':').unwrap_or((&path, "5432"));
                    let port = port.parse().map_err(|_| refused(HOST))?;
                    Server::Socket { directory: directory.into(), port }
                }
                _ => Server::Password {
                    address: address(host).ok_or_else(|| refused(HOST))?,
                    tls: parameters.tls,
                },
            },
        };
        Ok(Self::Postgres(Postgres { user, database, password, server }))
    }
}

const HOST: &str = "the host is a name or an address, and the port a number from 1 to 65535";

/// The parameters after the question mark.
struct Parameters {
    tls: Option<bool>,
    ip_kind: IpKind,
}

impl Parameters {
    fn parse(query: &str, scheme: &str) -> Result<Self, ConfigError> {
        let mut found = Self { tls: None, ip_kind: IpKind::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (scheme, name) {
                ("postgres" | "postgresql", "sslmode") => found.tls = Some(sslmode(value)?),
                ("cloudsql", "ip") => found.ip_kind = ip_kind(value)?,
                _ => {
                    return Err(ConfigError::new(
                        FIELD,
                        format_args!("{scheme}:...?{name}=..."),
                        "the parameters are `sslmode` for postgres and `ip` for cloudsql",
                        "leave others out",
                    ));
                }
            }
        }
        Ok(found)
    }
}

fn sslmode(value: &str) -> Result<bool, ConfigError> {
    match value {
        "disable" => Ok(false),
        "verify-full" => Ok(true),
        _ => Err(ConfigError::new(
            "sslmode in DATABASE_URL",
            value,
            "it is `disable` or `verify-full`: the others encrypt without knowing for whom",
            "write verify-full and give the server's CA in DATABASE_CA_FILE",
        )),
    }
}

fn ip_kind(value: &str) -> Result<IpKind, ConfigError> {
    value.parse().map_err(|_| {
        ConfigError::new(
            "ip in DATABASE_URL",
            value,
            "it is `private`, `public` or `psc`",
            "leave it out to have private",
        )
    })
}

/// Reads `host`, `host:port` or `[address]:port`.
fn address(authority: &str) -> Option<Address> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':').or((port.is_empty()).then_some("5432"))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "5432")),
    };
    let port = port.parse().ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then(|| Address { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{IpKind, Postgres, Server, Target};

    fn postgres(url: &str) -> Postgres {
        match Target::parse(url).expect(url) {
            Target::Postgres(postgres) => postgres,
            Target::Sqlite(_) => panic!("{url} is PostgreSQL"),
        }
    }

    #[test]
    fn the_five_forms_are_told_apart() {
        assert!(matches!(Target::parse("sqlite::memory:"), Ok(Target::Sqlite(s)) if s.in_memory));
        assert!(matches!(Target::parse("sqlite://a.db"), Ok(Target::Sqlite(s)) if !s.in_memory));
        let password = postgres("postgres://me:p%40ss@db.example.com:6432/shop");
        assert_eq!((password.user.as_str(), password.database.as_str()), ("me", "shop"));
        assert_eq!(password.password.expect("given").expose(), "p@ss");
        let Server::Password { address, tls: None } = password.server else {
            panic!("by password")
        };
        assert_eq!(address.to_string(), "db.example.com:6432");
        let socket = postgres("postgresql://me@%2Fvar%2Frun:5433/shop").server;
        assert_eq!(socket, Server::Socket { directory: "/var/run".into(), port: 5433 });
        let iam = postgres("postgres+iam://demo-app%40my-project.iam@10.0.0.3:5432/demo");
        assert_eq!(iam.user, "demo-app@my-project.iam");
        assert!(matches!(iam.server, Server::Token { address } if address.host == "10.0.0.3"));
        let connector = postgres("cloudsql://u@example.com:shop:europe-west1:main/demo?ip=psc");
        let Server::Connector { instance, ip_kind: IpKind::Psc } = connector.server else {
            panic!("by connector")
        };
        assert_eq!(instance.to_string(), "example.com:shop:europe-west1:main");
        let unsaid = postgres("cloudsql://u@shop:europe-west1:main/demo").server;
        assert!(matches!(unsaid, Server::Connector { ip_kind: IpKind::Private, .. }));
    }

    #[test]
    fn a_url_that_cannot_work_is_refused_with_its_rule_and_never_with_its_password() {
        for (url, says) in [
            ("mysql://u:hunter2@h/d", "four schemes"),
            ("postgres:u:hunter2@h/d", "`://`"),
            ("postgres://h/d", "a user stands before"),
            ("postgres://u:hunter2@h", "its path"),
            ("postgres://u:hunter2@h/", "its path"),
            ("postgres://u:hunter2@/d", "a host stands"),
            ("postgres://u:hunter2@h:0/d", "1 to 65535"),
            ("postgres://u:hunter2@h:x/d", "1 to 65535"),
            ("postgres://u:hunter2@[::1/d", "1 to 65535"),
            ("postgres://u:hunter2@h/d?sslmode=require", "without knowing for whom"),
            ("postgres://u:hunter2@h/d?connect_timeout=1", "the parameters are"),
            ("postgres+iam://u:hunter2@h/d", "has no password"),
            ("cloudsql://u@project:instance/d", "three names"),
            ("cloudsql://u@p:r:../d", "three names"),
            ("cloudsql://u:hunter2@p:r:i/d", "has no password"),
            ("cloudsql://u@p:r:i/d?ip=any", "`private`"),
        ] {
            let said = Target::parse(url).expect_err(url).to_string();
            assert!(said.contains(says), "{url}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_parsed_url_shows_no_password() {
        let parsed = format!("{:?}", Target::parse("postgres://u:hunter2@h/d").expect("valid"));
        assert!(parsed.contains("\"u\"") && !parsed.contains("hunter2"), "{parsed}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Target::parse(&text);
            let _ = Target::parse(&format!("postgres://{text}"));
            let _ = Target::parse(&format!("cloudsql://{text}"));
        }

        #[test]
        fn what_is_percent_encoded_is_read_back(user in "[^\\p{C}]{1,12}", password in "[^\\p{C}]{0,12}") {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
            };
            let url = format!("postgres://{}:{}@h/d", encode(&user), encode(&password));
            let parsed = postgres(&url);
            prop_assert_eq!(parsed.user, user);
            let found = parsed.password.expect("given");
            prop_assert_eq!(found.expose(), password);
        }
    }
}
