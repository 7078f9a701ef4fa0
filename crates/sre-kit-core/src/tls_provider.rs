//! The choice of the TLS provider: the cryptography that rustls uses.

use std::borrow::Cow;
use std::fmt;
#[cfg(feature = "tls")]
use std::sync::Arc;

#[cfg(feature = "tls")]
use rustls::crypto::CryptoProvider;

use crate::ConfigError;

/// Returns the TLS provider: the one that the process installed, else that of the features
/// `aws-lc-rs` and `ring`, in this order.
///
/// # Errors
///
/// Returns an error that names `field` and its `value` if there is none.
#[cfg(feature = "tls")]
pub fn tls_provider(
    field: impl Into<Cow<'static, str>>,
    value: impl fmt::Debug,
) -> Result<Arc<CryptoProvider>, ConfigError> {
    CryptoProvider::get_default()
        .cloned()
        .or_else(built_in)
        .ok_or_else(|| no_tls_provider(field, value))
}

/// Returns the error of a setting that needs TLS in a build that has no provider.
pub fn no_tls_provider(field: impl Into<Cow<'static, str>>, value: impl fmt::Debug) -> ConfigError {
    ConfigError::new(
        field,
        value,
        "it needs TLS, and this build has no TLS provider",
        "build with the feature `aws-lc-rs` or `ring` of sre-kit, or call \
         `rustls::crypto::CryptoProvider::install_default` first",
    )
}

/// Installs the provider of [`tls_provider`] as that of the process, if there is none yet. Some
/// crates read only that. rustls itself does the same when it is used without a named provider.
///
/// # Errors
///
/// Returns the error of [`tls_provider`].
#[cfg(feature = "tls")]
pub fn install_tls_provider(
    field: impl Into<Cow<'static, str>>,
    value: impl fmt::Debug,
) -> Result<(), ConfigError> {
    let provider = tls_provider(field, value)?;
    if CryptoProvider::get_default().is_none() {
        // Another thread may be faster. Then its provider is used.
        let _ = Arc::unwrap_or_clone(provider).install_default();
    }
    Ok(())
}

/// Returns the provider of the features.
#[cfg(feature = "tls")]
#[allow(clippy::unnecessary_wraps, reason = "a build without a provider has none")]
fn built_in() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    None
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::tls_provider;

    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    #[test]
    fn the_provider_is_the_one_of_the_feature() {
        use rustls::crypto::CryptoProvider;

        let provider = tls_provider("DATABASE_URL", "postgres+iam://db").expect("a provider");
        assert!(!provider.cipher_suites.is_empty());
        assert!(CryptoProvider::get_default().is_none(), "reading it installs nothing");

        super::install_tls_provider("DATABASE_URL", "postgres+iam://db").expect("installed");
        let installed = CryptoProvider::get_default().expect("installed").clone();
        let again = tls_provider("DATABASE_URL", "postgres+iam://db").expect("a provider");
        assert!(std::sync::Arc::ptr_eq(&installed, &again), "the installed one wins");
    }

    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    #[test]
    fn a_build_without_a_provider_says_which_features_have_one() {
        let error = tls_provider("DATABASE_URL", "postgres+iam://db").expect_err("none");
        assert_eq!(
            error.to_string(),
            "DATABASE_URL is \"postgres+iam://db\", but it needs TLS, and this build has no TLS \
             provider; build with the feature `aws-lc-rs` or `ring` of sre-kit, or call \
             `rustls::crypto::CryptoProvider::install_default` first"
        );
    }
}
