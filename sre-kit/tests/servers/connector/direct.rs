//! The connector without a pool: a client speaks PostgreSQL's protocol over its stream.

use std::error::Error;

use sre_kit::db::connector::{
    Connector, ConnectorBuilder, ConnectorErrorKind, ConnectorStream, IpKind,
};
use sre_kit::db::{DbMetrics, TokenError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::cloud_sql::Api;
use super::{HOUR, Ordering, Rig, until};
use crate::db_support::tokens::Source;

const INSTANCE: &str = "project:europe-west1:main";
const ACCOUNT: &str = "shop@project.iam.gserviceaccount.com";

impl Rig {
    fn connector(&self) -> ConnectorBuilder {
        Connector::builder()
            .instance(INSTANCE)
            .user(ACCOUNT)
            .sqladmin_endpoint(&self.cloud.endpoint)
            .sqladmin_token_source(Source::new(&self.cloud.shared.api_tokens, HOUR))
            .token_source(Source::new(&self.tokens, HOUR))
    }

    fn build(&self, builder: ConnectorBuilder) -> Connector {
        builder.build(&DbMetrics::new(&self.registry).expect("free")).expect("valid")
    }
}

/// Reads messages until one of the kind `last`. Returns the bodies of those of the kind `wanted`.
async fn read_until(
    stream: &mut (impl AsyncRead + Unpin),
    wanted: u8,
    last: u8,
) -> std::io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    loop {
        let kind = stream.read_u8().await?;
        let length = stream.read_u32().await? as usize;
        let mut body = vec![0; length - 4];
        stream.read_exact(&mut body).await?;
        assert_ne!(kind, b'E', "{}", String::from_utf8_lossy(&body));
        if kind == wanted {
            found.push(body);
        }
        if kind == last {
            return Ok(found);
        }
    }
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    kind: Option<u8>,
    body: &[u8],
) -> std::io::Result<()> {
    let length = u32::try_from(body.len() + 4).expect("short");
    let head: Vec<u8> = kind.into_iter().chain(length.to_be_bytes()).collect();
    stream.write_all(&[&head, body].concat()).await?;
    stream.flush().await
}

/// Logs in without a password, and returns the user that the server sees.
async fn current_user(mut stream: ConnectorStream) -> std::io::Result<String> {
    let user = stream.login().user().to_owned();
    let startup = [b"\0\x03\0\0user\0", user.as_bytes(), b"\0database\0shop\0\0"].concat();
    send(&mut stream, None, &startup).await?;
    let requests = read_until(&mut stream, b'R', b'Z').await?;
    assert_eq!(requests, [[0, 0, 0, 0]], "AuthenticationOk, and no request for a password");
    send(&mut stream, Some(b'Q'), b"SELECT current_user::text\0").await?;
    let rows = read_until(&mut stream, b'D', b'Z').await?;
    // A DataRow: the number of columns, and the length of the first one.
    let row = rows.first().expect("a row");
    Ok(String::from_utf8(row[6..].to_vec()).expect("UTF-8"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_client_logs_in_over_the_stream_with_no_password() {
    let rig = Rig::new().await;
    let connector = rig.build(rig.connector());
    for _ in 0..3 {
        let stream = connector.connect().await.expect("connects");
        assert_eq!(stream.login().user(), "shop@project.iam");
        assert_eq!(current_user(stream).await.expect("answers"), "shop@project.iam");
    }
    assert!(connector.is_healthy());
    assert_eq!(rig.cloud.certificates(), 1, "the connections share a certificate");
    let pool = "db_client_connection_pool_name=\"main\"";
    assert!(rig.metric("sre_kit_db_dial_duration_seconds_count", &[pool, "phase=\"tls\""]) > 2.5);
    let expiry = rig.metric("sre_kit_db_cert_expiry_seconds", &[pool]);
    assert!((3_000.0..=3_600.0).contains(&expiry), "{expiry}");
    assert!(rig.metric("sre_kit_db_auth_token_age_seconds", &[pool]) > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_rejected_certificate_or_token_is_reported_and_replaced() {
    let rig = Rig::new().await;
    let connector = rig.build(rig.connector());
    drop(connector.connect().await.expect("connects"));
    rig.cloud.state().certificates.clear();
    // The handshake succeeds: in TLS 1.3 the client is done before the server has checked.
    let stream = connector.connect().await.expect("connects");
    let login = stream.login().clone();
    current_user(stream).await.expect_err("the certificate is revoked");
    assert!(connector.certificate_rejected(&login).await, "there is a newer one");
    let stream = connector.connect().await.expect("connects");
    assert_ne!(*stream.login(), login, "another certificate");
    let login = stream.login().clone();
    assert_eq!(current_user(stream).await.expect("answers"), "shop@project.iam");

    rig.tokens.revoke_all();
    assert!(connector.token_rejected(&login).await, "there is a certificate with a newer token");
    let stream = connector.connect().await.expect("connects");
    assert_eq!(current_user(stream).await.expect("answers"), "shop@project.iam");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_new_ca_is_found_within_the_connect_and_a_wrong_server_is_refused() {
    let rig = Rig::new().await;
    let connector = rig.build(rig.connector());
    drop(connector.connect().await.expect("connects"));
    rig.cloud.show("project:main", &[], false);
    let stream = connector.connect().await.expect("finds the new CA");
    assert_eq!(current_user(stream).await.expect("answers"), "shop@project.iam");
    rig.cloud.show("project:other", &[], false);
    let refused = connector.connect().await.expect_err("it is another server");
    assert_eq!(refused.kind(), ConnectorErrorKind::Tls, "{refused}");
    assert!(refused.is_permanent(), "{refused:?}");
    assert!(refused.to_string().contains("its common name is project:other"), "{refused}");
    let source = refused.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    assert!(source.is_some(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn each_part_that_fails_has_its_kind_of_error() {
    let rig = Rig::new().await;
    let metrics = DbMetrics::new(&rig.registry).expect("free");
    let fail = async |builder: ConnectorBuilder, kind: ConnectorErrorKind, is_permanent: bool| {
        let connector = builder.build(&metrics).expect("valid");
        let refused = connector.connect().await.expect_err("it fails");
        assert_eq!((refused.kind(), refused.is_permanent()), (kind, is_permanent), "{refused}");
        assert!(!format!("{refused} {refused:?} {connector:?}").contains("sesame"), "{refused}");
        connector.is_healthy()
    };
    let elsewhere = rig.connector().instance("project:us-east1:main");
    assert!(!fail(elsewhere, ConnectorErrorKind::Instance, true).await);
    rig.cloud.state().settings["pscEnabled"] = false.into();
    let psc = rig.connector().ip_kind(IpKind::Psc);
    assert!(!fail(psc, ConnectorErrorKind::Instance, true).await);
    rig.cloud.state().settings["ipAddresses"][1]["ipAddress"] = "127.0.0.1".into();
    let has_credentials = fail(rig.connector(), ConnectorErrorKind::Unreachable, false).await;
    assert!(has_credentials, "they are healthy");
    rig.cloud.state().api = Api::Status(403);
    assert!(!fail(rig.connector(), ConnectorErrorKind::AdminApi, false).await);

    let source = Source::new(&rig.tokens, HOUR);
    source.broken.store(true, Ordering::SeqCst);
    let connector = rig.connector().token_source(source).build(&metrics).expect("valid");
    let mut last = None;
    // Until the first failure is known, a connect may time out.
    until("the source is blamed", async || {
        let refused = connector.connect().await.expect_err("there is no token");
        let is_known = refused.kind() == ConnectorErrorKind::Credentials;
        last = Some(refused);
        is_known
    })
    .await;
    let last = last.expect("an error");
    let source = last.source().and_then(|source| source.downcast_ref::<TokenError>());
    assert!(source.is_some_and(|source| source.to_string().contains("IAM is away")), "{last:?}");
}

#[tokio::test]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_connector_without_an_instance_or_a_user_is_refused() {
    let registry = sre_kit::metrics::Registry::new();
    let metrics = DbMetrics::new(&registry).expect("free");
    for (builder, field) in [
        (Connector::builder().user(ACCOUNT), "connector.instance"),
        (Connector::builder().user(ACCOUNT).instance("project:main"), "connector.instance"),
        (Connector::builder().instance(INSTANCE), "connector.user"),
        (Connector::builder().instance(INSTANCE).user(ACCOUNT).name(""), "connector.name"),
        (
            Connector::builder().instance(INSTANCE).user(ACCOUNT).server_name("not a name"),
            "connector.server_name",
        ),
        (
            Connector::builder()
                .instance(INSTANCE)
                .user(ACCOUNT)
                .sqladmin_endpoint("http://sqladmin.example.com"),
            "connector.sqladmin_endpoint",
        ),
    ] {
        assert_eq!(builder.build(&metrics).expect_err(field).field(), field);
    }
}
