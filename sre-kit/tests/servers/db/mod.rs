//! Logins by token and by password at a real PostgreSQL server, and what happens to
//! queries when tokens, their source or the server fail.
//!
//! The server checks tokens as Cloud SQL does for users of IAM: as a password that is
//! sent as it is, and only over TLS. It asks a small LDAP server in the test whether a
//! token is good.
#![cfg(all(feature = "db-iam", feature = "db-sqlite"))]

mod dropped;
mod herd;
mod identity;
mod rotation;

use std::time::{Duration, Instant};

use crate::db_support::metadata::{Metadata, Mood};
use crate::db_support::postgres::{INSTANCE, Logins, Postgres};
use crate::db_support::tokens::{Source, Tokens};
use crate::load::{Everything, metric, one, statement};
use sea_orm::{ConnectionTrait, TransactionTrait};
use sre_kit::db::{Db, DbErrorKind, DbHealth, DbMetrics, DbSettings, GoogleTokens};
use sre_kit::metrics::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SOON: Duration = Duration::from_secs(20);

struct Rig {
    server: Postgres,
    tokens: Tokens,
    registry: Registry,
}

impl Rig {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[&str]) -> Self {
        let tokens = Tokens::default();
        let server = Postgres::start_with(Logins::Token(tokens.clone()), settings).await;
        Self { server, tokens, registry: Registry::new() }
    }

    fn settings(&self) -> DbSettings {
        DbSettings::new(&self.server.iam_url())
            .expect("valid")
            .server_ca(&self.server.authority.pem)
            .expect("a CA")
            .server_name(INSTANCE)
    }

    fn db(&self, settings: &DbSettings) -> Db {
        let metrics = DbMetrics::new(&self.registry).expect("free");
        Db::new(settings, &metrics).expect("valid")
    }

    fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        metric(&self.registry, name, labels)
    }
}

/// Waits until `holds` returns true.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_mins(1), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_403_of_the_metadata_server_at_the_start_is_retried() {
    // google-cloud-auth takes a 403 as permanent, and GKE's metadata server can return it.
    let rig = Rig::new().await;
    let metadata = Metadata::start(rig.tokens.clone(), 15, Mood::Once(403)).await;
    let google = GoogleTokens::login().metadata_endpoint(&metadata.url);
    let db = rig.db(&rig.settings().token_source(google));
    db.connect(SOON).await.expect("at the second try");
    assert!((rig.metric("sre_kit_db_auth_rebuilds_total", &[]) - 1.0).abs() < 0.1);
    assert_eq!(one(&db).await.expect("logged in"), 1);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn every_failure_of_the_metadata_server_is_survived() {
    for mood in [Mood::Status(403), Mood::Status(404), Mood::Status(503), Mood::Garbage, Mood::Hang]
    {
        let rig = Rig::new().await;
        let metadata = Metadata::start(rig.tokens.clone(), 15, mood).await;
        let google = GoogleTokens::login().metadata_endpoint(&metadata.url);
        let db = rig.db(&rig.settings().token_source(google));
        let refused = db.connect(Duration::from_secs(2)).await.expect_err("no token yet");
        assert!(
            matches!(refused.kind(), DbErrorKind::Credentials | DbErrorKind::TimedOut),
            "{mood:?}: {refused:?}"
        );
        metadata.set(Mood::Fine);
        db.connect(Duration::from_secs(40)).await.unwrap_or_else(|e| panic!("{mood:?}: {e}"));
        assert_eq!(one(&db).await.expect("logged in"), 1);
        if mood != Mood::Hang {
            assert!(rig.metric("sre_kit_db_auth_rebuilds_total", &[]) > 0.5, "{mood:?}");
        }
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn another_process_is_refused_at_the_bridge() {
    let rig = Rig::new().await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    // A socket with a name in the file system, so that psql can connect to it.
    let inside = tempfile::tempdir().expect("a directory");
    let settings = rig.settings().token_source(source).bridge_directory(inside.path());
    let db = rig.db(&settings);
    db.connect(SOON).await.expect("this process is let in");
    let made = std::fs::read_dir(inside.path()).expect("readable").next().expect("one");
    let directory = made.expect("readable").path();
    let psql = tokio::task::spawn_blocking(move || {
        std::process::Command::new("psql")
            .args(["-h", directory.to_str().expect("text"), "-p", "5432"])
            .args(["-U", "shop@project.iam", "-d", "shop", "-c", "SELECT 1"])
            .env("PGCONNECT_TIMEOUT", "5")
            .output()
            .expect("psql runs")
    });
    assert!(!psql.await.expect("no panic").status.success());
    assert!((rig.metric("sre_kit_db_bridge_refused_total", &[]) - 1.0).abs() < 0.1);
    db.close().await;
    assert_eq!(std::fs::read_dir(inside.path()).expect("readable").count(), 0, "cleaned up");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_token_logs_in_over_loopback_and_the_server_sees_no_secret() {
    let rig = Rig::with(&["log_min_messages=log", "log_connections=on"]).await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let db = rig.db(&rig.settings().token_source(source).bridge_loopback(true));
    db.connect(SOON).await.expect("logs in");
    for (option, value) in [("statement_timeout", "30s"), ("sre_kit.bridge_secret", "")] {
        let asked = statement(&format!("SELECT coalesce(current_setting('{option}', true), '')"));
        let row = db.query_one_raw(asked).await.expect("answers").expect("a row");
        let found: String = row.try_get_by_index(0).expect("text");
        assert_eq!(found, value, "{option}");
    }
    assert!(rig.metric("sre_kit_db_bridge_refused_total", &[]) < 0.1);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn over_loopback_only_who_shows_the_secret_is_let_in() {
    let rig = Rig::new().await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let db = rig.db(&rig.settings().token_source(source).bridge_loopback(true));
    db.connect(SOON).await.expect("this process is let in");
    let port = loopback_port(&db);
    let logins = || rig.metric("sre_kit_db_logins_total", &["result=\"ok\""]);
    let before = logins();
    for (refused, options) in ["", "-c sre_kit.bridge_secret=guessed"].into_iter().enumerate() {
        let psql = tokio::task::spawn_blocking(move || {
            std::process::Command::new("psql")
                .args(["-h", "127.0.0.1", "-p", &port.to_string()])
                .args(["-U", "shop@project.iam", "-d", "shop", "-c", "SELECT 1"])
                .env("PGCONNECT_TIMEOUT", "5")
                .env("PGOPTIONS", options)
                .output()
                .expect("psql runs")
        });
        let output = psql.await.expect("no panic");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("and no other"), "{said}");
        let counted = rig.metric("sre_kit_db_bridge_refused_total", &[]);
        assert!((counted - (refused + 1) as f64).abs() < 0.1, "{counted}");
    }
    assert!((logins() - before).abs() < 0.1, "the server was not asked");
    // A request to cancel has no room for the secret, so it is refused as well.
    let cancel = b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02";
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("open");
    stream.write_all(cancel).await.expect("sent");
    assert_eq!(stream.read(&mut [0; 64]).await.expect("closed"), 0);
    assert!((rig.metric("sre_kit_db_bridge_refused_total", &[]) - 3.0).abs() < 0.1);
    assert_eq!(one(&db).await.expect("still serves this process"), 1);
    let debug = format!("{db:?} {:?}", rig.settings().bridge_loopback(true));
    let secret = secret_of(&db);
    assert!(secret.len() == 64 && !debug.contains(&secret), "{debug}");
    db.close().await;
}

/// Returns the port that sqlx connects to.
fn loopback_port(db: &Db) -> u16 {
    db.postgres_pool().expect("of PostgreSQL").connect_options().get_port()
}

/// Returns the secret that sqlx shows to the bridge.
fn secret_of(db: &Db) -> String {
    let options = db.postgres_pool().expect("of PostgreSQL").connect_options();
    let options = options.get_options().expect("has options").to_owned();
    let (_, secret) = options.split_once("sre_kit.bridge_secret=").expect("the secret is one");
    secret.split(' ').next().expect("not empty").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_password_works_over_tls_and_without() {
    let server = Postgres::start(Logins::Password).await;
    // Over each transport of the bridge.
    let cases = [(true, false), (false, false), (true, true), (false, true)];
    for (number, (with_tls, loopback)) in cases.into_iter().enumerate() {
        let settings = DbSettings::new(&server.password_url()).expect("valid");
        let mut settings = settings.bridge_loopback(loopback);
        if with_tls {
            settings = settings.server_ca(&server.authority.pem).expect("a CA");
        }
        let db = Db::new(&settings, &DbMetrics::new(&Registry::new()).expect("free"));
        let db = db.expect("valid");
        db.connect(SOON).await.expect("logs in");
        let asked = statement("SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        let row = db.query_one_raw(asked).await.expect("answers").expect("a row");
        let ssl: i32 = row.try_get("", "ssl").expect("a number");
        assert_eq!(ssl, i32::from(with_tls), "{number}");
        db.close().await;
    }
    let wrong = server.password_url().replace("hunter2", "hunter3");
    let settings = DbSettings::new(&wrong).expect("valid");
    let db = Db::new(&settings, &DbMetrics::new(&Registry::new()).expect("free")).expect("valid");
    let refused = db.connect(Duration::from_secs(5)).await.expect_err("wrong");
    assert_eq!(refused.kind(), DbErrorKind::Refused, "{refused}");
    assert!(!format!("{refused} {refused:?} {db:?} {settings:?}").contains("hunter"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_pool_comes_back_after_its_server_and_after_its_sessions_were_ended() {
    let mut rig = Rig::new().await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let db = rig.db(&rig.settings().token_source(source));
    db.connect(SOON).await.expect("logs in");
    rig.server
        .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'shop%'");
    let answers = async |db: &Db| {
        let start = Instant::now();
        while one(db).await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "it comes back");
        }
    };
    answers(&db).await;
    rig.server.down();
    assert!(matches!(db.check().await, DbHealth::Down(_)));
    assert!(one(&db).await.is_err());
    rig.server.up().await;
    answers(&db).await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_full_server_is_waited_for_and_reported() {
    let rig = Rig::with(&["max_connections=8", "superuser_reserved_connections=3"]).await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let settings = rig.settings().token_source(source).acquire_timeout(Duration::from_secs(1));
    let db = rig.db(&settings);
    db.connect(SOON).await.expect("logs in");
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(db.begin().await.expect("there is room"));
    }
    let refused = one(&db).await.expect_err("there is none");
    assert!(refused.to_string().contains("timed out"), "{refused}");
    assert!(rig.metric("db_client_connection_timeouts_total", &[]) > 0.5);
    assert!(rig.metric("sre_kit_db_logins_total", &["db_response_status_code=\"53300\""]) > 0.5);
    drop(held);
    // What was held is rolled back first, which takes a busy server a moment.
    let start = Instant::now();
    while one(&db).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "there is room again");
    }
    db.close().await;
}

#[tokio::test]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn no_token_and_no_literal_is_ever_logged_or_printed() {
    use tracing_subscriber::layer::SubscriberExt;
    let rig = Rig::new().await;
    let everything = Everything::default();
    let subscriber = tracing_subscriber::registry().with(everything.clone());
    let guard = tracing::subscriber::set_default(subscriber);
    let metadata = Metadata::start(rig.tokens.clone(), 15, Mood::Garbage).await;
    let google = GoogleTokens::login().metadata_endpoint(&metadata.url);
    let settings = rig.settings().token_source(google);
    let db = rig.db(&settings);
    let refused = db.connect(Duration::from_secs(1)).await.expect_err("garbage");
    metadata.set(Mood::Fine);
    db.connect(Duration::from_secs(40)).await.expect("logs in");
    db.query_one_raw(statement("SELECT 'sesame-literal' AS x")).await.expect("answers");
    rig.tokens.revoke_all();
    let held = db.begin().await.expect("begins");
    let _ = one(&db).await;
    held.rollback().await.expect("ends");
    let pool = db.postgres_pool().expect("PostgreSQL");
    let printed =
        format!("{db:?} {settings:?} {refused} {refused:?} {pool:?} {:?}", pool.connect_options());
    db.close().await;
    drop(guard);
    let logged = everything.text();
    assert!(logged.contains("database"), "something was logged");
    for (what, text) in [("logged", logged), ("printed", printed)] {
        let found = text.lines().find(|line| line.contains("sesame"));
        assert_eq!(found, None, "{what}");
    }
}
