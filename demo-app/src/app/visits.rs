//! `GET /`: counts a visit.

use http::StatusCode;
use serde_json::json;

use super::answer::Answer;
use crate::store::Store;

pub(super) async fn visit(store: &Store) -> Answer {
    match store.visit().await {
        Ok(1) => Answer::ok(json!({ "visits": 1 }), "Welcome, you are the first visitor.".into()),
        Ok(visits) => Answer::ok(
            json!({ "visits": visits }),
            format!("Welcome, you are visitor number {visits}."),
        ),
        Err(err) => {
            // Log the error, but do not send it: its text may contain host and user names.
            tracing::error!(error = %err, "could not count the visit");
            Answer::problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "The visit could not be counted; try again in a moment.",
            )
        }
    }
}
