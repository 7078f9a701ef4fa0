//! A runtime for `main` that ends in bounded time.

use std::future::Future;
use std::io;
use std::process::{ExitCode, Termination};
use std::time::Duration;

/// The time that blocking work gets when everything else has ended.
const BLOCKING_WORK_TIME: Duration = Duration::from_millis(100);

/// Runs `main` on a multi-threaded runtime, and returns 0.1 s after `main` at the latest.
///
/// The runtime of `#[tokio::main]` waits without a bound for blocking work (`spawn_blocking`, file
/// access, name resolution) before the process can exit. One call that hangs then turns a clean
/// shutdown into one that the [watchdog](super#an-end-that-always-comes) of the lifecycle ends at
/// the end of all bounds, with the exit code 80. This function abandons such work after 0.1 s, and
/// returns the exit code of `main`.
///
/// Use it in place of `#[tokio::main]` in a service. It makes the same runtime: one worker for each
/// available core, or as many as `TOKIO_WORKER_THREADS` says, with the IO driver and the timer.
///
/// ```no_run
/// use sre_kit::lifecycle::{self, Lifecycle, ShutdownReport};
/// # use bytes::Bytes;
/// # use http_body_util::Full;
///
/// fn main() -> std::io::Result<std::process::ExitCode> {
///     lifecycle::run_main(serve())
/// }
///
/// async fn serve() -> Result<ShutdownReport, Box<dyn std::error::Error>> {
/// #   let service = tower::service_fn(|_request: http::Request<sre_kit::server::RequestBody>| async {
/// #       Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::new())))
/// #   });
///     let lifecycle = Lifecycle::builder().with_env()?.build(&sre_kit::metrics::Registry::new())?;
///     let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
///     Ok(lifecycle.serve(listener, service).await)
/// }
/// ```
///
/// # Errors
///
/// Returns an error if the runtime cannot be built, because the system refuses threads or file
/// descriptors.
pub fn run_main<F>(main: F) -> io::Result<ExitCode>
where
    F: Future,
    F::Output: Termination,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(main).report();
    runtime.shutdown_timeout(BLOCKING_WORK_TIME);
    Ok(code)
}
