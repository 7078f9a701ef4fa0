//! Many logins at the same time.

use std::time::Duration;

use futures_util::future::join_all;
use sre_kit::db::GoogleTokens;

use super::{Rig, until};
use crate::db_support::metadata::{Metadata, Mood};
use crate::db_support::tokens::Source;
use crate::load::one;

const HERD: u32 = 30;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn no_more_log_in_at_once_than_may() {
    // Four unless it is set, and with no limit all of them.
    for (limit, at_once) in [(None, 4), (Some(HERD), 30)] {
        let rig = Rig::new().await;
        let source = Source::new(&rig.tokens, Duration::from_hours(1));
        let mut settings = rig.settings().token_source(source).max_connections(HERD);
        if let Some(limit) = limit {
            settings = settings.concurrent_logins(limit);
        }
        let db = rig.db(&settings.acquire_timeout(Duration::from_mins(1)));
        rig.tokens.hold();
        let queries: Vec<_> = (0..HERD)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move { one(&db).await })
            })
            .collect();
        until("the server is asked", async || rig.tokens.most_at_once() >= at_once).await;
        until("all of them wait", async || db.usage().size == u64::from(HERD)).await;
        rig.tokens.release();
        for query in queries {
            assert_eq!(query.await.expect("no panic").expect("answers"), 1);
        }
        if limit.is_none() {
            assert_eq!(rig.tokens.most_at_once(), at_once);
        }
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn two_hundred_first_queries_ask_for_one_token() {
    let rig = Rig::new().await;
    let metadata = Metadata::start(rig.tokens.clone(), 3_600, Mood::Fine).await;
    let google = GoogleTokens::login().metadata_endpoint(&metadata.url);
    let settings = rig.settings().token_source(google).max_connections(HERD);
    let db = rig.db(&settings.acquire_timeout(Duration::from_mins(1)));
    for answer in join_all((0..200).map(|_| one(&db))).await {
        assert_eq!(answer.expect("answers"), 1);
    }
    assert_eq!(rig.tokens.issued(), 1);
    db.close().await;
}
