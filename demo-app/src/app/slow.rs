//! `GET /slow?ms=300`: responds after this many milliseconds.

use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use super::query;

/// The longest delay, in milliseconds.
const MAX_MS: u64 = 60_000;

pub(super) async fn wait(query: &str) -> Answer {
    match query::number(query, "ms", 300, 0..=MAX_MS) {
        Ok(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Answer::ok(json!({ "waited_ms": ms }), format!("Responded after {ms} ms."))
        }
        Err(refused) => refused,
    }
}
