//! As much HTTP as the tests need: one request to a pod or a Service, and a server
//! that pods reach.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use super::{HOST, setting};

/// Status and body of an answer.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    (status.expect("a status"), if chunked { joined(body) } else { body.to_owned() })
}

/// What chunks hold.
fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
        if size == 0 {
            break;
        }
        body.push_str(&rest[..size]);
        chunks = &rest[size + 2..];
    }
    body
}

/// The address of a pod.
pub(crate) fn ip(pod: &Value) -> String {
    pod["status"]["podIP"].as_str().expect("has an address").to_owned()
}

/// A server of the test's, until the value goes.
pub(crate) struct Served {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Served {
    /// Where pods reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Answers every request, one after another, by its path and its body.
pub(crate) fn serve(respond: impl Fn(&str, &str) -> String + Send + 'static) -> Served {
    // Up, and with it the address, if nothing before this has needed it.
    setting();
    let listener = TcpListener::bind((HOST, 0)).expect("the cluster's link is up");
    let address = listener.local_addr().expect("bound");
    let ended = Arc::new(AtomicBool::new(false));
    let stop = ended.clone();
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            // A client that goes away in the middle is its own affair.
            let _ = answer(&socket, &respond);
        }
    });
    Served { address, ended }
}

fn answer(socket: &TcpStream, respond: &impl Fn(&str, &str) -> String) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = first.split(' ').nth(1).unwrap_or_default();
    let text = respond(path, &String::from_utf8_lossy(&body));
    let length = text.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close";
    write!(&*socket, "{head}\r\nContent-Length: {length}\r\n\r\n{text}")
}

impl Drop for Served {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}
