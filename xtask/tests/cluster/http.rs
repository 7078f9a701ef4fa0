//! One request, to a pod or a Service.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// Status and body of an answer.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    (status.expect("a status"), body.to_owned())
}

/// The address of a pod.
pub(crate) fn ip(pod: &Value) -> String {
    pod["status"]["podIP"].as_str().expect("has an address").to_owned()
}
