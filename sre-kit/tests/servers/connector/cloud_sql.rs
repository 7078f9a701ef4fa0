//! A fake of Cloud SQL: its Admin API, and the proxy on port 3307 in front of a real PostgreSQL
//! server. Google's own connector connects through it, which checks that it behaves like the real
//! one: see `oracle.rs`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;
use x509_cert::der::Decode;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::proxy;
use crate::db_support::authority::{Authority, Leaf};
use crate::db_support::postgres::Postgres;
use crate::db_support::tokens::Tokens;

pub(crate) const URL: &str = "cloudsql://shop%40project.iam@project:europe-west1:main/shop";

/// The behaviour of the Admin API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Fine,
    Status(u16),
    /// The connection is reset before the response.
    Reset,
    Garbage,
}

/// The behaviour of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    Fine,
    /// It speaks TLS 1.2 only.
    Tls12,
    /// It resets this many connections during the handshake.
    Reset(u32),
}

pub(crate) struct CloudSql {
    /// The URL of the Admin API.
    pub(crate) endpoint: String,
    pub(crate) shared: Arc<Shared>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    /// The valid tokens for the Admin API. PostgreSQL checks those that log in.
    pub(crate) api_tokens: Tokens,
    pub(crate) clients: Authority,
    /// The PostgreSQL server: its port, and the CA of its certificate.
    pub(crate) upstream: (u16, String),
}

pub(crate) struct State {
    pub(crate) api: Api,
    pub(crate) proxy: Proxy,
    /// The response to `connectSettings`.
    pub(crate) settings: Value,
    /// The certificate of the proxy.
    pub(crate) leaf: Leaf,
    /// The lifetime of client certificates.
    pub(crate) lasts: Duration,
    /// The token in each issued certificate.
    pub(crate) certificates: HashMap<Vec<u8>, String>,
    /// The requested paths.
    pub(crate) asked: Vec<String>,
    /// The number of successful handshakes, and of connections that were reset.
    pub(crate) handshakes: u32,
    pub(crate) broken: u32,
}

impl CloudSql {
    /// Starts in front of `server`, whose certificate has the common name `project:main`.
    pub(crate) async fn start(server: &Postgres) -> Self {
        let api = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", api.local_addr().expect("bound"));
        let (door, host) = door().await;
        let authority = Authority::new("Google Cloud SQL Server CA");
        let leaf = authority.server("project:main", &[], false);
        let settings = json!({
            "kind": "sql#connectSettings",
            "region": "europe-west1",
            "backendType": "SECOND_GEN",
            "databaseVersion": "POSTGRES_15",
            "ipAddresses": [
                {"type": "PRIMARY", "ipAddress": host},
                {"type": "PRIVATE", "ipAddress": host},
            ],
            "pscEnabled": true,
            // A name that resolves without a DNS server.
            "dnsNames": [{
                "name": host, "connectionType": "PRIVATE_SERVICE_CONNECT", "dnsScope": "INSTANCE",
            }],
            "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
            "serverCaCert": {"kind": "sql#sslCert", "cert": authority.pem},
        });
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                api: Api::Fine,
                proxy: Proxy::Fine,
                settings,
                leaf,
                lasts: Duration::from_hours(1),
                certificates: HashMap::new(),
                asked: Vec::new(),
                handshakes: 0,
                broken: 0,
            }),
            api_tokens: Tokens::default(),
            clients: Authority::new("Google Cloud SQL Client CA"),
            upstream: (server.port, server.authority.pem.clone()),
        });
        let tasks = [
            tokio::spawn(serve(api, Arc::clone(&shared))),
            tokio::spawn(proxy::serve(door, Arc::clone(&shared))),
        ];
        Self { endpoint, shared, _tasks: tasks.map(AbortOnDropHandle::new) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Changes the CA and the certificate of the proxy. The Admin API returns the new CA.
    pub(crate) fn show(&self, common: &str, names: &[&str], expired: bool) {
        let authority = Authority::new("Google Cloud SQL Server CA");
        let mut state = self.state();
        state.leaf = authority.server(common, names, expired);
        state.settings["serverCaCert"]["cert"] = authority.pem.into();
    }

    /// Returns how many certificates were requested.
    pub(crate) fn certificates(&self) -> usize {
        self.state().asked.iter().filter(|path| path.contains(":generate")).count()
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("held")
    }
}

/// Binds the proxy. Port 3307 is part of the protocol, so tests that run at the same time need
/// different addresses. Linux has sixteen million loopback addresses.
async fn door() -> (TcpListener, String) {
    for _ in 0..100 {
        let part = || fastrand::u8(1..255);
        let host = format!("127.{}.{}.{}", part(), part(), part());
        if let Ok(listener) = TcpListener::bind((host.as_str(), 3307)).await {
            return (listener, host);
        }
    }
    panic!("port 3307 is taken on a hundred addresses");
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if shared.state().api == Api::Reset {
                return reset(&stream);
            }
            let answer = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, hyper::Error>(shared.answer(request).await) }
            });
            let http = hyper::server::conn::http1::Builder::new();
            let _ = http.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// Resets a connection.
pub(crate) fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        self.state().asked.push(path.clone());
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let api = self.state().api;
        match api {
            Api::Fine => {}
            // A careless server repeats the request, with its tokens.
            Api::Status(status) => {
                let text = format!("{:?} {}", head.headers, String::from_utf8_lossy(&body));
                let errors = json!([{"reason": text.clone()}]);
                return said(status, &json!({"error": {"message": text, "errors": errors}}));
            }
            Api::Garbage => {
                let echo = [b"<html>".as_slice(), &body].concat();
                return Response::new(Full::from(Bytes::from(echo)));
            }
            Api::Reset => return std::future::pending().await,
        }
        let bearer = head.headers.get("authorization").and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("");
        if !self.api_tokens.check(bearer) {
            return said(401, &json!({"error": {"status": "UNAUTHENTICATED"}}));
        }
        let instance = "/sql/v1beta4/projects/project/instances/main";
        match (&head.method, path.strip_prefix(instance)) {
            (&Method::GET, Some("/connectSettings")) => said(200, &self.state().settings.clone()),
            (&Method::POST, Some(":generateEphemeralCert")) => self.certify(&body),
            _ => said(404, &json!({"error": {"errors": [{"reason": "instanceDoesNotExist"}]}})),
        }
    }

    fn certify(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let asked: Value = serde_json::from_slice(body).expect("JSON");
        let token = asked["access_token"].as_str().expect("a token to log in with").to_owned();
        let public = asked["public_key"].as_str().expect("a key");
        let public = SubjectPublicKeyInfoDer::from_pem_slice(public.as_bytes()).expect("a key");
        let lasts = self.state().lasts;
        let certificate = self.clients.client(&Public::of(&public), lasts);
        self.state().certificates.insert(certificate.der().to_vec(), token);
        said(200, &json!({"ephemeralCert": {"kind": "sql#sslCert", "cert": certificate.pem()}}))
    }

    /// Returns the token in a client certificate.
    pub(crate) fn token_of(&self, certificate: &CertificateDer<'_>) -> Option<String> {
        self.state().certificates.get(certificate.as_ref()).cloned()
    }
}

fn said(status: u16, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))
        .expect("valid")
}

/// The public key of a client.
struct Public(Vec<u8>);

impl Public {
    fn of(key: &SubjectPublicKeyInfoDer<'_>) -> Self {
        let key = SubjectPublicKeyInfoRef::from_der(key.as_ref()).expect("a key");
        Self(key.subject_public_key.raw_bytes().to_vec())
    }
}

impl rcgen::PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}
