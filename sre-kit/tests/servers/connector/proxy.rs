//! The proxy beside the server, which accepts a client certificate as the login.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::cloud_sql::{Proxy, Shared, reset};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let _ = accepted(stream, &shared).await;
        });
    }
}

fn roots(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.expect("PEM")).expect("a CA");
    }
    roots
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Returns a configuration that requires a client certificate of the fake.
fn config(shared: &Shared) -> ServerConfig {
    let clients = Arc::new(roots(&shared.clients.pem));
    let verifier = WebPkiClientVerifier::builder_with_provider(clients, provider()).build();
    let state = shared.state();
    let versions: &[_] = match state.proxy {
        Proxy::Tls12 => &[&rustls::version::TLS12],
        _ => &[&rustls::version::TLS13],
    };
    let leaf = CertificateDer::from_pem_slice(state.leaf.certificate.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(state.leaf.key.as_bytes()).expect("PEM");
    ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .expect("known")
        .with_client_cert_verifier(verifier.expect("a verifier"))
        .with_single_cert(vec![leaf], key)
        .expect("they belong together")
}

async fn accepted(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    let broken = {
        let mut state = shared.state();
        let broken = matches!(state.proxy, Proxy::Reset(left) if left > 0);
        if let Proxy::Reset(left) = &mut state.proxy {
            *left = left.saturating_sub(1);
        }
        state.broken += u32::from(broken);
        broken
    };
    if broken {
        // Wait for the ClientHello.
        stream.read_u8().await.ok()?;
        reset(&stream);
        return None;
    }
    let acceptor = TlsAcceptor::from(Arc::new(config(shared)));
    let mut client = acceptor.accept(stream).await.ok()?;
    shared.state().handshakes += 1;
    let certificate = client.get_ref().1.peer_certificates()?.first()?.clone().into_owned();
    // A revoked certificate: the connection ends without a PostgreSQL message.
    let token = shared.token_of(&certificate)?;
    let startup = startup(&mut client).await?;
    let mut server = log_in(shared, &startup, &token).await?;
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}

/// Reads the StartupMessage. Some drivers send an SSLRequest inside of TLS first.
async fn startup(client: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Vec<u8>> {
    loop {
        let length = client.read_u32().await.ok()?;
        let mut message = length.to_be_bytes().to_vec();
        message.resize(usize::try_from(length).ok().filter(|length| *length < 10_000)?, 0);
        client.read_exact(message.get_mut(4..)?).await.ok()?;
        if message != SSL_REQUEST {
            return Some(message);
        }
        client.write_all(b"N").await.ok()?;
        client.flush().await.ok()?;
    }
}

/// Logs in at the server, with the token as the password.
async fn log_in(
    shared: &Shared,
    startup: &[u8],
    token: &str,
) -> Option<tokio_rustls::client::TlsStream<TcpStream>> {
    let (port, ca) = &shared.upstream;
    let mut tcp = TcpStream::connect(("127.0.0.1", *port)).await.ok()?;
    tcp.set_nodelay(true).ok()?;
    tcp.write_all(&SSL_REQUEST).await.ok()?;
    if tcp.read_u8().await.ok()? != b'S' {
        return None;
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots(ca))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").ok()?;
    let mut server = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.ok()?;
    server.write_all(startup).await.ok()?;
    server.flush().await.ok()?;
    // AuthenticationCleartextPassword.
    let mut question = [0; 9];
    server.read_exact(&mut question).await.ok()?;
    if question != *b"R\0\0\0\x08\0\0\0\x03" {
        return None;
    }
    let mut answer = vec![b'p'];
    answer.extend_from_slice(&u32::try_from(token.len() + 5).ok()?.to_be_bytes());
    answer.extend_from_slice(token.as_bytes());
    answer.push(0);
    server.write_all(&answer).await.ok()?;
    server.flush().await.ok()?;
    Some(server)
}
