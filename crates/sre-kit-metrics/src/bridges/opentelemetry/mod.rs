//! OpenTelemetry's metrics API, implemented without its SDK.

mod attributes;
mod builder;
mod instrument;
mod meter;
mod observed;
mod provider;
mod record;
mod streams;
#[cfg(test)]
mod tests;

pub use builder::RegistryMeterProviderBuilder;
pub use provider::RegistryMeterProvider;

/// The value of the label `api` of what is refused.
const API: &str = "opentelemetry";
