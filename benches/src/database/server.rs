//! The PostgreSQL server, and the paths to it.

#[path = "../../../sre-kit/tests/db_support/mod.rs"]
mod db_support;

use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sre_kit::db::{Db, DbMetrics, DbSettings};
use sre_kit::metrics::Registry;

use super::Failure;
use db_support::postgres::{Logins, Postgres};

const USER: &str = "shop@project.iam";
const PASSWORD: &str = "hunter2";

/// The query of a typical service: one row by its key, as sea-orm writes it.
pub(super) const STATEMENT: &str = r#"SELECT "item"."id", "item"."name", "item"."price" FROM "item" WHERE "item"."id" = $1 LIMIT $2"#;

/// A path to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Path {
    Bridge,
    Direct,
    PlainBridge,
    PlainDirect,
}

impl Path {
    pub(super) const ALL: [Self; 4] =
        [Self::Bridge, Self::Direct, Self::PlainBridge, Self::PlainDirect];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bridge => "bridge, TLS",
            Self::Direct => "sqlx, TLS",
            Self::PlainBridge => "bridge, no TLS",
            Self::PlainDirect => "sqlx, no TLS",
        }
    }

    /// Returns all paths, each time starting with another one, so that none always runs first after
    /// a pause.
    pub(super) fn in_turn(turn: usize) -> impl Iterator<Item = Self> {
        let count = Self::ALL.len();
        Self::ALL.into_iter().cycle().skip(turn % count).take(count)
    }
}

/// A server with a table of one row, and a bridge to it with TLS and one without.
pub(super) struct Bed {
    server: Postgres,
    authority: PathBuf,
    /// The bridge with TLS.
    pub(super) bridge: Db,
    plain_bridge: Db,
}

impl Bed {
    pub(super) async fn start() -> Result<Self, Failure> {
        let server = start().await;
        let authority = server.directory.path().join("authority.pem");
        std::fs::write(&authority, &server.authority.pem)?;
        let metrics = DbMetrics::new(&Registry::new())?;
        let plain = DbSettings::new(&server.password_url())?.name("plain").max_connections(8);
        let tls = plain.clone().name("tls").server_ca(&server.authority.pem)?;
        let (bridge, plain_bridge) = (Db::new(&tls, &metrics)?, Db::new(&plain, &metrics)?);
        Ok(Self { server, authority, bridge, plain_bridge })
    }

    /// Returns the options that make sqlx use a path.
    pub(super) fn options(&self, path: Path) -> PgConnectOptions {
        let direct = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.server.port)
            .username(USER)
            .password(PASSWORD)
            .database("shop");
        let bridged = |db: &Db| {
            let pool = db.postgres_pool().expect("PostgreSQL");
            PgConnectOptions::clone(&pool.connect_options())
        };
        match path {
            Path::Bridge => bridged(&self.bridge),
            Path::Direct => direct.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(&self.authority),
            Path::PlainBridge => bridged(&self.plain_bridge),
            Path::PlainDirect => direct.ssl_mode(PgSslMode::Disable),
        }
    }

    /// Returns the options of [`Path::Direct`] as a URL.
    pub(super) fn direct_url(&self) -> String {
        let authority = self.authority.display();
        format!("{}?sslmode=verify-full&sslrootcert={authority}", self.server.password_url())
    }

    pub(super) async fn close(self) {
        self.bridge.close().await;
        self.plain_bridge.close().await;
    }
}

async fn start() -> Postgres {
    let server = Postgres::start(Logins::Password).await;
    server.sql_in(
        "shop",
        "CREATE TABLE item (id int PRIMARY KEY, name text, price int);
         INSERT INTO item VALUES (1, 'a teapot', 1999);
         GRANT ALL ON item TO PUBLIC",
    );
    server
}

/// A server, and a handle that reaches it by its own socket, without bridge and TLS, so that little
/// else is measured.
pub(super) struct Quiet {
    pub(super) db: Db,
    pub(super) registry: Registry,
    _server: Postgres,
}

impl Quiet {
    pub(super) async fn start() -> Result<Self, Failure> {
        let server = start().await;
        let directory = server.directory.path().display().to_string().replace('/', "%2F");
        let user = USER.replace('@', "%40");
        let url = format!("postgres://{user}@{directory}:{}/shop", server.port);
        let registry = Registry::new();
        let db = Db::new(&DbSettings::new(&url)?.max_connections(1), &DbMetrics::new(&registry)?)?;
        Ok(Self { db, registry, _server: server })
    }
}
