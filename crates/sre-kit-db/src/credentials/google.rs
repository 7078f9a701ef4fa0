//! Tokens of Google Cloud.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use google_cloud_auth::credentials::{AccessTokenCredentials, Builder, mds};

use super::source::{Token, TokenError, TokenSource};
use crate::Secret;
use sre_kit_core::internal::with_causes;

/// Good for logging in to a database, and for nothing else.
const LOGIN: &str = "https://www.googleapis.com/auth/sqlservice.login";

/// Good for asking Cloud SQL's Admin API.
const SQLADMIN: &str = "https://www.googleapis.com/auth/sqlservice.admin";

/// Google's application-default credentials: the metadata server with Workload
/// Identity, a service account's key, a workload identity federation's configuration,
/// or a person's own login.
///
/// The credentials of `google-cloud-auth` end for good at their first answer in the
/// four hundreds, which GKE's metadata server is known to give in the first seconds of
/// a pod. [`start_over`](TokenSource::start_over) builds them anew.
pub struct GoogleTokens {
    scope: &'static str,
    metadata_endpoint: Option<String>,
    built: Mutex<Option<AccessTokenCredentials>>,
}

impl GoogleTokens {
    /// Tokens that are good for logging in to a database, and for nothing else.
    pub fn login() -> Self {
        Self { scope: LOGIN, metadata_endpoint: None, built: Mutex::default() }
    }

    /// Tokens for Cloud SQL's Admin API, which the connector asks for its certificates.
    pub fn sqladmin() -> Self {
        Self { scope: SQLADMIN, metadata_endpoint: None, built: Mutex::default() }
    }

    /// Asks the metadata server at this URL, and nothing else.
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
