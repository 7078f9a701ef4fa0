//! Calls to the Admin API, and which of them are worth repeating.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::super::{Chance, DialError, PART};
use crate::credentials::{Backoff, Supervisor};
use sre_kit_core::ConfigError;
use sre_kit_core::internal::{is_loopback_host, with_causes};

/// Where it is, unless it is told.
const ENDPOINT: &str = "https://sqladmin.googleapis.com";

/// How long one call may take.
const CALL: Duration = Duration::from_secs(10);

/// How often a call is repeated that another time may go well, as in Google's own
/// connectors: about six seconds of it.
const REPEATS: u32 = 5;

/// What is read of an answer. They have a few kilobytes.
const LONGEST: usize = 1024 * 1024;

/// A client of the Admin API.
pub(super) struct Http {
    client: Client,
    endpoint: Url,
    tokens: Supervisor,
}

impl Http {
    pub(super) fn new(endpoint: Option<&str>, tokens: Supervisor) -> Result<Self, ConfigError> {
        let text = endpoint.unwrap_or(ENDPOINT);
        let refused = |rule: String, advice| {
            Err(ConfigError::new("DATABASE_SQLADMIN_ENDPOINT", text, rule, advice))
        };
        let endpoint = match Url::parse(text) {
            Ok(url) if url.has_host() && url.username().is_empty() && url.query().is_none() => url,
            _ => {
                let rule = "it is a URL of scheme, host and port".to_owned();
                return refused(rule, "leave it out to have Google's own");
            }
        };
        let own = endpoint.host_str().is_some_and(is_loopback_host);
        if endpoint.scheme() != "https" && !(own && endpoint.scheme() == "http") {
            let rule = "tokens go there, so it is https: unless it is on this machine".to_owned();
            return refused(rule, "write https:");
        }
        let client = Client::builder()
            .user_agent(concat!("sre-kit/", env!("CARGO_PKG_VERSION")))
            // A token goes where it was sent and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(PART)
            .timeout(CALL);
        let client = if own { client.no_proxy() } else { client };
        match client.build() {
            Ok(client) => Ok(Self { client, endpoint, tokens }),
            Err(error) => refused(
                format!("no connection can be made there: {}", with_causes(&error)),
                "give the system the certificates of public CAs, which Debian's \
                 ca-certificates brings",
            ),
        }
    }

    /// Calls until it goes well or another time would go no better.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<T, DialError> {
        let mut backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(4));
        for _ in 0..REPEATS {
            match self.once(path, body).await {
                Err(error) if error.chance == Chance::Soon => sleep(backoff.pause()).await,
                answered => return answered,
            }
        }
        self.once(path, body).await
    }

    async fn once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<T, DialError> {
        let token = self.tokens.token(Instant::now() + PART).await.map_err(|error| {
            let message = format_args!("there is no token for the Admin API: {error}").to_string();
            DialError::new("no_token", message)
        })?;
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.secret.expose()))
            .map_err(|_| DialError::new("no_token", "the token for the Admin API is no text"))?;
        bearer.set_sensitive(true);
        let request = match body {
            Some(body) => self
                .client
                .post(url)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.to_string()),
            None => self.client.get(url),
        };
        let response = request.header(AUTHORIZATION, bearer).send().await;
        let response = response.map_err(unreachable)?;
        let status = response.status();
        let read = read(response).await?;
        if status.is_success() {
            // The parser's own words could quote what they stumbled over.
            return serde_json::from_slice(&read).map_err(|error| {
                let at = format_args!("line {}, column {}", error.line(), error.column());
                let message = format!("the Admin API's answer cannot be read ({at})");
                DialError::new("garbage", message)
            });
        }
        if status == StatusCode::UNAUTHORIZED {
            self.tokens.suspect(token.generation);
        }
        Err(refused(status, &read))
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, DialError> {
    let mut read = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if read.len() + chunk.len() > LONGEST {
            return Err(DialError::new("garbage", "the Admin API's answer has no end"));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}

fn unreachable(error: reqwest::Error) -> DialError {
    let error_type = if error.is_timeout() { "timeout" } else { "network" };
    // Its name and path are ours, and known.
    let what = with_causes(&error.without_url());
    DialError::new(error_type, format_args!("the Admin API cannot be reached: {what}")).transient()
}

/// What an answer other than 200 means. Of its text only one word is shown, which the
/// API has from a list: whatever else is in it, somebody else wrote.
fn refused(status: StatusCode, body: &[u8]) -> DialError {
    let reason = reason(body).map(|reason| format!(" {reason}")).unwrap_or_default();
    let told = format!("the Admin API says {}{reason}", status.as_u16());
    let new = |error_type, advice: &str| DialError::new(error_type, format_args!("{told}{advice}"));
    match status.as_u16() {
        // A grant takes minutes to be known everywhere.
        401 | 403 => new(
            "forbidden",
            "; the account needs roles/cloudsql.client, and the project the API \
             sqladmin.googleapis.com",
        ),
        404 => new("not_found", "; is the instance in DATABASE_URL the right one?").finally(),
        408 | 429 => new("throttled", "").transient(),
        500.. => new("server", "").transient(),
        _ => new("refused", ""),
    }
}

/// `{"error": {"errors": [{"reason": ".."}], "status": ".."}}`
fn reason(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let reason = error.pointer("/errors/0/reason").or_else(|| error.get("status"))?.as_str()?;
    let word = reason.len() <= 48 && reason.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    word.then(|| reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Chance, StatusCode, refused};

    #[test]
    fn an_answer_is_repeated_given_up_or_left_to_somebody_else() {
        for (status, error_type, chance) in [
            (400, "refused", Chance::Later),
            (401, "forbidden", Chance::Later),
            (403, "forbidden", Chance::Later),
            (404, "not_found", Chance::Never),
            (408, "throttled", Chance::Soon),
            (429, "throttled", Chance::Soon),
            (500, "server", Chance::Soon),
            (503, "server", Chance::Soon),
        ] {
            let found = refused(StatusCode::from_u16(status).expect("valid"), b"{}");
            assert_eq!((found.error_type, found.chance), (error_type, chance), "{status}");
        }
    }

    #[test]
    fn one_word_of_an_answer_is_shown_and_nothing_that_could_be_a_secret() {
        let said = |body: &str| refused(StatusCode::FORBIDDEN, body.as_bytes()).message;
        let fine = r#"{"error":{"message":"sesame","errors":[{"reason":"notAuthorized"}]}}"#;
        assert!(said(fine).contains("403 notAuthorized;"));
        assert!(said(r#"{"error":{"status":"PERMISSION_DENIED"}}"#).contains("PERMISSION_DENIED"));
        for body in
            ["sesame", r#"{"error":{"status":"ya29.sesame"}}"#, fine, r#"{"error":"sesame"}"#]
        {
            assert!(!said(body).contains("sesame"), "{}", said(body));
        }
    }
}
