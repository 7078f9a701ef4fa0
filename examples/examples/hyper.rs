//! A hyper service without a framework. It builds the kit, adds its layer and serves.
//!
//! ```text
//! cargo run -p sre-kit-examples --example hyper
//! curl localhost:8080/hello/you
//! curl localhost:9464/metrics
//! ```
//!
//! `LISTEN` and `SRE_KIT_ADMIN` set other addresses.
#![allow(clippy::print_stdout, reason = "examples print to standard output")]

use std::convert::Infallible;
use std::error::Error;
use std::process::ExitCode;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use sre_kit::SreKit;
use sre_kit::golden_signals::Routes;
use sre_kit::lifecycle::{self, ShutdownReport};
use sre_kit::server::RequestBody;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

async fn answer(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, text) = match request.uri().path().strip_prefix("/hello/") {
        Some(name) => (StatusCode::OK, format!("Hello, {name}.\n")),
        None => (StatusCode::NOT_FOUND, "Try /hello/you.\n".to_owned()),
    };
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    Ok(response)
}

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(serve())
}

async fn serve() -> Result<ShutdownReport, Box<dyn Error>> {
    let mut kit = SreKit::builder(sre_kit::build_info!())
        .routes(Routes::new(["/hello/{name}"])?)
        .with_env()?
        .build()?;
    let service = ServiceBuilder::new().layer(kit.http_layer()).service_fn(answer);

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("service on http://{}/hello/you", listener.local_addr()?);
    if let Some(admin) = kit.start_admin().await? {
        println!("metrics on http://{admin}/metrics");
    }
    Ok(kit.serve(listener, service).await?)
}
