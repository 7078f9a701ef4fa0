//! Who may ask the admin listener what, over real sockets.
//!
//! A client elsewhere is one whose socket is bound to 127.0.0.6, from which Istio's sidecar forwards
//! what any pod of the mesh sends.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::BodyExt;
use sre_kit::admin::{Admin, AdminBody, AdminBuilder, Page, RunningAdmin};
use sre_kit::metrics::{BuildInfo, Registry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UnixStream};

const TOKEN: &str = "a-token-for-these-tests";
const HERE: &str = "127.0.0.1";
const ELSEWHERE: &str = "127.0.0.6";
const PUBLIC: [&str; 6] = ["/livez", "/readyz", "/startupz", "/metrics", "/version", "/motd"];
const OTHERS: [&str; 4] = ["/", "/queue", "/drain", "/no-such-page"];

fn builder(address: &str) -> AdminBuilder {
    let page = |path| {
        Page::get(path, "A page.", |_| async { http::Response::new(AdminBody::from("here\n")) })
    };
    let drain = Page::post("/drain", "Drains.", |request| async {
        let Ok(_) = request.into_body().collect().await;
        http::Response::new(AdminBody::from("draining\n"))
    });
    Admin::builder()
        .listen(address)
        .build_info(BuildInfo::new("shop", "1"))
        .page(page("/queue"))
        .page(page("/motd").public())
        .page(drain)
}

async fn start(builder: AdminBuilder) -> (RunningAdmin, SocketAddr) {
    let admin = builder.build(&Registry::new()).expect("valid").start().await.expect("it listens");
    let port = admin.local_addr().expect("TCP").port();
    (admin, SocketAddr::from(([127, 0, 0, 1], port)))
}

/// Sends a request from the address `source`, and returns the head of the response in lower case.
async fn ask(source: &str, to: SocketAddr, line: &str, headers: &[(&str, &str)]) -> String {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{source}:0").parse().expect("valid")).expect("an address of this machine");
    talk(socket.connect(to).await.expect("it listens"), line, headers).await
}

async fn talk(
    mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin,
    line: &str,
    headers: &[(&str, &str)],
) -> String {
    let mut request = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
    if headers.iter().all(|(name, _)| *name != "host") {
        request.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response);
    tokio::time::timeout(Duration::from_mins(1), read).await.expect("an answer").expect("whole");
    let response = String::from_utf8_lossy(&response).to_lowercase();
    response.split("\r\n\r\n").next().expect("a head").to_owned()
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).expect("a status")
}

#[tokio::test]
async fn from_elsewhere_only_the_public_pages_are_read() {
    let (_admin, address) = start(builder("0.0.0.0:0")).await;
    for path in PUBLIC {
        let head = ask(ELSEWHERE, address, &format!("GET {path}"), &[]).await;
        assert_eq!(status(&head), "200", "{path}");
        assert!(head.contains("cross-origin-resource-policy: same-origin"), "{head}");
    }
    for line in OTHERS.map(|path| format!("GET {path}")).iter().chain([&"POST /drain".to_owned()]) {
        assert_eq!(status(&ask(ELSEWHERE, address, line, &[]).await), "403", "{line}");
    }
    for (line, expected) in [
        ("GET /", "200"),
        ("GET /queue", "200"),
        ("GET /no-such-page", "404"),
        ("POST /drain", "200"),
    ] {
        assert_eq!(status(&ask(HERE, address, line, &[]).await), expected, "{line}");
    }
}

#[tokio::test]
async fn the_token_opens_all_pages_to_a_client_elsewhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).expect("written");
    let (_admin, address) = start(builder("0.0.0.0:0").token_file(&file)).await;
    let bearer = format!("Bearer {TOKEN}");
    let with = [("authorization", bearer.as_str())];
    for (line, expected) in [
        ("GET /", "200"),
        ("GET /queue", "200"),
        ("GET /no-such-page", "404"),
        ("POST /drain", "200"),
    ] {
        assert_eq!(status(&ask(ELSEWHERE, address, line, &with).await), expected, "{line}");
        for wrong in
            [&[][..], &[("authorization", "Bearer another-token-of-16")], &[with[0], with[0]]]
        {
            let head = ask(ELSEWHERE, address, line, wrong).await;
            assert_eq!(status(&head), "401", "{line} {wrong:?}");
            assert!(head.contains("www-authenticate: bearer"), "{head}");
        }
    }
    let forwarded = [with[0], ("x-forwarded-for", "203.0.113.9")];
    assert_eq!(status(&ask(ELSEWHERE, address, "GET /queue", &forwarded).await), "200");
    assert_eq!(status(&ask(ELSEWHERE, address, "POST /drain", &forwarded).await), "403");
    assert_eq!(status(&ask(ELSEWHERE, address, "GET /livez", &[]).await), "200");
}

#[tokio::test]
async fn a_listener_that_is_open_is_read_by_everybody_and_changed_by_nobody_else() {
    let (_admin, address) = start(builder("0.0.0.0:0").open(true)).await;
    assert_eq!(status(&ask(ELSEWHERE, address, "GET /queue", &[]).await), "200");
    assert_eq!(status(&ask(ELSEWHERE, address, "POST /drain", &[]).await), "403");
    assert_eq!(status(&ask(HERE, address, "POST /drain", &[]).await), "200");
}

#[tokio::test]
async fn what_a_proxy_or_a_foreign_page_sent_from_here_changes_nothing() {
    let (_admin, address) = start(builder("0.0.0.0:0")).await;
    for header in [
        ("forwarded", "for=203.0.113.9"),
        ("via", "1.1 proxy"),
        ("x-real-ip", "203.0.113.9"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-proto", "https"),
    ] {
        assert_eq!(
            status(&ask(HERE, address, "POST /drain", &[header]).await),
            "403",
            "{header:?}"
        );
        assert_eq!(status(&ask(HERE, address, "GET /queue", &[header]).await), "403", "{header:?}");
        assert_eq!(status(&ask(HERE, address, "GET /livez", &[header]).await), "200", "{header:?}");
    }
    for (header, expected) in [
        (("sec-fetch-site", "cross-site"), "403"),
        (("sec-fetch-site", "same-site"), "403"),
        (("sec-fetch-site", "same-origin"), "200"),
        (("sec-fetch-site", "none"), "200"),
        (("origin", "https://evil.example"), "403"),
        (("origin", "null"), "403"),
        (("host", "evil.example"), "403"),
    ] {
        assert_eq!(
            status(&ask(HERE, address, "POST /drain", &[header]).await),
            expected,
            "{header:?}"
        );
    }
    // A pod's own name is not a loopback one: a scraper beside it is answered, a page is not read.
    let host = [("host", "10.0.0.7:9464")];
    assert_eq!(status(&ask(HERE, address, "GET /metrics", &host).await), "200");
    assert_eq!(status(&ask(HERE, address, "GET /queue", &host).await), "403");
}

#[tokio::test]
async fn on_a_loopback_address_a_request_for_another_host_is_misdirected() {
    let (_admin, address) = start(builder("127.0.0.1:0")).await;
    let paths = PUBLIC.iter().chain(&OTHERS).map(|path| format!("GET {path}"));
    for line in paths.chain(["HEAD /livez".to_owned(), "POST /drain".to_owned()]) {
        let head = ask(HERE, address, &line, &[("host", "evil.example")]).await;
        assert_eq!(status(&head), "421", "{line}");
        assert!(head.contains("cross-origin-resource-policy: same-origin"), "{head}");
    }
    for host in ["localhost", "LOCALHOST:9464", "127.0.0.1:9464", "[::1]"] {
        assert_eq!(
            status(&ask(HERE, address, "GET /queue", &[("host", host)]).await),
            "200",
            "{host}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_this_machine_and_leaves_no_file() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("admin.sock");
    let listen = format!("unix:{}", path.display());
    // The file that a killed process left is replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    let admin = builder(&listen).build(&Registry::new()).expect("valid").start().await;
    let admin = admin.expect("it listens");
    assert_eq!(admin.local_addr(), None);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o660);
    for line in ["GET /livez", "GET /queue", "POST /drain"] {
        let stream = UnixStream::connect(&path).await.expect("it listens");
        assert_eq!(status(&talk(stream, line, &[("host", "admin")]).await), "200", "{line}");
    }
    let stream = UnixStream::connect(&path).await.expect("it listens");
    let forwarded = [("x-forwarded-for", "203.0.113.9")];
    assert_eq!(status(&talk(stream, "POST /drain", &forwarded).await), "403");

    let second = builder(&listen).build(&Registry::new()).expect("valid").start().await;
    let error = second.expect_err("it is in use").to_string();
    assert!(error.contains("something listens there already"), "{error}");
    assert!(admin.shutdown(Duration::from_mins(1)).await.is_empty());
    assert!(!path.exists(), "the file is removed");
}

#[tokio::test]
async fn the_environment_sets_who_may_ask() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("token");
    fs::write(&file, TOKEN).expect("written");
    let file = file.to_str().expect("text");
    let admin = builder("127.0.0.1:0")
        .with_vars(|name| match name {
            "SRE_KIT_ADMIN" => Some("0.0.0.0:0".to_owned()),
            "SRE_KIT_ADMIN_TOKEN_FILE" => Some(file.to_owned()),
            _ => None,
        })
        .expect("valid");
    let (_admin, address) = start(admin).await;
    assert_eq!(status(&ask(ELSEWHERE, address, "GET /queue", &[]).await), "401");

    let open = |value: &str| {
        let value = value.to_owned();
        let lookup = move |name: &str| (name == "SRE_KIT_ADMIN_OPEN").then(|| value.clone());
        builder("0.0.0.0:0").with_vars(lookup)
    };
    let (_admin, address) = start(open("true").expect("valid")).await;
    assert_eq!(status(&ask(ELSEWHERE, address, "GET /queue", &[]).await), "200");
    assert_eq!(open("yes").expect_err("neither").field(), "SRE_KIT_ADMIN_OPEN");
}

#[test]
fn a_token_that_cannot_be_read_is_an_error_when_the_listener_is_built() {
    let built = builder("127.0.0.1:0").token_file("/nowhere/token").build(&Registry::new());
    let error = built.expect_err("there is none").to_string();
    assert!(error.starts_with("admin.token_file is \"/nowhere/token\", but"), "{error}");
}
