//! As much of an HTTP server as the tests need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A server of the test's, until the value goes.
pub(crate) struct Served {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Served {
    /// Where clients reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Answers every request to a listener, one after another, with a status and a text by its path and
/// its body.
pub(crate) fn serve_on(
    listener: TcpListener,
    respond: impl Fn(&str, &str) -> (&'static str, String) + Send + 'static,
) -> Served {
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

fn answer(
    socket: &TcpStream,
    respond: &impl Fn(&str, &str) -> (&'static str, String),
) -> std::io::Result<()> {
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
    let (status, text) = respond(path, &String::from_utf8_lossy(&body));
    let length = text.len();
    let head = "Content-Type: text/plain; version=0.0.4\r\nConnection: close";
    write!(&*socket, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{text}")
}

impl Drop for Served {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}
