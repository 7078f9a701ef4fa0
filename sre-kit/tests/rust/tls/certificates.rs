//! The certificate files: how they are replaced, and which are refused.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use sre_kit::server::ServerTls;

use super::{Authority, connect, get, start_tls};
use crate::server::soon;

const RELOADS: &str = "sre_kit_http_server_tls_reloads_total{listener=\"main\",result=";

#[tokio::test]
async fn new_files_are_used_for_new_connections_and_bad_ones_are_not() {
    let authority = Authority::new();
    let first = authority.write();
    let fixture = start_tls(authority.server()).await;
    assert_eq!(shown_certificate(&authority, fixture.addr).await, first);
    let open = connect(&authority.client(&[], false), fixture.addr).await.expect("a handshake");

    let second = authority.write();
    assert_ne!(first, second);
    let rotated = async { while shown_certificate(&authority, fixture.addr).await != second {} };
    soon(rotated).await;
    assert!(fixture.metric(&format!("{RELOADS}\"ok\"}}")) > 0);

    fs::write(authority.path("tls.crt"), "no certificate").expect("written");
    fixture.until(|f| f.metric(&format!("{RELOADS}\"error\"}}")) == 1).await;
    assert_eq!(shown_certificate(&authority, fixture.addr).await, second);
    let response = get(open, "/").await.expect("an open connection goes on");
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

/// Returns the certificate that the server shows to a new connection.
async fn shown_certificate(authority: &Authority, address: SocketAddr) -> Vec<u8> {
    let stream = connect(&authority.client(&[], false), address).await.expect("a handshake");
    let chain: &[CertificateDer<'_>] = stream.get_ref().1.peer_certificates().expect("a chain");
    chain[0].to_vec()
}

#[tokio::test]
async fn with_an_authority_clients_need_a_certificate() {
    let authority = Authority::new();
    authority.write();
    let tls = authority.server().client_ca_file(authority.path("ca.crt"));
    let fixture = start_tls(tls.clone()).await;
    let with = authority.client(&[], true);
    let stream = connect(&with, fixture.addr).await.expect("a handshake");
    let response = get(stream, "/tls").await.expect("an answer");
    assert!(response.ends_with("certificate=true"), "{response}");

    let refused = async {
        let stream = connect(&authority.client(&[], false), fixture.addr).await?;
        get(stream, "/tls").await
    };
    refused.await.expect_err("a client without a certificate");
    fixture.until(|f| f.errors("tls_handshake") == 1).await;

    let fixture = start_tls(tls.client_cert_optional(true)).await;
    let stream = connect(&authority.client(&[], false), fixture.addr).await.expect("optional");
    assert!(get(stream, "/tls").await.expect("an answer").ends_with("certificate=false"));
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
