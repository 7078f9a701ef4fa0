//! A small service that shows every part of `sre-kit`.
//!
//! It counts visitors in a database; on request it fails, stalls, streams or panics. `/metrics`,
//! `/slo` and the probes show the effect.

mod app;
mod cli;
mod failure;
mod fetch;
mod gate;
mod generate;
mod objectives;
mod probe;
mod serve;
mod small_build;
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

/// How long a subcommand may take to export its last spans.
const FLUSH: Duration = Duration::from_secs(3);

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    // `run_main` does not wait without a bound for blocking work, such as a DNS lookup that hangs.
    run_main(async { run(cli).await.unwrap_or_else(|failure| tell(&failure)) })
}

/// Prints what failed and returns the exit code for it.
fn tell(failure: &Failure) -> ExitCode {
    #[allow(clippy::print_stderr, reason = "the message is for the person who started the program")]
    {
        eprintln!("demo-app: {failure}{}", small_build::hint(failure));
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
        Some(Command::Migrate(settings)) => migrate(&settings).await,
    };
    // `serve` has already flushed during its graceful shutdown; the other subcommands have not.
    telemetry.shutdown(FLUSH).await;
    ended
}

/// Installs logging and the exporters that the `OTEL_*` variables configure.
fn telemetry() -> Result<Telemetry, ConfigError> {
    let build = sre_kit::build_info!();
    let telemetry = Telemetry::builder_from_env()?.build_info(&build).build()?;
    telemetry.install()?;
    Ok(telemetry)
}

async fn migrate(settings: &cli::Migrate) -> Result<ExitCode, Failure> {
    let store = Store::new(&settings.database, &Registry::new())?;
    store.connect().await?;
    let role = settings.grant_to.as_deref().filter(|role| !role.is_empty());
    let steps = store.migrate(role).await?;
    tracing::info!(steps, "the database schema is up to date");
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
