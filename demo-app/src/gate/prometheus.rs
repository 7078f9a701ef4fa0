//! Queries the event counts of a group of instances from Prometheus's HTTP API.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{StatusCode, Uri};
use serde::Deserialize;
use sre_kit::ConfigError;
use sre_kit::slo::canary::EventCounts;
use tokio::time::timeout;

use crate::fetch;

/// The timeout of one query.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The reason why a query returned no counts.
pub(super) enum QueryError {
    /// A setting is wrong, so a retry cannot succeed.
    Setting(ConfigError),
    /// The query failed, but a retry may succeed. Holds a message.
    Transient(String),
}

/// A Prometheus server, and the service to query.
pub(super) struct Prometheus<'a> {
    base: String,
    service: &'a str,
}

/// Good and bad events by the name of the SLO.
#[derive(Debug, Default)]
pub(super) struct SloCounts(BTreeMap<String, (f64, f64)>);

impl SloCounts {
    /// Returns the counts of one SLO, which are zero if it has no series.
    pub(super) fn of(&self, slo: &str) -> EventCounts {
        let (good, bad) = self.0.get(slo).copied().unwrap_or_default();
        // `increase` extrapolates to the ends of the window, so its result is not an integer.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let whole = |number: f64| number.round() as u64;
        EventCounts::new(whole(good + bad), whole(bad))
    }
}

impl<'a> Prometheus<'a> {
    pub(super) fn new(url: &Uri, service: &'a str) -> Result<Self, ConfigError> {
        if url.scheme_str() != Some("http") || url.host().is_none() || url.query().is_some() {
            return Err(ConfigError::new(
                "--prometheus",
                format_args!("{url}"),
                "it must have the scheme http and a host, and no query",
                "use the address of a port-forward, such as http://localhost:9090",
            ));
        }
        Ok(Self { base: url.to_string().trim_end_matches('/').to_owned(), service })
    }

    /// Returns what the series that match `matchers` counted in the last `window`.
    pub(super) async fn counts(
        &self,
        field: &'static str,
        matchers: &str,
        window: Duration,
    ) -> Result<SloCounts, QueryError> {
        let query = format!(
            "sum by (slo, outcome) (increase(slo_events_total{{service=\"{}\",{matchers}}}[{}s]))",
            self.service,
            window.as_secs()
        );
        let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let uri = format!("{}/api/v1/query?query={encoded}", self.base);
        let uri = uri.parse::<Uri>().map_err(|error| refused(field, matchers, &error))?;
        let (status, body) = match timeout(TIMEOUT, fetch::get(&uri)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                return Err(QueryError::Transient(format!(
                    "the query to Prometheus failed: {error}"
                )));
            }
            Err(_) => {
                let seconds = TIMEOUT.as_secs();
                return Err(QueryError::Transient(format!(
                    "Prometheus did not answer within {seconds} s"
                )));
            }
        };
        read(field, matchers, status, &body)
    }
}

fn refused(field: &'static str, matchers: &str, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::new(
        field,
        matchers,
        format!("Prometheus cannot parse it: {error}"),
        "use PromQL label matchers, such as pod=~\"demo-app-6b4f-.+\"",
    )
}

#[derive(Deserialize)]
struct Body {
    data: Option<Data>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: Labels,
    /// A timestamp in seconds, and the value as text.
    value: (f64, String),
}

#[derive(Deserialize)]
struct Labels {
    slo: String,
    outcome: String,
}

fn read(
    field: &'static str,
    matchers: &str,
    status: StatusCode,
    body: &[u8],
) -> Result<SloCounts, QueryError> {
    let parsed: Result<Body, _> = serde_json::from_slice(body);
    if status == StatusCode::BAD_REQUEST
        && let Ok(Body { error: Some(error), .. }) = &parsed
    {
        return Err(refused(field, matchers, error).into());
    }
    let odd = |what: String| QueryError::Transient(format!("Prometheus answered {status}: {what}"));
    let body = parsed.map_err(|error| odd(error.to_string()))?;
    let Some(data) = body.data else {
        return Err(odd(body.error.unwrap_or_else(|| "without data".to_owned())));
    };
    let mut answer = SloCounts::default();
    for series in data.result {
        let number: f64 = series.value.1.parse().map_err(|_| odd(series.value.1.clone()))?;
        let (good, bad) = answer.0.entry(series.metric.slo).or_default();
        match series.metric.outcome.as_str() {
            "good" => *good += number,
            "bad" => *bad += number,
            other => return Err(odd(format!("outcome {other}"))),
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{Prometheus, QueryError, read};

    #[test]
    fn only_plain_http_is_spoken() {
        for url in ["https://prometheus/", "/api", "http://prometheus/?x=y"] {
            assert!(Prometheus::new(&url.parse().expect("an address"), "demo").is_err(), "{url}");
        }
        let behind = Prometheus::new(&"http://proxy/prometheus/".parse().expect("one"), "demo");
        assert_eq!(behind.expect("valid").base, "http://proxy/prometheus");
    }

    #[test]
    fn an_unexpected_response_is_an_error() {
        for (status, body) in [
            (StatusCode::OK, "<html>"),
            (StatusCode::OK, r#"{"status":"success"}"#),
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"error","error":"starting"}"#),
            (
                StatusCode::OK,
                r#"{"data":{"result":[{"metric":{"slo":"a","outcome":"odd"},"value":[1,"1"]}]}}"#,
            ),
        ] {
            let read = read("--canary", "x", status, body.as_bytes());
            assert!(matches!(read, Err(QueryError::Transient(_))), "{body}");
        }
    }
}
