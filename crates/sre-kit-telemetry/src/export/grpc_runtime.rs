//! The runtime of the gRPC connections, separate from the service's own.

use std::fmt;
use std::io;

use opentelemetry::Context;
use tokio::runtime::{Builder, Runtime};

use sre_kit_core::ConfigError;

/// A runtime with one thread that drives the connections to the collector.
///
/// A gRPC channel belongs to the runtime in which it was created. In the service's runtime a flush
/// could wait for a worker that itself waits for the flush: with one worker, as in a pod with one
/// CPU, a shutdown would lose every span.
pub(crate) struct GrpcRuntime(Option<Runtime>);

impl GrpcRuntime {
    pub(crate) fn start() -> Result<Self, ConfigError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("sre-kit-telemetry")
            // The transport must not export its own events. The guard is forgotten, because the
            // scope lasts as long as the thread.
            .on_thread_start(|| std::mem::forget(Context::enter_telemetry_suppressed_scope()))
            .enable_all()
            .build()
            .map_err(|error| thread_error(&error))?;
        Ok(Self(Some(runtime)))
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn handle(&self) -> Option<&tokio::runtime::Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

/// Returns the error of a thread that could not be started.
pub(super) fn thread_error(error: &io::Error) -> ConfigError {
    ConfigError::new(
        "telemetry",
        error.to_string(),
        "its thread could not be started",
        "raise the limit on threads",
    )
}

impl Drop for GrpcRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // `Runtime::drop` blocks, which panics in the thread of another runtime.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for GrpcRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrpcRuntime")
    }
}
