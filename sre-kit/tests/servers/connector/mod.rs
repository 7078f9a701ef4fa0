//! The Cloud SQL connector, through a fake of Cloud SQL to a real PostgreSQL server that
//! checks tokens: which servers it trusts, what it does when the Admin API or the proxy
//! fail, that no query notices a new certificate, and how it is used without a pool.
#![cfg(all(feature = "db-iam", target_os = "linux"))]

mod cloud_sql;
mod direct;
mod failures;
mod identity;
mod oracle;
mod proxy;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::db_support::postgres::{Logins, Postgres};
use crate::db_support::tokens::{Source, Tokens};
use crate::load::{self, Load, metric, one};
use cloud_sql::{CloudSql, URL};
use sre_kit::db::{Db, DbHealth, DbMetrics, DbSettings};
use sre_kit::metrics::Registry;

const SOON: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

struct Rig {
    cloud: CloudSql,
    /// The tokens that log in.
    tokens: Tokens,
    registry: Registry,
    _server: Postgres,
}

impl Rig {
    async fn new() -> Self {
        let tokens = Tokens::default();
        let server = Postgres::start(Logins::Token(tokens.clone())).await;
        let cloud = CloudSql::start(&server).await;
        Self { cloud, tokens, registry: Registry::new(), _server: server }
    }

    fn settings(&self, url: &str) -> DbSettings {
        DbSettings::new(url)
            .expect("valid")
            .sqladmin_endpoint(&self.cloud.endpoint)
            .sqladmin_token_source(Source::new(&self.cloud.shared.api_tokens, HOUR))
            .token_source(Source::new(&self.tokens, HOUR))
            // The default of 3 s is short for a busy machine.
            .acquire_timeout(Duration::from_secs(10))
    }

    /// Returns settings with four connections from the start: existing ones survive an outage.
    fn full(&self, url: &str) -> DbSettings {
        self.settings(url).max_connections(4).min_connections(4)
    }

    async fn fill(&self, db: &Db) {
        db.connect(SOON).await.expect("logs in");
        until("the pool is full", async || db.usage().size == 4).await;
    }

    fn db(&self, settings: &DbSettings) -> Db {
        Db::new(settings, &DbMetrics::new(&self.registry).expect("free")).expect("valid")
    }

    fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        metric(&self.registry, name, labels)
    }
}

/// Waits until `holds` returns true.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < SOON, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn it_logs_in_by_every_kind_of_address_and_asks_for_one_certificate() {
    for ip in ["", "?ip=private", "?ip=public", "?ip=psc"] {
        let rig = Rig::new().await;
        let db = rig.db(&rig.settings(&format!("{URL}{ip}")));
        db.connect(SOON).await.unwrap_or_else(|error| panic!("{ip}: {error}"));
        let row = load::statement("SELECT current_user::text AS x");
        let row = sea_orm::ConnectionTrait::query_one_raw(&db, row).await.expect("answers");
        let user: String = row.expect("a row").try_get("", "x").expect("text");
        assert_eq!(user, "shop@project.iam");
        let load = Load::start(&db, 20);
        until("the pool fills", async || db.usage().size > 3).await;
        let (_, failures) = load.end().await;
        assert_eq!(failures, Vec::<String>::new());
        assert_eq!(rig.cloud.state().asked.len(), 2, "one of each call");
        assert_eq!(db.check().await, DbHealth::Up);
        let expiry = rig.metric("sre_kit_db_cert_expiry_seconds", &[]);
        assert!((3_000.0..=3_600.0).contains(&expiry), "{expiry}");
        let refreshes = rig.metric("sre_kit_db_cert_refreshes_total", &["outcome=\"ok\""]);
        assert!((refreshes - 1.0).abs() < 0.1, "{refreshes}");
        let logins = rig.metric("sre_kit_db_logins_total", &["outcome=\"ok\""]);
        assert!(logins > 3.0, "{logins}");
        assert!(rig.metric("sre_kit_db_dial_duration_seconds_count", &["phase=\"tls\""]) > 3.0);
        db.close().await;
    }
}

/// Certificates that last 6 s, connections that live 1 s, eighteen seconds of load.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn no_query_fails_while_certificates_are_renewed() {
    let rig = Rig::new().await;
    rig.cloud.state().lasts = Duration::from_secs(6);
    let db = rig.db(&rig.settings(URL).lifetime(Duration::from_secs(1)));
    db.connect(SOON).await.expect("logs in");
    let load = Load::start(&db, 8);
    tokio::time::sleep(Duration::from_secs(18)).await;
    let (ok, failures) = load.end().await;
    assert_eq!(failures, Vec::<String>::new());
    assert!(ok > 100, "{ok}");
    let renewed = rig.cloud.certificates();
    assert!(renewed >= 4, "{renewed}");
    assert!(rig.metric("sre_kit_db_recycled_total", &["reason=\"age\""]) > 8.0);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn certificates_follow_tokens_that_are_renewed() {
    let rig = Rig::new().await;
    // The certificate would last; the token in it does not.
    let tokens = Source::new(&rig.tokens, Duration::from_secs(8));
    rig.cloud.state().lasts = Duration::from_secs(40);
    let settings = rig.settings(URL).token_source(tokens).lifetime(Duration::from_secs(1));
    let db = rig.db(&settings);
    db.connect(SOON).await.expect("logs in");
    let load = Load::start(&db, 4);
    tokio::time::sleep(Duration::from_secs(18)).await;
    let (_, failures) = load.end().await;
    assert_eq!(failures, Vec::<String>::new());
    assert!(rig.cloud.certificates() >= 3, "{}", rig.cloud.certificates());
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_certificate_that_was_withdrawn_is_replaced_within_the_login() {
    let rig = Rig::new().await;
    let db = rig.db(&rig.settings(URL));
    db.connect(SOON).await.expect("logs in");
    until("it is given back", async || db.usage().used == 0).await;
    let held = sea_orm::TransactionTrait::begin(&db).await.expect("a session of its own");
    rig.cloud.state().certificates.clear();
    assert_eq!(one(&db).await.expect("the request never sees it"), 1);
    assert_eq!(rig.cloud.certificates(), 2);
    assert!((rig.metric("sre_kit_db_login_retries_total", &[]) - 1.0).abs() < 0.1);
    held.rollback().await.expect("ends");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_token_that_was_revoked_is_replaced_with_its_certificate_within_the_login() {
    let rig = Rig::new().await;
    let db = rig.db(&rig.settings(URL));
    db.connect(SOON).await.expect("logs in");
    until("it is given back", async || db.usage().used == 0).await;
    let held = sea_orm::TransactionTrait::begin(&db).await.expect("a session of its own");
    rig.tokens.revoke_all();
    assert_eq!(one(&db).await.expect("the request never sees it"), 1);
    assert!((rig.metric("sre_kit_db_login_retries_total", &[]) - 1.0).abs() < 0.1);
    assert!(rig.metric("sre_kit_db_logins_total", &["outcome=\"refused\""]) < 0.5);
    held.rollback().await.expect("ends");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn an_outage_of_tokens_is_seen_and_fails_no_query() {
    let rig = Rig::new().await;
    rig.cloud.state().lasts = Duration::from_secs(4);
    let source = Source::new(&rig.tokens, Duration::from_secs(4));
    let broken = Arc::clone(&source.broken);
    let settings = rig.full(URL).token_source(source).lifetime(Duration::from_secs(3));
    let db = rig.db(&settings);
    rig.fill(&db).await;
    let load = Load::start(&db, 4);
    broken.store(true, Ordering::SeqCst);
    let degraded =
        async || matches!(db.check().await, DbHealth::Degraded(why) if why.contains("IAM is away"));
    until("it is seen", degraded).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    broken.store(false, Ordering::SeqCst);
    until("it heals", async || db.check().await == DbHealth::Up).await;
    let (_, failures) = load.end().await;
    assert_eq!(failures, Vec::<String>::new());
    db.close().await;
}
