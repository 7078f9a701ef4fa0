//! A build without TLS: an `https:` endpoint is an error.

use sre_kit_core::ConfigError;
use sre_kit_core::internal::no_tls_provider;
use tonic::transport::Endpoint;

use super::{FIELD, is_tls};
use crate::settings::otlp::OtlpSettings;

/// Returns the channel's settings unchanged.
pub(in crate::export) fn channel(
    endpoint: Endpoint,
    otlp: &OtlpSettings,
) -> Result<Endpoint, ConfigError> {
    plain(endpoint, otlp)
}

/// Returns the client's settings unchanged.
pub(in crate::export) fn http(
    builder: reqwest::blocking::ClientBuilder,
    otlp: &OtlpSettings,
) -> Result<reqwest::blocking::ClientBuilder, ConfigError> {
    plain(builder, otlp)
}

fn plain<T>(builder: T, otlp: &OtlpSettings) -> Result<T, ConfigError> {
    if is_tls(otlp) { Err(no_tls_provider(FIELD, &otlp.endpoint)) } else { Ok(builder) }
}

#[cfg(test)]
mod tests {
    use crate::settings::otlp::OtlpSettings;
    use crate::settings::protocol::Protocol;
    use crate::settings::signal::Signal;

    #[test]
    fn an_https_endpoint_without_a_tls_provider_names_the_features() {
        for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
            let otlp =
                OtlpSettings::new(Signal::Traces, protocol, "https://collector").expect("valid");
            let error = crate::export::otlp::connect(&otlp, None).expect_err("no TLS");
            assert_eq!(error.field(), "otlp endpoint");
            assert!(error.advice().contains("`aws-lc-rs` or `ring`"), "{error}");
        }
    }
}
