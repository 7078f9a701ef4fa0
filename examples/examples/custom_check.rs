//! Checks of one's own, and their probes on a port, without the rest of the kit.
//!
//! ```text
//! cargo run -p sre-kit-examples --example custom_check
//! curl localhost:9090/readyz?verbose
//! curl -H 'accept: application/health+json' localhost:9090/readyz
//! ```
//!
//! It serves until Ctrl-C, or for as many seconds as its argument says.
#![allow(clippy::print_stdout)] // an example speaks

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use sre_kit::health::{Check, CheckResult, Health, ShowDetails};
use sre_kit::metrics::{Registry, TextFormat};
use tokio::net::{TcpListener, TcpStream};

/// A dependency that all instances share: shown and counted, and no reason to leave.
fn database() -> Check {
    Check::new("database", || async {
        // A connection that is opened and closed; a real service would ask its pool.
        TcpStream::connect((Ipv4Addr::LOCALHOST, 5432)).await.map(drop)
    })
    .interval(Duration::from_secs(5))
    .timeout(Duration::from_secs(1))
    .component_type("datastore")
}

/// Something of this instance alone: where it fails, another instance does better.
fn scratch_directory() -> Check {
    Check::new("scratch", || async {
        let path = std::env::temp_dir().join("sre-kit-custom-check");
        tokio::fs::write(&path, b"still writable?").await?;
        tokio::fs::remove_file(&path).await
    })
    .interval(Duration::from_secs(10))
    .gate_readiness()
}

/// Between well and ill: memory is getting short.
fn memory() -> Check {
    Check::new("memory", || async {
        let path = Path::new("/proc/meminfo");
        if !path.exists() {
            return Ok(CheckResult::Pass); // not Linux: nothing to say
        }
        let text = tokio::fs::read_to_string(path).await?;
        let kibibytes = |field: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(field))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        Ok::<_, std::io::Error>(match (kibibytes("MemAvailable:"), kibibytes("MemTotal:")) {
            (Some(available), Some(total)) if available < total / 10 => {
                CheckResult::warn(format_args!("{available} KiB of {total} KiB are left"))
            }
            _ => CheckResult::Pass,
        })
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let seconds: Option<u64> = std::env::args().nth(1).map(|text| text.parse()).transpose()?;
    let registry = Registry::new();
    let health = Health::builder()
        .check(database())
        .check(scratch_directory())
        .check(memory())
        .service_id("custom-check")
        // Only this machine reaches the port, so it may read why a check fails.
        .show_details(ShowDetails::on_verbose())
        .build(&registry)?;

    // Startup is over once the cache is warm, however long that takes.
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
