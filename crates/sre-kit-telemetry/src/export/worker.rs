//! The runtime that carries gRPC, apart from the service's own.

use std::fmt;
use std::io;

use opentelemetry::Context;
use tokio::runtime::{Builder, Handle, Runtime};

use sre_kit_core::ConfigError;

/// One thread that drives the connections to the collector.
///
/// A gRPC channel belongs to the runtime it was made in. Were that the service's,
/// a flush could wait for a worker that itself waits for the flush: with one
/// worker, as in a pod with one CPU, every span would be lost at shutdown.
pub(crate) struct Worker(Option<Runtime>);

impl Worker {
    pub(crate) fn start() -> Result<Self, ConfigError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("sre-kit-telemetry")
            // What the transport says of itself is not to be exported by it. For as
            // long as the thread lives, so that there is nothing to put back.
            .on_thread_start(|| std::mem::forget(Context::enter_telemetry_suppressed_scope()))
            .enable_all()
            .build()
            .map_err(|error| no_thread(&error))?;
        Ok(Self(Some(runtime)))
    }

    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

/// Why telemetry cannot begin where the system has no thread for it.
pub(super) fn no_thread(error: &io::Error) -> ConfigError {
    ConfigError::new(
        "telemetry",
        error.to_string(),
        "its thread could not be started",
        "raise the limit on threads",
    )
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Dropping a runtime waits for it, which panics on another one's thread.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}
