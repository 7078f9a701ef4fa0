//! `GET /error?status=503&rate=0.2`: fails with this status and probability.

use http::StatusCode;
use serde_json::json;

use super::answer::Answer;
use super::query;

pub(super) fn fail(query: &str) -> Answer {
    try_fail(query).unwrap_or_else(|refused| refused)
}

fn try_fail(query: &str) -> Result<Answer, Answer> {
    let status = query::number(query, "status", 500_u16, 400..=599)?;
    let rate = query::number(query, "rate", 1.0_f64, 0.0..=1.0)?;
    if fastrand::f64() >= rate {
        return Ok(Answer::ok(
            json!({ "failed": false, "rate": rate }),
            format!("This request succeeded; {:.0} % of them fail.", rate * 100.0),
        ));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    tracing::warn!(status = status.as_u16(), "a request to /error failed, as requested");
    Ok(Answer::problem(status, format!("Failed with {status}, as requested.")))
}
