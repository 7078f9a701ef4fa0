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
            // The text of a database error may name hosts and users: it is for the log only.
            tracing::error!(error = %err, "the visit could not be counted");
            Answer::problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "The visit could not be counted; try again in a moment.",
            )
        }
    }
}
