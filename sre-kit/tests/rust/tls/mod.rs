//! TLS over real sockets, with certificates of an authority of the test.

mod certificates;
mod handshake;
mod listeners;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sre_kit::server::{ServerBuilder, ServerTls, ServerTlsBuilder};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::server::{Fixture, start};

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

/// Starts the server of the fixture with TLS.
async fn start_tls(tls: ServerTlsBuilder) -> Fixture {
    start(with_tls(tls)).await
}

fn with_tls(tls: ServerTlsBuilder) -> impl FnOnce(ServerBuilder) -> ServerBuilder {
    let tls = tls.build().expect("valid");
    move |server| server.tls(&tls)
}

async fn connect(
    client: &TlsConnector,
    address: SocketAddr,
) -> std::io::Result<TlsStream<TcpStream>> {
    secure(client, TcpStream::connect(address).await?).await
}

async fn secure(client: &TlsConnector, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    client.connect(ServerName::try_from("localhost").expect("valid"), stream).await
}

/// Sends a GET over HTTP/1 and returns the response's text.
async fn get(mut stream: TlsStream<TcpStream>, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response)
}
