//! `demo-app serve`: the kit, the database and the application, wired together.

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

/// Requests that are answered at one time; a few more wait, the rest is refused.
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

    // Probes are answered by now, and startup is not over before this is.
    let migrated = kit.health().latch("migrations");
    store.start().await?;
    migrated.release();

    let app = App::new(store, settings.faults());
    let service = ServiceBuilder::new()
        // Outside the layer that counts it, so that a panic has an answer as well.
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
        // On a laptop no load balancer has to notice, and Ctrl-C is not to wait for one.
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
            format!("it cannot be listened on: {error}"),
            "stop what listens there, or choose another address; port 0 takes a free one",
        )
    })
}

/// Says where to look. Nobody may be listening: `demo-app | head -1` is no error.
fn welcome(address: SocketAddr, admin: Option<SocketAddr>) {
    let mut text = format!("demo-app listens on http://{address}/\n");
    if let Some(admin) = admin {
        let _ = writeln!(text, "  {:<18}http://{admin}/", "all of it, live");
        for (what, path) in [
            ("your own requests", "metrics"),
            ("error budgets", "slo"),
            ("probes", "readyz?verbose"),
        ] {
            let _ = writeln!(text, "  {what:<18}http://{admin}/{path}");
        }
    }
    text.push_str("Ctrl-C ends it.\n");
    let _ = std::io::stdout().write_all(text.as_bytes());
}
