//! TLS on both listeners, over real sockets, with certificates that are replaced while it runs.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sre_kit::SreKit;
use sre_kit::admin::{Admin, AdminBody, Page};
use sre_kit::metrics::{BuildInfo, Registry, TextFormat};
use sre_kit::server::{
    ConnectionInfo, ConnectionMetrics, RequestBody, RunningServer, Server, ServerTls,
    ServerTlsBuilder,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Long enough for anything that happens at all, on a busy machine too.
const EVER: Duration = Duration::from_mins(1);

/// A certificate authority, and a directory for what it issues.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("valid");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("signed");
        Self { issuer, dir: tempfile::tempdir().expect("a directory") }
    }

    fn issue(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("valid");
        (params.signed_by(&key, &self.issuer).expect("signed"), key)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Issues a certificate into the server's files, and returns it.
    fn write(&self) -> Vec<u8> {
        let (certificate, key) = self.issue();
        fs::write(self.path("tls.crt"), certificate.pem()).expect("written");
        fs::write(self.path("tls.key"), key.serialize_pem()).expect("written");
        fs::write(self.path("ca.crt"), self.issuer.pem()).expect("written");
        certificate.der().to_vec()
    }

    /// Returns the settings of a server with these files.
    fn server(&self) -> ServerTlsBuilder {
        ServerTls::builder()
            .cert_file(self.path("tls.crt"))
            .key_file(self.path("tls.key"))
            .reload_interval(Duration::from_millis(20))
    }

    fn client(&self, alpn: &[&[u8]], with_certificate: bool) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = if with_certificate {
            let (certificate, key) = self.issue();
            let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
            builder.with_client_auth_cert(vec![certificate.der().clone()], key).expect("fits")
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
}

fn text_of(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

/// Says what the handler sees of the connection.
async fn handle(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let info = request.extensions().get::<ConnectionInfo>().expect("always there");
    let seen = info.tls().map_or("plain".to_owned(), |tls| {
        let name = tls.server_name().unwrap_or_default();
        let certificate = tls.client_certificate().is_some();
        format!("{:?} TLS {} {name} certificate={certificate}", request.version(), tls.version())
    });
    Ok(Response::new(Full::from(seen)))
}

struct Running {
    server: RunningServer,
    address: SocketAddr,
    registry: Registry,
}

async fn start(tls: ServerTlsBuilder) -> Running {
    let registry = Registry::new();
    let metrics = ConnectionMetrics::new(&registry).expect("valid");
    let tls = tls.build().expect("valid");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("bound");
    let server = Server::builder().metrics(&metrics).tls(&tls).build().expect("valid");
    let server = server.start(listener, tower::service_fn(handle));
    Running { server, address, registry }
}

impl Running {
    fn has(&self, line: &str) -> bool {
        text_of(&self.registry).lines().any(|shown| shown == line)
    }

    /// Waits until the metrics have this line.
    async fn wait(&self, line: &str) {
        let waiting = async {
            while !self.has(line) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let shown = || text_of(&self.registry);
        tokio::time::timeout(EVER, waiting).await.unwrap_or_else(|_| panic!("{line}\n{}", shown()));
    }
}

async fn connect(
    client: &TlsConnector,
    address: SocketAddr,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    client.connect(ServerName::try_from("localhost").expect("valid"), stream).await
}

/// Returns the certificate that the server shows to a new connection.
async fn shown_certificate(authority: &Authority, address: SocketAddr) -> Vec<u8> {
    let stream = connect(&authority.client(&[], false), address).await.expect("a handshake");
    let chain: &[CertificateDer<'_>] = stream.get_ref().1.peer_certificates().expect("a chain");
    chain[0].to_vec()
}

/// Sends a GET over HTTP/1 and returns the response's text.
async fn get(mut stream: TlsStream<TcpStream>, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response)
}

#[tokio::test]
async fn both_protocols_are_spoken_and_the_handler_sees_the_tls() {
    let authority = Authority::new();
    authority.write();
    let running = start(authority.server()).await;
    let client = authority.client(&[b"http/1.1"], false);
    let stream = connect(&client, running.address).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let response = get(stream, "/").await.expect("an answer");
    assert!(response.ends_with("HTTP/1.1 TLS 1.3 localhost certificate=false"), "{response}");

    let client = authority.client(&[b"h2", b"http/1.1"], false);
    let stream = connect(&client, running.address).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::get("https://localhost/").body(Full::<Bytes>::default()).expect("valid");
    let response = sender.send_request(request).await.expect("an answer");
    let body = response.into_body().collect().await.expect("whole").to_bytes();
    assert_eq!(body, "HTTP/2.0 TLS 1.3 localhost certificate=false");
}

#[tokio::test]
async fn new_files_are_used_for_new_connections_and_bad_ones_are_not() {
    let authority = Authority::new();
    let first = authority.write();
    let running = start(authority.server()).await;
    assert_eq!(shown_certificate(&authority, running.address).await, first);
    let open = connect(&authority.client(&[], false), running.address).await.expect("a handshake");

    let second = authority.write();
    assert_ne!(first, second);
    let rotated = async { while shown_certificate(&authority, running.address).await != second {} };
    tokio::time::timeout(EVER, rotated).await.expect("the new files are read");
    assert!(!running.has("http_server_tls_reloads_total{listener=\"main\",result=\"ok\"} 0"));

    fs::write(authority.path("tls.crt"), "no certificate").expect("written");
    running.wait("http_server_tls_reloads_total{listener=\"main\",result=\"error\"} 1").await;
    assert_eq!(shown_certificate(&authority, running.address).await, second);
    let response = get(open, "/").await.expect("an open connection goes on");
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

#[tokio::test]
async fn with_an_authority_clients_need_a_certificate() {
    let authority = Authority::new();
    authority.write();
    let tls = authority.server().client_ca_file(authority.path("ca.crt"));
    let running = start(tls.clone()).await;
    let with = authority.client(&[], true);
    let stream = connect(&with, running.address).await.expect("a handshake");
    let response = get(stream, "/").await.expect("an answer");
    assert!(response.ends_with("certificate=true"), "{response}");

    let refused = async {
        let stream = connect(&authority.client(&[], false), running.address).await?;
        get(stream, "/").await
    };
    refused.await.expect_err("a client without a certificate");
    let line =
        "http_server_connection_errors_total{listener=\"main\",error_type=\"tls_handshake\"} 1";
    running.wait(line).await;

    let running = start(tls.client_cert_optional(true)).await;
    let stream = connect(&authority.client(&[], false), running.address).await.expect("optional");
    assert!(get(stream, "/").await.expect("an answer").ends_with("certificate=false"));
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_and_one_that_never_begins_is_a_check() {
    let authority = Authority::new();
    authority.write();
    let running = start(authority.server().handshake_timeout(Duration::from_millis(50))).await;
    let errors = |kind: &str, count: u32| {
        format!(
            "http_server_connection_errors_total{{listener=\"main\",error_type=\"{kind}\"}} {count}"
        )
    };
    // A health check of a load balancer connects and closes.
    drop(TcpStream::connect(running.address).await.expect("it listens"));
    let mut slow = TcpStream::connect(running.address).await.expect("it listens");
    slow.write_all(&[0x16, 0x03, 0x01]).await.expect("written");
    let mut rest = Vec::new();
    let read = tokio::time::timeout(EVER, slow.read_to_end(&mut rest)).await;
    let _ = read.expect("it is closed");
    running.wait(&errors("tls_timeout", 1)).await;

    let mut plain = TcpStream::connect(running.address).await.expect("it listens");
    plain.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("written");
    let _ = tokio::time::timeout(EVER, plain.read_to_end(&mut rest)).await.expect("it is closed");
    running.wait(&errors("tls_handshake", 1)).await;
    running
        .wait("http_server_open_connections{listener=\"main\",http_connection_state=\"idle\"} 0.0")
        .await;
    assert!(running.has(&errors("tls_timeout", 1)), "the check did not count");
    assert!(running.has(&errors("io", 0)));
}

#[tokio::test]
async fn a_client_that_leaves_without_a_word_is_no_error() {
    let authority = Authority::new();
    authority.write();
    let running = start(authority.server()).await;
    let client = authority.client(&[], false);
    let mut stream = connect(&client, running.address).await.expect("a handshake");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("written");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    // The socket is closed without TLS's `close_notify`.
    let (tcp, _) = stream.into_inner();
    let mut tcp = tcp;
    tcp.shutdown().await.expect("closed");
    drop(tcp);
    running
        .wait("http_server_open_connections{listener=\"main\",http_connection_state=\"idle\"} 0.0")
        .await;
    let text = text_of(&running.registry);
    let errors =
        text.lines().filter(|line| line.starts_with("http_server_connection_errors_total{"));
    assert!(
        errors.clone().count() > 0 && errors.clone().all(|line| line.ends_with(" 0")),
        "{text}"
    );
}

#[tokio::test]
async fn a_handshake_holds_no_shutdown() {
    let authority = Authority::new();
    authority.write();
    let running = start(authority.server().handshake_timeout(Duration::from_hours(1))).await;
    let silent = TcpStream::connect(running.address).await.expect("it listens");
    let mut half = TcpStream::connect(running.address).await.expect("it listens");
    half.write_all(&[0x16, 0x03, 0x01]).await.expect("written");
    running.wait("http_server_connections_accepted_total{listener=\"main\"} 2").await;
    let unfinished = tokio::time::timeout(EVER, running.server.shutdown(EVER * 2)).await;
    assert!(unfinished.expect("it ends").is_empty());
    drop((silent, half));
}

#[test]
fn files_that_cannot_work_are_refused_with_what_to_do() {
    let authority = Authority::new();
    authority.write();
    let (_, other_key) = authority.issue();
    fs::write(authority.path("other.key"), other_key.serialize_pem()).expect("written");
    fs::write(authority.path("secret"), "-----BEGIN PRIVATE KEY-----\nhush!\n").expect("written");
    let files = || authority.server();
    for (builder, field, part) in [
        (ServerTls::builder(), "tls.cert_file", "needs a certificate"),
        (ServerTls::builder().cert_file("/a"), "tls.key_file", "needs a certificate"),
        (files().cert_file("/nowhere/a"), "tls.cert_file", "cannot be read"),
        (files().cert_file(authority.dir.path()), "tls.cert_file", "not a file"),
        (files().cert_file(authority.path("secret")), "tls.cert_file", "no certificate in PEM"),
        (files().key_file(authority.path("secret")), "tls.key_file", "no private key in PEM"),
        (files().key_file(authority.path("other.key")), "tls.key_file", "does not fit"),
        (files().client_ca_file(authority.path("secret")), "tls.client_ca_file", "no certificate"),
        (files().handshake_timeout(Duration::ZERO), "tls.handshake_timeout", "longer than zero"),
        (files().reload_interval(Duration::ZERO), "tls.reload_interval", "longer than zero"),
    ] {
        let error = builder.build().expect_err(part);
        assert_eq!(error.field(), field, "{error}");
        assert!(error.rule().contains(part), "{error}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}

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
        let name = ServerName::try_from("localhost").expect("valid");
        let stream = client.connect(name, stream).await.expect("a handshake");
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
    let service = tower::Layer::layer(&kit.http_layer(), tower::service_fn(handle_shared));
    let serving = tokio::spawn(kit.serve(listener, service));
    let stream = connect(&authority.client(&[], false), address).await.expect("a handshake");
    let response = get(stream, "/").await.expect("an answer");
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    handle.trigger("the test ends");
    let report = serving.await.expect("no panic").expect("it served");
    assert!(report.is_clean(), "{report:?}");
    let text = text_of(&registry);
    let line =
        "http_server_requests_started_total{http_request_method=\"GET\",url_scheme=\"https\"} 1";
    assert!(text.contains(line), "{text}");
}

async fn handle_shared(_: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello")))
}
