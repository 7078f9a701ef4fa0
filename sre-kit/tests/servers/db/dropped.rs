//! Statements whose future is dropped, and sessions that the server ends.

use std::time::Duration;

use super::{Rig, SOON};
use crate::db_support::tokens::Source;
use crate::load::{one, statement};
use sea_orm::{ConnectionTrait, TransactionTrait};
use sre_kit::db::Db;

const SLEEPERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%' AND state = 'active'";

async fn pool_of_four(rig: &Rig) -> Db {
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let settings = rig.settings().token_source(source).max_connections(4);
    let db = rig.db(&settings.statement_timeout(Duration::ZERO).acquire_timeout(SOON));
    db.connect(SOON).await.expect("logs in");
    db
}

async fn count(db: &Db, text: &str) -> i64 {
    let row = db.query_one_raw(statement(text)).await.expect("answers").expect("a row");
    row.try_get_by_index(0).expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn dropped_statements_are_canceled_and_leave_the_pool_free() {
    let rig = Rig::new().await;
    let db = pool_of_four(&rig).await;
    let sleeping = (0..4).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            let asked = statement("SELECT pg_sleep(600)");
            let _ = tokio::time::timeout(Duration::from_secs(1), db.query_one_raw(asked)).await;
        })
    });
    futures_util::future::join_all(sleeping).await;
    // They would hold every connection for ten minutes.
    assert_eq!(one(&db).await.expect("there is a connection"), 1);
    super::until("they end", async || count(&db, SLEEPERS).await == 0).await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn no_query_fails_after_the_server_has_ended_all_sessions() {
    let rig = Rig::new().await;
    let db = pool_of_four(&rig).await;
    for _ in 0..5 {
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(db.begin().await.expect("begins"));
        }
        drop(held);
        assert_eq!(one(&db).await.expect("answers"), 1);
        rig.server.sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename LIKE 'shop%'",
        );
        for _ in 0..4 {
            assert_eq!(one(&db).await.expect("another session answers"), 1);
        }
    }
    db.close().await;
}
