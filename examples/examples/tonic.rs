//! A tonic service with the gRPC health checking protocol.
//!
//! ```text
//! cargo run -p sre-kit-examples --example tonic
//! cargo run -p sre-kit-examples --example tonic -- you   # a client that sends one request
//! curl localhost:9464/metrics
//! ```
//!
//! `LISTEN` and `SRE_KIT_ADMIN` set other addresses.
#![allow(clippy::print_stdout, reason = "examples print to standard output")]

use std::error::Error;
use std::process::{ExitCode, Termination};

use greeter::greeter_client::GreeterClient;
use greeter::greeter_server::{Greeter, GreeterServer};
use greeter::{HelloReply, HelloRequest};
use sre_kit::SreKit;
use sre_kit::golden_signals::Routes;
use sre_kit::lifecycle;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};
use tower::ServiceBuilder;

#[allow(
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
mod greeter {
    tonic::include_proto!("greeter");
}

struct Polite;

#[tonic::async_trait]
impl Greeter for Polite {
    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let name = request.into_inner().name;
        if name.is_empty() {
            return Err(Status::invalid_argument("name is empty; send the name to greet"));
        }
        Ok(Response::new(HelloReply { message: format!("Hello, {name}.") }))
    }
}

async fn serve(address: &str) -> Result<ExitCode, Box<dyn Error>> {
    // tonic has no list of a service's methods, so declare them here.
    let routes = Routes::default()
        .tonic::<GreeterServer<Polite>>(["Hello"])?
        .grpc("grpc.health.v1.Health", ["Check", "Watch"])?;
    let mut kit = SreKit::builder(sre_kit::build_info!()).routes(routes).with_env()?.build()?;
    let services = tonic::service::Routes::new(GreeterServer::new(Polite))
        .add_service(kit.health().grpc().service_type::<GreeterServer<Polite>>().into_server());
    let service = ServiceBuilder::new().layer(kit.http_layer()).service(services);

    let listener = TcpListener::bind(address).await?;
    println!("service on http://{}", listener.local_addr()?);
    if let Some(admin) = kit.start_admin().await? {
        println!("metrics on http://{admin}/metrics");
    }
    Ok(kit.serve(listener, service).await?.report())
}

async fn ask(address: &str, name: String) -> Result<ExitCode, Box<dyn Error>> {
    let mut client = GreeterClient::connect(format!("http://{address}")).await?;
    match client.hello(HelloRequest { name }).await {
        Ok(reply) => println!("{}", reply.into_inner().message),
        Err(status) => println!("{:?}: {}", status.code(), status.message()),
    }
    Ok(ExitCode::SUCCESS)
}

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(serve_or_ask())
}

async fn serve_or_ask() -> Result<ExitCode, Box<dyn Error>> {
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    match std::env::args().nth(1) {
        None => serve(&address).await,
        Some(name) => ask(&address, name).await,
    }
}
