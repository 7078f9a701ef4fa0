//! TLS of the kit's listeners: that of the service, and that of the admin pages.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use sre_kit::SreKit;
use sre_kit::admin::{Admin, AdminBody, Page};
use sre_kit::metrics::{BuildInfo, Registry, TextFormat};
use sre_kit::server::RequestBody;
use tokio::net::{TcpListener, TcpSocket};

use super::{Authority, connect, get, secure};

#[tokio::test]
async fn a_client_certificate_opens_the_admin_pages_to_a_client_elsewhere() {
    let authority = Authority::new();
    authority.write();
    let page =
        Page::get("/queue", "A queue.", |_| async { Response::new(AdminBody::from("here")) });
    let file = |name: &str| authority.path(name).to_str().expect("text").to_owned();
    let admin = Admin::builder()
        .page(page)
        .with_vars(|name| match name {
            "SRE_KIT_ADMIN" => Some("0.0.0.0:0".to_owned()),
            "SRE_KIT_ADMIN_TLS_CERT_FILE" => Some(file("tls.crt")),
            "SRE_KIT_ADMIN_TLS_KEY_FILE" => Some(file("tls.key")),
            "SRE_KIT_ADMIN_TLS_CLIENT_CA_FILE" => Some(file("ca.crt")),
            _ => None,
        })
        .expect("valid")
        .build(&Registry::new())
        .expect("valid");
    let admin = admin.start().await.expect("it listens");
    let port = admin.local_addr().expect("TCP").port();
    for (with_certificate, path, status) in
        [(true, "/queue", "200"), (false, "/queue", "403"), (false, "/livez", "200")]
    {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.6:0".parse().expect("valid")).expect("of this machine");
        let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("open");
        let client = authority.client(&[], with_certificate);
        let stream = secure(&client, stream).await.expect("a handshake");
        let response = get(stream, path).await.expect("an answer");
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {response}");
    }
}

#[tokio::test]
async fn the_kit_serves_tls_and_counts_its_requests_as_https() {
    let authority = Authority::new();
    authority.write();
    let file = |name: &str| authority.path(name).to_str().expect("text").to_owned();
    let kit = SreKit::builder(BuildInfo::new("shop", "1"))
        .without_admin()
        .lifecycle(|lifecycle| lifecycle.without_signals().drain_delay(Duration::ZERO))
        .with_vars(|name| match name {
            "SRE_KIT_TLS_CERT_FILE" => Some(file("tls.crt")),
            "SRE_KIT_TLS_KEY_FILE" => Some(file("tls.key")),
            _ => None,
        })
        .expect("valid")
        .build()
        .expect("valid");
    let registry = kit.registry().clone();
    let handle = kit.lifecycle().shutdown_handle();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("bound");
    let service = tower::Layer::layer(&kit.http_layer(), tower::service_fn(hello));
    let serving = tokio::spawn(kit.serve(listener, service));
    let stream = connect(&authority.client(&[], false), address).await.expect("a handshake");
    let response = get(stream, "/").await.expect("an answer");
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    handle.trigger("the test ends");
    let report = serving.await.expect("no panic").expect("it served");
    assert!(report.is_clean(), "{report:?}");
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let line = "sre_kit_http_server_requests_started_total{http_request_method=\"GET\",url_scheme=\"https\"} 1";
    assert!(text.contains(line), "{text}");
}

async fn hello(_: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello")))
}
