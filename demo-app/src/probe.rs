//! `demo-app probe`: requests URLs and succeeds once each has returned its expected status.
//!
//! `helm test` runs it, because the image contains neither a shell nor curl.

use std::fmt;
use std::io;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use http::{StatusCode, Uri};
use tokio::time::{Instant, sleep, timeout};

use crate::failure::Failure;
use crate::fetch;

/// The timeout of one request.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The time between two requests to the same URL.
const PAUSE: Duration = Duration::from_secs(1);

/// A URL and its expected status, parsed from `http://host:port/path=200`.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    uri: Uri,
    status: StatusCode,
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what}; write it like http://localhost:9464/readyz=200");
        let (uri, status) = text.rsplit_once('=').ok_or_else(|| wrong("the status is missing"))?;
        let uri: Uri = uri.parse().map_err(|_| wrong("the URL is malformed"))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(wrong("the URL needs the scheme http and a host"));
        }
        let status =
            status.parse().map_err(|_| wrong("the status is not a number from 100 to 999"))?;
        Ok(Self { uri, status })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to answer {}", self.uri, self.status.as_u16())
    }
}

/// Requests the URLs one after another, each repeatedly until it returns the expected status.
///
/// # Errors
///
/// Returns an error if that takes longer than `within` for all URLs together.
pub(crate) async fn run(expected: &[Expectation], within: Duration) -> Result<ExitCode, Failure> {
    let end = Instant::now() + within;
    for expected in expected {
        loop {
            let got = match timeout(TIMEOUT, fetch::get(&expected.uri)).await {
                Ok(Ok((status, _))) if status == expected.status => break,
                Ok(Ok((status, _))) => format!("it answered {}", status.as_u16()),
                Ok(Err(error)) => format!("the request failed: {error}"),
                Err(_) => format!("it did not answer within {} s", TIMEOUT.as_secs()),
            };
            if Instant::now() + PAUSE > end {
                let sentence = format!(
                    "waited {} s for {expected}, but {got}; check the pods and their logs",
                    within.as_secs()
                );
                return Err(Failure::Other(io::Error::other(sentence)));
            }
            tracing::info!("waiting for {expected}: {got}");
            sleep(PAUSE).await;
        }
        tracing::info!("as expected: {expected}");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::Expectation;

    #[test]
    fn an_expectation_is_an_address_and_a_status() {
        for good in ["http://demo/=200", "http://[::1]:9464/readyz?exclude=a=503"] {
            assert!(good.parse::<Expectation>().is_ok(), "{good}");
        }
        for bad in ["http://demo/", "https://demo/=200", "/readyz=200", "http://demo/=2000", ""] {
            let error = bad.parse::<Expectation>().expect_err(bad);
            assert!(error.contains("write it like"), "{error}");
        }
    }
}
