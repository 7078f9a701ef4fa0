//! `GET /slow?ms=300`: takes its time.

use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use super::query;

/// Longer than any client waits.
const LONGEST: u64 = 60_000;

pub(super) async fn wait(query: &str) -> Answer {
    match query::number(query, "ms", 300, 0..=LONGEST) {
        Ok(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Answer::ok(json!({ "waited_ms": ms }), format!("That took {ms} ms."))
        }
        Err(refused) => refused,
    }
}
