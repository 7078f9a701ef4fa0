//! Custom health checks and their probes, without the other modules of the kit.
//!
//! ```text
//! cargo run -p sre-kit-examples --example custom_check
//! curl localhost:9090/readyz?verbose
//! curl -H 'accept: application/health+json' localhost:9090/readyz
//! ```
//!
//! It serves until Ctrl-C, or for the number of seconds in its argument.
#![allow(clippy::print_stdout, reason = "examples print to standard output")]

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use sre_kit::health::{Check, CheckResult, Health, ShowDetails};
use sre_kit::lifecycle;
use sre_kit::metrics::{Registry, TextFormat};
use tokio::net::{TcpListener, TcpStream};

/// Returns a check of a dependency that all instances share. It is reported, but does not gate
/// readiness: other instances could not do better.
fn database() -> Check {
    Check::new("database", || async {
        // Opens and closes a connection; a real service would use its pool.
        TcpStream::connect((Ipv4Addr::LOCALHOST, 5432)).await.map(drop)
    })
    .interval(Duration::from_secs(5))
    .timeout(Duration::from_secs(1))
    .component_type("datastore")
}

/// Returns a check of a resource of this instance. It gates readiness, because other instances can
/// do better when it fails.
fn scratch_directory() -> Check {
    Check::new("scratch", || async {
        let path = std::env::temp_dir().join("sre-kit-custom-check");
        tokio::fs::write(&path, b"still writable?").await?;
        tokio::fs::remove_file(&path).await
    })
    .interval(Duration::from_secs(10))
    .gate_readiness()
}

/// Returns a check that warns when less than a tenth of the memory is available.
fn memory() -> Check {
    Check::new("memory", || async {
        let path = Path::new("/proc/meminfo");
        if !path.exists() {
            return Ok(CheckResult::Pass); // only Linux has this file
        }
        let text = tokio::fs::read_to_string(path).await?;
        let kibibytes = |field: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(field))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        Ok::<_, std::io::Error>(match (kibibytes("MemAvailable:"), kibibytes("MemTotal:")) {
            (Some(available), Some(total)) if available < total / 10 => {
                CheckResult::warn(format_args!("{available} of {total} KiB are available"))
            }
            _ => CheckResult::Pass,
        })
    })
}

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(watch())
}

async fn watch() -> Result<(), Box<dyn Error>> {
    let seconds: Option<u64> = std::env::args().nth(1).map(|text| text.parse()).transpose()?;
    let registry = Registry::new();
    let health = Health::builder()
        .check(database())
        .check(scratch_directory())
        .check(memory())
        .service_id("custom-check")
        // The port is on loopback, so the responses may contain the reasons of failed checks.
        .show_details(ShowDetails::on_verbose())
        .build(&registry)?;

    // Startup ends when the cache is warm, without a time limit.
    let warm = health.latch("cache");
    health.spawn();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        warm.release();
    });

    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, 9090)).await {
        Ok(listener) => listener,
        Err(_taken) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
    };
    println!("probes on http://{}/readyz?verbose", listener.local_addr()?);
    let end = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => drop(tokio::signal::ctrl_c().await),
        }
    };
    tokio::select! {
        served = serve(listener, &health) => served?,
        () = end => health.set_draining("the example ends"),
    }

    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    for line in text.lines().filter(|line| line.starts_with("health_check_up")) {
        println!("{line}");
    }
    println!("ready: {}, live: {}", health.is_ready(), health.is_live());
    Ok(())
}

async fn serve(listener: TcpListener, health: &Health) -> std::io::Result<()> {
    let service = TowerToHyperService::new(health.service());
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
