//! Tokens that expire and are renewed, without a failed query.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use sre_kit::db::{Db, DbHealth};

use super::{Rig, SOON, until};
use crate::db_support::tokens::Source;
use crate::load::{Load, one, statement};

/// Durations of the tests, in seconds.
struct Sizes {
    /// The lifetimes of a token and of a connection, while tokens rotate.
    token: u64,
    lifetime: u64,
    load: u64,
    /// An outage of the credentials, and the lifetime of a connection. The outage is shorter than
    /// four lifetimes.
    outage: u64,
    lifetime_in_outage: u64,
}

impl Sizes {
    /// Returns durations in quarters of a minute, or with `SRE_KIT_LONG_SOAK` in minutes.
    fn read() -> Self {
        if std::env::var_os("SRE_KIT_LONG_SOAK").is_some() {
            Self { token: 15, lifetime: 3, load: 60, outage: 30, lifetime_in_outage: 10 }
        } else {
            Self { token: 3, lifetime: 1, load: 12, outage: 8, lifetime_in_outage: 3 }
        }
    }
}

/// Runs eight workers for about four lifetimes of a token.
async fn soak(rotate: bool) -> (Rig, Db, u64, Vec<String>) {
    let sizes = Sizes::read();
    let rig = Rig::new().await;
    let mut source = Source::new(&rig.tokens, Duration::from_secs(sizes.token));
    if !rotate {
        source.frozen = Some(rig.tokens.issue(Duration::from_secs(sizes.token)));
    }
    let settings = rig.settings().token_source(source);
    let settings = settings.lifetime(Duration::from_secs(sizes.lifetime));
    let db = rig.db(&settings.acquire_timeout(Duration::from_secs(2)));
    db.connect(SOON).await.expect("logs in");
    let load = Load::start(&db, 8);
    tokio::time::sleep(Duration::from_secs(sizes.load)).await;
    let (ok, failures) = load.end().await;
    (rig, db, ok, failures)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn no_query_fails_while_tokens_rotate() {
    let (rig, db, ok, failures) = soak(true).await;
    assert_eq!(failures, Vec::<String>::new());
    assert!(ok > 1_000, "{ok}");
    assert!(rig.tokens.issued() >= 6, "{}", rig.tokens.issued());
    assert!(rig.metric("sre_kit_db_auth_refreshes_total", &["outcome=\"ok\""]) >= 6.0);
    assert!(rig.metric("sre_kit_db_recycled_total", &["reason=\"age\""]) > 8.0);
    assert!(rig.metric("sre_kit_db_logins_total", &["outcome=\"ok\""]) > 8.0);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn without_rotation_the_same_load_cannot_make_new_connections() {
    let (rig, db, _, failures) = soak(false).await;
    // What lives on does so because its age is forgiven while logging in does not work,
    // up to four lifetimes; and then there is nothing left.
    assert!(rig.metric("sre_kit_db_logins_total", &["outcome=\"refused\""]) > 0.0);
    assert!(!failures.is_empty());
    assert!(matches!(db.check().await, DbHealth::Down(why) if why.contains("authentication")));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn an_outage_of_the_credentials_fails_no_query_and_is_seen() {
    let rig = Rig::new().await;
    let sizes = Sizes::read();
    let source = Source::new(&rig.tokens, Duration::from_secs(sizes.token + 1));
    let broken = Arc::clone(&source.broken);
    let settings = rig.settings().token_source(source);
    let settings = settings.lifetime(Duration::from_secs(sizes.lifetime_in_outage));
    // As many as there are workers, from the start: those that are there survive.
    let db = rig.db(&settings.max_connections(8).min_connections(8));
    db.connect(SOON).await.expect("logs in");
    until("the pool is full", async || db.usage().size == 8).await;
    let load = Load::start(&db, 8);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(db.check().await, DbHealth::Up);
    // Long enough for every token to end, and for every connection to be overdue.
    broken.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(sizes.outage)).await;
    assert!(
        matches!(db.check().await, DbHealth::Degraded(reason) if reason.contains("IAM is away"))
    );
    assert!(rig.metric("sre_kit_db_recycling_paused", &[]) > 0.5);
    broken.store(false, Ordering::SeqCst);
    until("it heals", async || db.check().await == DbHealth::Up).await;
    let (ok, failures) = load.end().await;
    assert_eq!(failures, Vec::<String>::new());
    assert!(ok > 1_000, "{ok}");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_revoked_token_is_replaced_within_the_login() {
    let rig = Rig::new().await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let db = rig.db(&rig.settings().token_source(source).acquire_timeout(Duration::from_secs(5)));
    db.connect(SOON).await.expect("logs in");
    // The first connection is on its way back into the pool.
    while db.usage().used > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let held = db.begin().await.expect("a session of its own");
    rig.tokens.revoke_all();
    held.query_one_raw(statement("SELECT 1")).await.expect("a session outlives its token");
    assert_eq!(one(&db).await.expect("the request never sees it"), 1);
    assert!((rig.metric("sre_kit_db_login_retries_total", &[]) - 1.0).abs() < 0.1);
    assert!(rig.metric("sre_kit_db_logins_total", &["outcome=\"refused\""]) < 0.5);
    held.rollback().await.expect("ends");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn tokens_that_are_revoked_under_load_fail_no_query() {
    let rig = Rig::new().await;
    let source = Source::new(&rig.tokens, Duration::from_hours(1));
    let settings = rig.settings().token_source(source).lifetime(Duration::from_secs(1));
    let db = rig.db(&settings.acquire_timeout(Duration::from_secs(10)));
    db.connect(SOON).await.expect("logs in");
    let load = Load::start(&db, 8);
    for revoked in 1..=2 {
        rig.tokens.revoke_all();
        until("another is issued", async || rig.tokens.issued() > revoked).await;
        // Accusations that follow each other sooner count as one.
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    let (ok, failures) = load.end().await;
    assert_eq!(failures, Vec::<String>::new());
    assert!(ok > 1_000, "{ok}");
    assert!(rig.metric("sre_kit_db_login_retries_total", &[]) > 1.5);
    assert!(rig.tokens.logins().iter().any(|(_, fine)| !fine), "some were refused on the way");
    db.close().await;
}
