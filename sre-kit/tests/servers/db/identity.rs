//! Which servers are trusted with a token.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use sre_kit::db::{Db, DbError, DbErrorKind, DbMetrics, DbSettings};
use sre_kit::metrics::Registry;

use super::{Rig, SOON};
use crate::db_support::authority::Authority;
use crate::db_support::postgres::INSTANCE;
use crate::db_support::tokens::Source;
use crate::load::statement;

async fn connect(settings: &DbSettings) -> (Db, Result<(), DbError>) {
    let db = Db::new(settings, &DbMetrics::new(&Registry::new()).expect("free")).expect("valid");
    let connected = db.connect(SOON).await;
    (db, connected)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_server_that_is_not_the_right_one_gets_no_token() {
    let mut rig = Rig::new().await;
    let other = Authority::new("another CA");
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let right = rig.settings().token_source(source);
    let refuse = async |what: &str, settings: &DbSettings| {
        let (db, connected) = connect(settings).await;
        let refused = connected.expect_err(what);
        assert_eq!(refused.kind(), DbErrorKind::Unreachable, "{what}: {refused}");
        assert!(refused.to_string().contains("certificate"), "{what}: {refused}");
        db.close().await;
    };
    refuse("the common name", &right.clone().server_name("project:other")).await;
    refuse("the DNS name", &right.clone().server_name("db.example.com")).await;
    refuse("the CA", &right.clone().server_ca(&other.pem).expect("a CA")).await;
    let old = rig.server.authority.server(INSTANCE, &["127.0.0.1"], true);
    rig.server.show(&old).await;
    refuse("an old certificate", &right).await;
    assert_eq!(rig.tokens.logins().len(), 0, "no token was sent");
    let good = rig.server.authority.server(INSTANCE, &["127.0.0.1"], false);
    rig.server.show(&good).await;
    let (db, connected) = connect(&right).await;
    connected.expect("and the right one works");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn tls_1_2_is_enough_and_what_is_older_gets_no_token() {
    // Cloud SQL's own port speaks both; its connector takes 1.3 and nothing else.
    let rig = Rig::with(&["ssl_max_protocol_version=TLSv1.2"]).await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let (db, connected) = connect(&rig.settings().token_source(source)).await;
    connected.expect("logs in");
    let asked = statement("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let row = db.query_one_raw(asked).await.expect("answers").expect("a row");
    assert_eq!(row.try_get::<String>("", "version").expect("text"), "TLSv1.2");
    db.close().await;

    let old = ["ssl_min_protocol_version=TLSv1", "ssl_max_protocol_version=TLSv1.1"];
    let rig = Rig::with(&old).await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let (db, connected) = connect(&rig.settings().token_source(source)).await;
    let refused = connected.expect_err("too old");
    assert_eq!(refused.kind(), DbErrorKind::Unreachable, "{refused}");
    assert!(refused.to_string().contains("no TLS with"), "{refused}");
    assert_eq!(rig.tokens.logins().len(), 0, "no token was sent");
    db.close().await;
}
