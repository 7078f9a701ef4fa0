//! A client that sends one request after the other on each of its connections.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Runtime;

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

/// Opens `connections` and sends `warm_up` requests on each, then calls `begin`, sends `requests` on
/// each connection at the same time, and calls `end`.
///
/// # Errors
///
/// Returns an error if a connection, `begin` or `end` fails, or if a response is not the expected
/// one.
pub(super) fn run(
    address: SocketAddr,
    protocol: Protocol,
    connections: usize,
    [warm_up, requests]: [u64; 2],
    begin: impl FnOnce() -> io::Result<()>,
    end: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    // The clients and this thread meet after the warm-up, once the counting is on, after the
    // requests and once the counting is off. A client that fails meets the others as well.
    let barrier = Barrier::new(connections + 1);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    let client = Client::connect(address, protocol);
                    let warm = client.and_then(|mut client| {
                        client.send(warm_up)?;
                        Ok(client)
                    });
                    barrier.wait();
                    barrier.wait();
                    let sent = warm.and_then(|mut client| {
                        client.send(requests)?;
                        Ok(client)
                    });
                    barrier.wait();
                    barrier.wait();
                    sent.map(drop)
                })
            })
            .collect();
        barrier.wait();
        let begun = begin();
        barrier.wait();
        barrier.wait();
        let ended = end();
        barrier.wait();
        clients.into_iter().try_for_each(|client| {
            client.join().map_err(|_| io::Error::other("the client panicked"))?
        })?;
        begun.and(ended)
    })
}

/// One connection.
enum Client {
    Http1 { socket: TcpStream, reader: BufReader<TcpStream> },
    Http2 { runtime: Runtime, requests: SendRequest<Empty<Bytes>> },
}

impl Client {
    fn connect(address: SocketAddr, protocol: Protocol) -> io::Result<Self> {
        if protocol == Protocol::Http1 {
            let socket = TcpStream::connect(address)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            let reader = BufReader::new(socket.try_clone()?);
            return Ok(Self::Http1 { socket, reader });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let requests = runtime.block_on(async {
            let socket = tokio::net::TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
            let (requests, connection) = handshake.await.map_err(io::Error::other)?;
            tokio::spawn(connection);
            Ok::<_, io::Error>(requests)
        })?;
        Ok(Self::Http2 { runtime, requests })
    }

    fn send(&mut self, count: u64) -> io::Result<()> {
        match self {
            Self::Http1 { socket, reader } => send_http1(socket, reader, count),
            Self::Http2 { runtime, requests } => runtime.block_on(send_http2(requests, count)),
        }
    }
}

fn send_http1(
    socket: &mut TcpStream,
    reader: &mut BufReader<TcpStream>,
    count: u64,
) -> io::Result<()> {
    let mut line = String::new();
    for _ in 0..count {
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

async fn send_http2(client: &mut SendRequest<Empty<Bytes>>, count: u64) -> io::Result<()> {
    for _ in 0..count {
        let request = http::Request::get("http://127.0.0.1/hello")
            .body(Empty::new())
            .map_err(io::Error::other)?;
        let sent = tokio::time::timeout(PATIENCE, client.send_request(request)).await?;
        let response = sent.map_err(io::Error::other)?;
        check(response.status() == http::StatusCode::OK, response.status().as_str())?;
        let body = response.into_body().collect().await.map_err(io::Error::other)?;
        check(body.to_bytes() == "hello world", "another body")?;
    }
    Ok(())
}

fn check(is_expected: bool, received: &str) -> io::Result<()> {
    if is_expected { Ok(()) } else { Err(io::Error::other(format!("received {received:?}"))) }
}
