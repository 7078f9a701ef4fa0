//! Failures of the Admin API and of the proxy, and the recovery.

use std::fmt::Write as _;
use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use sre_kit::db::{DbErrorKind, DbHealth};

use super::cloud_sql::{Api, Proxy, URL};
use super::{Rig, SOON, until};
use crate::load::{Everything, Load, one, statement};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn every_failure_of_the_admin_api_is_survived() {
    for (api, error_type) in [
        (Api::Status(429), "throttled"),
        (Api::Status(503), "server"),
        (Api::Status(403), "forbidden"),
        (Api::Status(401), "forbidden"),
        (Api::Reset, "network"),
        (Api::Garbage, "garbage"),
    ] {
        let rig = Rig::new().await;
        rig.cloud.state().api = api;
        let db = rig.db(&rig.settings(URL));
        let waiting = db.connect(Duration::from_secs(3)).await.expect_err("nothing yet");
        let kind = waiting.kind();
        assert!(
            matches!(kind, DbErrorKind::Unreachable | DbErrorKind::TimedOut),
            "{api:?}: {waiting:?}"
        );
        let failed = || {
            let label = format!("error_type=\"{error_type}\"");
            rig.metric("sre_kit_db_cert_refreshes_total", &["outcome=\"error\"", &label])
        };
        until("it is counted", async || failed() > 0.5).await;
        rig.cloud.state().api = Api::Fine;
        db.connect(SOON).await.unwrap_or_else(|error| panic!("{api:?}: {error}"));
        assert_eq!(one(&db).await.expect("logged in"), 1);
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn an_outage_of_the_admin_api_fails_no_query_and_is_seen() {
    let rig = Rig::new().await;
    rig.cloud.state().lasts = Duration::from_secs(4);
    let db = rig.db(&rig.full(URL).lifetime(Duration::from_secs(3)));
    rig.fill(&db).await;
    let load = Load::start(&db, 4);
    until("it is well", async || db.check().await == DbHealth::Up).await;
    rig.cloud.state().api = Api::Status(500);
    let degraded = async || matches!(db.check().await, DbHealth::Degraded(why) if why.contains("Admin API says 500"));
    until("it is seen", degraded).await;
    let over = async || rig.metric("sre_kit_db_cert_expiry_seconds", &[]) < 0.0;
    until("the certificate is over", over).await;
    rig.cloud.state().api = Api::Fine;
    until("it heals", async || db.check().await == DbHealth::Up).await;
    let (ok, failures) = load.end().await;
    assert_eq!(failures, Vec::<String>::new());
    assert!(ok > 100, "{ok}");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn connections_that_break_off_in_the_handshake_are_made_anew() {
    let rig = Rig::new().await;
    rig.cloud.state().proxy = Proxy::Reset(6);
    let db = rig.db(&rig.settings(URL));
    db.connect(SOON).await.expect("in the end");
    assert_eq!(rig.cloud.state().broken, 6);
    let broken = ["phase=\"tls\"", "error_type=\"reset\""];
    assert!(rig.metric("sre_kit_db_dial_duration_seconds_count", &broken) > 5.5);
    assert!(rig.cloud.certificates() <= 4, "the API is not asked for each of them");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn an_instance_that_moved_or_has_another_ca_is_found_within_the_login() {
    let rig = Rig::new().await;
    let db = rig.db(&rig.settings(URL));
    db.connect(SOON).await.expect("logs in");
    until("it is given back", async || db.usage().used == 0).await;
    let held = db.begin().await.expect("a session of its own");
    // The CA changes, and the API returns the new one.
    rig.cloud.show("project:main", &[], false);
    assert_eq!(one(&db).await.expect("the request never sees it"), 1);
    assert_eq!(rig.cloud.certificates(), 2);
    held.rollback().await.expect("ends");
    db.close().await;

    // The address is unreachable: sqlx retries until the acquire timeout.
    let rig = Rig::new().await;
    let address = rig.cloud.state().settings["ipAddresses"].clone();
    rig.cloud.state().settings["ipAddresses"][1]["ipAddress"] = "127.0.0.1".into();
    let db = rig.db(&rig.settings(URL));
    db.connect(Duration::from_secs(2)).await.expect_err("nobody listens there");
    rig.cloud.state().settings["ipAddresses"] = address;
    db.connect(SOON).await.expect("found");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_certificate_that_is_over_when_it_comes_is_a_clock_that_is_wrong() {
    let rig = Rig::new().await;
    rig.cloud.state().lasts = Duration::ZERO;
    let db = rig.db(&rig.settings(URL));
    let said = async || matches!(db.check().await, DbHealth::Down(why) if why.contains("clock"));
    until("it is said", said).await;
    rig.cloud.state().lasts = Duration::from_hours(1);
    db.connect(SOON).await.expect("it heals");
    db.close().await;
}

#[tokio::test]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn no_token_is_ever_logged_or_printed() {
    use tracing_subscriber::layer::SubscriberExt;
    let rig = Rig::new().await;
    let everything = Everything::default();
    let subscriber = tracing_subscriber::registry().with(everything.clone());
    let guard = tracing::subscriber::set_default(subscriber);
    let settings = rig.settings(URL);
    let mut printed = String::new();
    for api in [Api::Garbage, Api::Status(403), Api::Status(400), Api::Reset] {
        rig.cloud.state().api = api;
        let db = sre_kit::db::Db::new(
            &settings,
            &sre_kit::db::DbMetrics::new(&sre_kit::metrics::Registry::new()).expect("free"),
        );
        let db = db.expect("valid");
        let refused = db.connect(Duration::from_secs(2)).await.expect_err("it fails");
        let _ = write!(printed, "{refused} {refused:?} {db:?}");
        db.close().await;
    }
    rig.cloud.state().api = Api::Fine;
    let db = rig.db(&settings);
    db.connect(SOON).await.expect("logs in");
    rig.tokens.revoke_all();
    let held = db.begin().await.expect("begins");
    let _ = one(&db).await;
    rig.cloud.show("project:other", &[], false);
    held.query_one_raw(statement("SELECT 1")).await.expect("answers");
    held.rollback().await.expect("ends");
    let pool = db.postgres_pool().expect("PostgreSQL");
    let _ = write!(printed, "{db:?} {settings:?} {pool:?} {:?}", pool.connect_options());
    db.close().await;
    drop(guard);
    let logged = everything.text();
    assert!(logged.contains("database"), "something was logged");
    assert!(rig.tokens.issued() > 0 && rig.cloud.shared.api_tokens.issued() > 0);
    for (what, text) in [("logged", logged), ("printed", printed)] {
        let found = text.lines().find(|line| line.contains("sesame"));
        assert_eq!(found, None, "{what}");
    }
}
