//! `demo-app probe`: asks addresses, and ends well when each gives its status.
//!
//! For `helm test`: the image has no shell and no curl, and needs neither.

use std::fmt;
use std::io;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use http::{StatusCode, Uri};
use tokio::time::{Instant, sleep, timeout};

use crate::failure::Failure;
use crate::fetch;

/// How long one answer may take, and how long until the next try.
const ANSWER: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_secs(1);

/// An address, and the status it is to give: `http://host:port/path=200`.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    uri: Uri,
    status: StatusCode,
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what}; write it like http://localhost:9464/readyz=200");
        let (uri, status) = text.rsplit_once('=').ok_or_else(|| wrong("there is no status"))?;
        let uri: Uri = uri.parse().map_err(|_| wrong("this is no address"))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(wrong("only http with a host can be asked"));
        }
        let status = status.parse().map_err(|_| wrong("this is no status"))?;
        Ok(Self { uri, status })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to answer {}", self.uri, self.status.as_u16())
    }
}

/// Asks one after another, each again and again until it answers as expected or
/// the time of all is over.
pub(crate) async fn run(expected: &[Expectation], within: Duration) -> Result<ExitCode, Failure> {
    let end = Instant::now() + within;
    for expected in expected {
        loop {
            let got = match timeout(ANSWER, fetch::get(&expected.uri)).await {
                Ok(Ok((status, _))) if status == expected.status => break,
                Ok(Ok((status, _))) => format!("it answered {}", status.as_u16()),
                Ok(Err(error)) => format!("it could not be asked: {error}"),
                Err(_) => format!("it gave no answer in {} s", ANSWER.as_secs()),
            };
            if Instant::now() + PAUSE > end {
                let sentence = format!(
                    "waited {} s for {expected}, but {got}; look at its pods and their log",
                    within.as_secs()
                );
                return Err(Failure::Other(io::Error::other(sentence)));
            }
            tracing::info!("waiting for {expected}: {got}");
            sleep(PAUSE).await;
        }
        tracing::info!("{expected}: it does");
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
