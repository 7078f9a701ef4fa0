//! As much HTTP as the tests need: one request to a pod or a Service, and a server
//! that pods reach.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use super::{HOST, setting};
use crate::serve::{Served, serve_on};

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

/// Answers every request, one after another, by its path and its body.
pub(crate) fn serve(respond: impl Fn(&str, &str) -> String + Send + 'static) -> Served {
    // Up, and with it the address, if nothing before this has needed it.
    setting();
    let listener = TcpListener::bind((HOST, 0)).expect("the cluster's link is up");
    serve_on(listener, move |path, body| ("200 OK", respond(path, body)))
}
