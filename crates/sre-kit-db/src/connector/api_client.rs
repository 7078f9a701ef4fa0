//! Calls of the Admin API, with retries.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::credentials::{Backoff, Supervisor};
use crate::transport::{DialError, DialErrorKind, PHASE_TIMEOUT, Retry};
use sre_kit_core::ConfigError;
use sre_kit_core::internal::{install_tls_provider, is_loopback_host, with_causes};

/// The public endpoint.
const ENDPOINT: &str = "https://sqladmin.googleapis.com";

/// The longest that one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The number of retries of a call that fails transiently, as in Google's connectors. They take
/// about 6 s.
const RETRIES: u32 = 5;

/// The largest response that is read. Real ones have a few kilobytes.
const MAX_RESPONSE: usize = 1024 * 1024;

/// A client of the Admin API.
pub(super) struct ApiClient {
    client: Client,
    endpoint: Url,
    tokens: Supervisor,
}

impl ApiClient {
    /// Creates a client of the endpoint that the setting `field` has.
    pub(super) fn new(
        field: &'static str,
        endpoint: Option<&str>,
        tokens: Supervisor,
    ) -> Result<Self, ConfigError> {
        let text = endpoint.unwrap_or(ENDPOINT);
        let refused = |rule: String, advice| Err(ConfigError::new(field, text, rule, advice));
        let endpoint = match Url::parse(text) {
            Ok(url) if url.has_host() && url.username().is_empty() && url.query().is_none() => url,
            _ => {
                let rule = "it is a URL of scheme, host and port".to_owned();
                return refused(rule, "leave it out to have Google's own");
            }
        };
        let is_local = endpoint.host_str().is_some_and(is_loopback_host);
        if endpoint.scheme() != "https" && !(is_local && endpoint.scheme() == "http") {
            let rule = "tokens go there, so it is https: unless it is on this machine".to_owned();
            return refused(rule, "write https:");
        }
        install_tls_provider(field, text)?;
        let client = Client::builder()
            .user_agent(concat!("sre-kit/", env!("CARGO_PKG_VERSION")))
            // A redirect must not carry the token to another host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(PHASE_TIMEOUT)
            .timeout(CALL_TIMEOUT);
        let client = if is_local { client.no_proxy() } else { client };
        match client.build() {
            Ok(client) => Ok(Self { client, endpoint, tokens }),
            Err(error) => refused(
                format!("no connection can be made there: {}", with_causes(&error)),
                "give the system the certificates of public CAs, which Debian's \
                 ca-certificates brings",
            ),
        }
    }

    /// Calls the API, and retries transient errors.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<T, DialError> {
        let mut backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(4));
        for _ in 0..RETRIES {
            match self.once(path, body).await {
                Err(error) if error.retry == Retry::Soon => sleep(backoff.pause()).await,
                result => return result,
            }
        }
        self.once(path, body).await
    }

    async fn once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<T, DialError> {
        let token = self.tokens.token(Instant::now() + PHASE_TIMEOUT).await.map_err(|error| {
            let message = format_args!("there is no token for the Admin API: {error}").to_string();
            DialError::new(DialErrorKind::Credentials, "no_token", message).caused_by(error)
        })?;
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.secret.expose()))
            .map_err(|_| {
                let message = "the token for the Admin API is no text";
                DialError::new(DialErrorKind::Credentials, "no_token", message)
            })?;
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
            // The parser's message may quote the body, which may hold a secret.
            return serde_json::from_slice(&read).map_err(|error| {
                let at = format_args!("line {}, column {}", error.line(), error.column());
                let message = format!("the Admin API's answer cannot be read ({at})");
                failed("garbage", message)
            });
        }
        if status == StatusCode::UNAUTHORIZED {
            self.tokens.reject(token.generation);
        }
        Err(refused(status, &read))
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, DialError> {
    let mut read = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if read.len() + chunk.len() > MAX_RESPONSE {
            return Err(failed("garbage", "the Admin API's answer has no end"));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}

fn unreachable(error: reqwest::Error) -> DialError {
    let error_type = if error.is_timeout() { "timeout" } else { "network" };
    // The URL is known from the settings.
    let error = error.without_url();
    let message = format!("the Admin API cannot be reached: {}", with_causes(&error));
    failed(error_type, message).transient().caused_by(error)
}

fn failed(error_type: &'static str, message: impl std::fmt::Display) -> DialError {
    DialError::new(DialErrorKind::AdminApi, error_type, message)
}

/// Returns the error for a response other than 200. Of its body only the reason is shown, which is
/// one word of a fixed list: the rest may repeat the request, and so the token.
fn refused(status: StatusCode, body: &[u8]) -> DialError {
    let reason = reason(body).map(|reason| format!(" {reason}")).unwrap_or_default();
    let found = format!("the Admin API says {}{reason}", status.as_u16());
    let new = |error_type, advice: &str| failed(error_type, format_args!("{found}{advice}"));
    match status.as_u16() {
        // A new grant takes minutes to propagate, so these are not permanent.
        401 | 403 => new(
            "forbidden",
            "; the account needs roles/cloudsql.client, and the project the API \
             sqladmin.googleapis.com",
        ),
        404 => {
            let advice = "; is the name of the instance right?";
            let error = DialError::new(
                DialErrorKind::Instance,
                "not_found",
                format_args!("{found}{advice}"),
            );
            error.permanent()
        }
        408 | 429 => new("throttled", "").transient(),
        500.. => new("server", "").transient(),
        _ => new("refused", ""),
    }
}

/// Reads the reason of `{"error": {"errors": [{"reason": ".."}], "status": ".."}}`.
fn reason(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let reason = error.pointer("/errors/0/reason").or_else(|| error.get("status"))?.as_str()?;
    let word = reason.len() <= 48 && reason.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    word.then(|| reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Retry, StatusCode, refused};

    #[test]
    fn a_status_says_whether_another_attempt_may_work() {
        for (status, error_type, retry) in [
            (400, "refused", Retry::Later),
            (401, "forbidden", Retry::Later),
            (403, "forbidden", Retry::Later),
            (404, "not_found", Retry::Never),
            (408, "throttled", Retry::Soon),
            (429, "throttled", Retry::Soon),
            (500, "server", Retry::Soon),
            (503, "server", Retry::Soon),
        ] {
            let found = refused(StatusCode::from_u16(status).expect("valid"), b"{}");
            assert_eq!((found.error_type, found.retry), (error_type, retry), "{status}");
        }
    }

    #[test]
    fn one_word_of_a_response_is_shown_and_no_secret() {
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
