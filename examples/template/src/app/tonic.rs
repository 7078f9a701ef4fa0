//! The methods of the service.

use hello::greeter_server::{Greeter, GreeterServer};
use hello::{HelloReply, HelloRequest};
use sre_kit::golden_signals::Routes;
use sre_kit::server::HttpService;
use sre_kit::{ConfigError, SreKit};
use tonic::{Request, Response, Status};
use tower::ServiceBuilder;

mod hello {
    tonic::include_proto!("hello");
}

/// Returns the methods, which are the labels of the metrics: tonic has no list of them. Add yours
/// here.
pub fn routes() -> Result<Routes, ConfigError> {
    Routes::default()
        .tonic::<GreeterServer<MyGreeter>>(["Hello"])?
        .grpc("grpc.health.v1.Health", ["Check", "Watch"])
}

struct MyGreeter;

#[tonic::async_trait]
impl Greeter for MyGreeter {
    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let name = request.into_inner().name;
        if name.is_empty() {
            return Err(Status::invalid_argument(
                "name is empty; send the name to greet",
            ));
        }
        Ok(Response::new(HelloReply {
            message: format!("Hello, {name}."),
        }))
    }
}

/// Returns the service, with the health checking protocol of gRPC.
pub fn service(kit: &SreKit) -> impl HttpService + use<> {
    let health = kit
        .health()
        .grpc()
        .service_type::<GreeterServer<MyGreeter>>()
        .into_server();
    let services = tonic::service::Routes::new(GreeterServer::new(MyGreeter)).add_service(health);
    ServiceBuilder::new()
        .layer(kit.http_layer())
        .service(services)
}
