//! Calling others: count the calls to other services as truthfully as the requests.
//!
//! A service is as reliable as what it calls. This page takes ten minutes.
//!
//! # Declare the peers
//!
//! A *peer* is a service that this one calls. Its labels come from the declaration, so no request
//! can add series:
//!
//! ```
//! use sre_kit::SreKit;
//! use sre_kit::outbound::Peer;
//! use sre_kit::slo::Slo;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let kit = SreKit::builder(sre_kit::build_info!())
//!     .peer(Peer::http("payments", "https://payments.internal:8443")?.routes(["/v1/charges/{id}"]))
//!     .peer(Peer::grpc("stock", "http://stock.internal")?.methods(["shop.Stock/Reserve"]))
//!     .slo(Slo::dependency("payments", "99.95".parse()?))
//!     .build()?;
//! let payments = kit.peer("payments")?;
//! # let _ = payments;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Wrap the client of each peer with `payments.layer()`. It takes any
//! `Service<http::Request<B>, Response = http::Response<C>>`: hyper-util's pooled client, a tonic
//! channel, or `reqwest` behind an adapter:
//!
//! ```
//! # use sre_kit::metrics::Registry;
//! # use sre_kit::outbound::{Outbound, Peer};
//! use tower::ServiceBuilder;
//!
//! # fn wrap(client: reqwest::Client) -> Result<(), sre_kit::ConfigError> {
//! # let outbound = Outbound::new(&Registry::new(), [Peer::http("payments", "http://payments")?])?;
//! # let payments = outbound.peer("payments")?;
//! let client = ServiceBuilder::new()
//!     .layer(payments.layer())
//!     .map_request(|request: http::Request<reqwest::Body>| {
//!         reqwest::Request::try_from(request).expect("requests have a whole URL")
//!     })
//!     .map_response(|response: reqwest::Response| http::Response::<reqwest::Body>::from(response))
//!     .service(client);
//! # let _ = client;
//! # Ok(())
//! # }
//! ```
//!
//! # Why a call failed
//!
//! The cause is the label `error_type` of the duration, read from the types in the chain of the
//! error:
//!
//! | What happened | `outcome` | `error_type` |
//! |---|---|---|
//! | The connection is refused | `no_response` | `connect` |
//! | The name is not resolved, with [`Marked::dns`](crate::outbound::Marked::dns) | `no_response` | `dns` |
//! | The TLS handshake fails | `no_response` | `tls` |
//! | The connection or the stream is reset before the head; in the body | `no_response`; `error` | `reset` |
//! | The connection is closed without an answer; before the end of the body | `no_response`; `error` | `closed` |
//! | The answer is no HTTP; a chunk is malformed | `no_response`; `error` | `protocol` |
//! | The peer goes away or refuses the stream: it is safe to send the request again | `no_response` | `refused` |
//! | A timeout inside of the layer, or of the operating system | `timeout` | `timeout` |
//! | Status 4xx; 5xx; 504 | `client_error`; `error`; `timeout` | the status |
//! | A gRPC status but `OK`, in the head or in the trailers | by the status | its name |
//! | gRPC without a status | `error` | `UNKNOWN` |
//! | The caller drops the call | `canceled` | `canceled` |
//! | This process refuses to send it | `shed` | `overloaded` |
//!
//! # The order of layers
//!
//! From the outermost to the innermost: total timeout, retry, the layer of the peer, timeout of one
//! attempt, transport. Each attempt is then one call in the metrics.
//!
//! | Right: outer > inner | Swapped |
//! |---|---|
//! | the layer > timeout of the attempt | each timeout counts as `canceled`, which the SLO excludes |
//! | retry > the layer | the attempts are one call: a call that succeeds at the third attempt is one `ok` |
//!
//! A timeout around the client ends at the response head: a slow body runs on. Limit the time of the
//! whole call, including its body, where the body is read.
//!
//! # What dependencies may promise
//!
//! If every request needs a dependency, the service cannot be better than that dependency. The
//! generated README names an SLO whose dependencies allow more failures than its error budget has:
//! see [`Slos::dependency_gaps`](crate::slo::Slos::dependency_gaps). Set
//! [`Slo::share`](crate::slo::Slo::share) to the share of requests that need the dependency.
