//! A client that sends one request after the other on each of its connections.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

/// How the client speaks to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 with keep-alive.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

/// Under callgrind a request takes about fifty times as long as it does otherwise.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends `requests` on each of `connections` at the same time, and reads the responses.
///
/// # Errors
///
/// Returns an error if a connection fails or if a response is not the expected one.
pub(super) fn run(
    address: SocketAddr,
    protocol: Protocol,
    connections: usize,
    requests: u64,
) -> io::Result<()> {
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            thread::spawn(move || match protocol {
                Protocol::Http1 => http1(address, requests),
                Protocol::Http2 => http2(address, requests),
            })
        })
        .collect();
    clients.into_iter().try_for_each(|client| {
        client.join().map_err(|_| io::Error::other("the client panicked"))?
    })
}

fn http1(address: SocketAddr, requests: u64) -> io::Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut line = String::new();
    for _ in 0..requests {
        socket.write_all(b"GET /hello HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\n\r\n")?;
        line.clear();
        reader.read_line(&mut line)?;
        check(line.starts_with("HTTP/1.1 200 "), &line)?;
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line)?;
        }
        let mut body = [0; 11];
        reader.read_exact(&mut body)?;
        check(&body == b"hello world", "another body")?;
    }
    Ok(())
}

fn http2(address: SocketAddr, requests: u64) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
        let (mut client, connection) = handshake.await.map_err(io::Error::other)?;
        let connection = tokio::spawn(connection);
        for _ in 0..requests {
            let request = http::Request::get("http://127.0.0.1/hello")
                .body(Empty::<Bytes>::new())
                .map_err(io::Error::other)?;
            let sent = tokio::time::timeout(PATIENCE, client.send_request(request)).await?;
            let response = sent.map_err(io::Error::other)?;
            check(response.status() == http::StatusCode::OK, response.status().as_str())?;
            let body = response.into_body().collect().await.map_err(io::Error::other)?;
            check(body.to_bytes() == "hello world", "another body")?;
        }
        drop(client);
        let _ = connection.await;
        Ok(())
    })
}

fn check(is_expected: bool, received: &str) -> io::Result<()> {
    if is_expected { Ok(()) } else { Err(io::Error::other(format!("received {received:?}"))) }
}
