//! Tokens of Google Cloud.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use google_cloud_auth::credentials::{AccessTokenCredentials, Builder, mds};

use super::source::{Token, TokenError, TokenSource};
use crate::secret::Secret;
use sre_kit_core::internal::{install_tls_provider, with_causes};

/// The scope for logging in to a database.
const LOGIN: &str = "https://www.googleapis.com/auth/sqlservice.login";

/// The scope of Cloud SQL's Admin API.
const SQLADMIN: &str = "https://www.googleapis.com/auth/sqlservice.admin";

/// Tokens of Google's application-default credentials: the metadata server with Workload Identity,
/// a service account key, a workload identity federation, or a user's login.
///
/// The credentials of `google-cloud-auth` never recover from a response with a status 4xx, and
/// GKE's metadata server can return one in the first seconds of a pod.
/// [`reset`](TokenSource::reset) builds new credentials.
pub struct GoogleTokens {
    scope: &'static str,
    metadata_endpoint: Option<String>,
    built: Mutex<Option<AccessTokenCredentials>>,
}

impl GoogleTokens {
    /// Creates a source of tokens that can log in to databases, and do nothing else.
    pub fn login() -> Self {
        Self { scope: LOGIN, metadata_endpoint: None, built: Mutex::default() }
    }

    /// Creates a source of tokens for Cloud SQL's Admin API, which issues the connector's
    /// certificates.
    pub fn sqladmin() -> Self {
        Self { scope: SQLADMIN, metadata_endpoint: None, built: Mutex::default() }
    }

    /// Sets the URL of the metadata server, and uses only that. Defaults to the application-default
    /// credentials of the environment.
    #[must_use]
    pub fn metadata_endpoint(mut self, url: impl Into<String>) -> Self {
        self.metadata_endpoint = Some(url.into());
        self
    }

    fn credentials(&self) -> Result<AccessTokenCredentials, TokenError> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(credentials) = &*built {
            return Ok(credentials.clone());
        }
        // google-cloud-auth uses the process's provider only, and panics without one.
        install_tls_provider("google credentials", self.scope)
            .map_err(|error| TokenError::permanent(error.to_string()))?;
        let scopes = [self.scope];
        let credentials = match &self.metadata_endpoint {
            Some(url) => mds::Builder::default()
                .with_endpoint(url)
                .with_scopes(scopes)
                .build_access_token_credentials(),
            None => Builder::default().with_scopes(scopes).build_access_token_credentials(),
        };
        let credentials =
            credentials.map_err(|error| TokenError::permanent(with_causes(&error)))?;
        Ok(built.insert(credentials).clone())
    }
}

impl TokenSource for GoogleTokens {
    fn token(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        async {
            match self.credentials()?.access_token().await {
                Ok(token) => Ok(Token::new(Secret::from(token.token))),
                Err(error) if error.is_transient() => {
                    Err(TokenError::transient(with_causes(&error)))
                }
                Err(error) => Err(TokenError::permanent(with_causes(&error))),
            }
        }
        .boxed()
    }

    fn reset(&self) {
        *self.built.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl fmt::Debug for GoogleTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleTokens").field("scope", &self.scope).finish_non_exhaustive()
    }
}
