//! A small service that shows every part of `sre-kit`.
//!
//! It counts visitors in a database, fails, stalls, streams and panics on request,
//! and shows what that looks like on `/metrics`, `/slo` and the probes.

mod app;
mod cli;
mod failure;
mod fetch;
mod gate;
mod generate;
mod objectives;
mod probe;
mod serve;
mod store;

use std::io;
use std::process::{ExitCode, Termination};
use std::time::Duration;

use clap::Parser;
use sre_kit::ConfigError;
use sre_kit::lifecycle::run_main;
use sre_kit::metrics::Registry;
use sre_kit::telemetry::Telemetry;

use cli::{Cli, Command};
use failure::Failure;
use store::Store;

/// How long a subcommand may take to hand over its last spans.
const FLUSH: Duration = Duration::from_secs(3);

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    // Blocking work that hangs, such as a name that is looked up, does not keep it.
    run_main(async { run(cli).await.unwrap_or_else(|failure| tell(&failure)) })
}

/// Says what failed, and gives the exit code for it.
fn tell(failure: &Failure) -> ExitCode {
    #[allow(clippy::print_stderr, reason = "the sentence is for whoever started it")]
    {
        eprintln!("demo-app: {failure}");
    }
    failure.code()
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let telemetry = telemetry()?;
    let ended = match cli.command {
        None => serve::run(cli.serve, &telemetry).await.map(Termination::report),
        Some(Command::Serve(serve)) => serve::run(serve, &telemetry).await.map(Termination::report),
        Some(Command::Generate(settings)) => generate::run(&settings),
        Some(Command::Probe(settings)) => {
            probe::run(&settings.expected, Duration::from_secs(settings.within)).await
        }
        Some(Command::Gate(settings)) => gate::run(settings).await,
        Some(Command::Migrate(database)) => migrate(&database).await,
    };
    // What served has flushed already, on its way out; this is for the others.
    telemetry.shutdown(FLUSH).await;
    ended
}

/// Log lines, and what the OTEL_* variables ask for.
fn telemetry() -> Result<Telemetry, ConfigError> {
    let build = sre_kit::build_info!();
    let telemetry = Telemetry::builder_from_env()?.build_info(&build).build()?;
    telemetry.install()?;
    Ok(telemetry)
}

async fn migrate(settings: &cli::Database) -> Result<ExitCode, Failure> {
    let store = Store::new(settings, &Registry::new())?;
    store.connect().await?;
    let steps = store.migrate().await?;
    tracing::info!(steps, "the schema is the newest");
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
