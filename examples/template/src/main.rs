//! The service, and `generate`, which writes what acts on its SLOs.

mod app;
mod slos;

use std::error::Error;
use std::process::{ExitCode, Termination};

use sre_kit::SreKit;
use sre_kit::lifecycle;
use tokio::net::TcpListener;

const USAGE: &str = "usage: serve (the default) | generate [--check]";

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(run())
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["serve"] => serve().await,
        ["generate"] => slos::write(),
        ["generate", "--check"] => slos::check(),
        _ => Err(USAGE.into()),
    }
}

async fn serve() -> Result<ExitCode, Box<dyn Error>> {
    let mut kit = SreKit::builder(sre_kit::build_info!())
        .routes(app::routes()?)
        .slos(slos::all()?)
        .with_env()?
        .build()?;
    let service = app::service(&kit);
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("service on http://{}", listener.local_addr()?);
    if let Some(admin) = kit.start_admin().await? {
        println!("metrics on http://{admin}/metrics");
    }
    Ok(kit.serve(listener, service).await?.report())
}
