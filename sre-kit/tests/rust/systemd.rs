//! systemd's protocols, with the sockets that it would use.

use std::io::Read;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use sre_kit::lifecycle::Lifecycle;
use sre_kit::metrics::Registry;
use sre_kit::server::{Listeners, RequestBody};

use crate::server::EVER;

/// The service: a process of its own, whose environment is systemd's.
#[test]
fn child() {
    if std::env::var_os("OF_SYSTEMD").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let lifecycle =
            Lifecycle::builder().with_env().expect("valid").build(&Registry::new()).expect("valid");
        let service = tower::service_fn(async |_: http::Request<RequestBody>| {
            Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from("hello"))))
        });
        let _report = match Listeners::from_systemd().expect("sockets that can be served") {
            Some(listeners) => lifecycle.serve(listeners, service).await,
            None => lifecycle.run().await,
        };
    });
}

struct Service(Child);

impl Service {
    /// Starts the service by a shell script that ends with it.
    fn start(script: &str, variables: &[(&str, &str)], stdin: Stdio) -> Self {
        let child = Command::new("sh")
            .args(["-c", &format!("{script} exec \"$0\" --exact systemd::child --nocapture")])
            .arg(std::env::current_exe().expect("known"))
            .envs(variables.iter().copied())
            .envs([("OF_SYSTEMD", "1"), ("SRE_KIT_DRAIN_DELAY", "0")])
            .stdin(stdin)
            .stdout(Stdio::null())
            .spawn();
        Self(child.expect("started"))
    }

    fn terminate(&self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_unit_is_told_that_it_is_ready_that_it_lives_and_that_it_stops() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(EVER)).expect("a timeout");
    let variables = [("NOTIFY_SOCKET", path.to_str().expect("text")), ("WATCHDOG_USEC", "100000")];
    let mut service = Service::start("", &variables, Stdio::null());
    let next = || {
        let mut buffer = [0; 256];
        let len = socket.recv(&mut buffer).expect("a notification");
        String::from_utf8_lossy(&buffer[..len]).trim().to_owned()
    };
    let until = |wanted: &str| (0..1_000).any(|_| next() == wanted);
    assert!(until("READY=1"));
    assert!(until("WATCHDOG=1") && until("WATCHDOG=1"), "it lives");
    service.terminate();
    assert!(until("STOPPING=1"));
    assert_eq!(service.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_socket_that_systemd_opened_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    // A client that came before the service was started.
    let mut early = std::net::TcpStream::connect(address).expect("the kernel takes it");
    early.set_read_timeout(Some(EVER)).expect("a timeout");
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    std::io::Write::write_all(&mut early, request).expect("written");
    let script = "exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1;";
    let mut service = Service::start(script, &[], Stdio::from(OwnedFd::from(listener)));
    let mut answer = String::new();
    early.read_to_string(&mut answer).expect("answered");
    assert!(answer.ends_with("hello"), "{answer}");
    service.terminate();
    assert_eq!(service.0.wait().expect("it ends").code(), Some(0));
    std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).expect_err("closed");
}
