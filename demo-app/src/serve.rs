//! `demo-app serve`: wires the kit, the database and the application together.

use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use sre_kit::admission::{Admission, Limit};
use sre_kit::golden_signals::Routes;
use sre_kit::lifecycle::ShutdownReport;
use sre_kit::metrics::Registry;
use sre_kit::telemetry::Telemetry;
use sre_kit::{ConfigError, SreKit};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower::util::service_fn;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::{App, ROUTES, STREAMS, apology};
use crate::cli;
use crate::failure::Failure;
use crate::objectives;
use crate::store::Store;

/// The concurrency limit. A few more requests wait in a queue, all others are refused.
const LIMIT: u32 = 512;

pub(crate) async fn run(
    settings: cli::Serve,
    telemetry: &Telemetry,
) -> Result<ShutdownReport, Failure> {
    let registry = Registry::new();
    let store = Store::new(&settings.database, &registry)?;
    let mut kit = kit(&settings, &registry, &store, telemetry)?;
    let admission = Admission::builder().limit(Limit::fixed(LIMIT)).build(kit.registry())?;
    let admin = kit.start_admin().await?;
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr()?;

    // The probes are already served; startup ends when this latch is released.
    let migrated = kit.health().latch("migrations");
    store.start().await?;
    migrated.release();

    let app = App::new(store, settings.faults());
    let service = ServiceBuilder::new()
        // Outermost, so that the kit's layer counts a panic before it becomes a response.
        .layer(CatchPanicLayer::custom(apology))
        .layer(kit.http_layer())
        .layer(admission.layer())
        .service(service_fn(move |request| app.clone().respond(request)));
    welcome(address, admin);
    Ok(kit.serve(listener, service).await?)
}

fn kit(
    settings: &cli::Serve,
    registry: &Registry,
    store: &Store,
    telemetry: &Telemetry,
) -> Result<SreKit, ConfigError> {
    let loopback = settings.listen.ip().is_loopback();
    SreKit::builder(sre_kit::build_info!())
        .registry(registry)
        .telemetry(telemetry)
        .routes(Routes::new(ROUTES)?)
        .http(|http| http.streams(STREAMS))
        .slos(objectives::all()?)
        .database(store.db())
        // On loopback there is no load balancer to wait for, so Ctrl-C needs no drain delay.
        .lifecycle(
            |lifecycle| if loopback { lifecycle.drain_delay(Duration::ZERO) } else { lifecycle },
        )
        .with_env()?
        .admin_address(settings.admin)
        .build()
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ConfigError> {
    TcpListener::bind(address).await.map_err(|error| {
        ConfigError::new(
            "--listen",
            format_args!("{address}"),
            format!("listening on it failed: {error}"),
            "stop the program that uses it, or choose another address; port 0 picks a free port",
        )
    })
}

/// Prints the addresses. Ignores a closed standard output, as in `demo-app | head -1`.
fn welcome(address: SocketAddr, admin: Option<SocketAddr>) {
    let mut text = format!("demo-app listens on http://{address}/\n");
    if let Some(admin) = admin {
        let _ = writeln!(text, "  {:<18}http://{admin}/", "live console");
        for (what, path) in
            [("metrics", "metrics"), ("error budgets", "slo"), ("probes", "readyz?verbose")]
        {
            let _ = writeln!(text, "  {what:<18}http://{admin}/{path}");
        }
    }
    text.push_str("Press Ctrl-C to stop.\n");
    let _ = std::io::stdout().write_all(text.as_bytes());
}
