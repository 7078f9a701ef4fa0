//! What Slack, PagerDuty, Opsgenie, a webhook and an SMTP server take in, on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::http::answer;

/// One notification as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    /// The path with its query, or `smtp`.
    pub(crate) to: String,
    /// The value of the header `authorization`, or the lines of the login.
    pub(crate) authorization: String,
    pub(crate) body: String,
}

#[derive(Clone, Default)]
pub(crate) struct Sinks(Arc<Mutex<Vec<Notification>>>);

impl Sinks {
    /// Opens the sinks. Returns the addresses of HTTP and of SMTP.
    pub(crate) async fn open() -> (Self, SocketAddr, SocketAddr) {
        let sinks = Self::default();
        let filled = sinks.clone();
        let web = answer(move |request| {
            let filled = filled.clone();
            async move {
                let to = request.uri().path_and_query().expect("a path").to_string();
                let authorization = request.headers().get("authorization");
                let authorization =
                    authorization.map_or("", |value| value.to_str().expect("text")).to_owned();
                let body = request.into_body().collect().await.expect("a body").to_bytes();
                let body = String::from_utf8(body.to_vec()).expect("text");
                let events = to.starts_with("/pagerduty");
                filled.add(Notification { to, authorization, body });
                // PagerDuty answers 202 to an event.
                let mut response = Response::new(Full::from("ok"));
                if events {
                    *response.status_mut() = StatusCode::ACCEPTED;
                }
                response
            }
        })
        .await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let mail = listener.local_addr().expect("has an address");
        let filled = sinks.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let filled = filled.clone();
                // A client that leaves early has sent no notification.
                tokio::spawn(async move { take_mail(stream, &filled).await.ok() });
            }
        });
        (sinks, web, mail)
    }

    fn add(&self, notification: Notification) {
        self.0.lock().expect("no panic").push(notification);
    }

    /// Returns what arrived at addresses that begin with `to`.
    pub(crate) fn at(&self, to: &str) -> Vec<Notification> {
        let all = self.0.lock().expect("no panic");
        all.iter().filter(|notification| notification.to.starts_with(to)).cloned().collect()
    }
}

/// Speaks SMTP as a server with the login CRAM-MD5, PLAIN or none.
async fn take_mail(stream: TcpStream, sinks: &Sinks) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink\r\n").await?;
    let mut authorization = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end();
        if command.starts_with("EHLO") {
            stream.write_all(b"250-sink\r\n250 AUTH PLAIN\r\n").await?;
        } else if let Some(login) = command.strip_prefix("AUTH ") {
            login.clone_into(&mut authorization);
            stream.write_all(b"235 welcome\r\n").await?;
        } else if command == "DATA" {
            stream.write_all(b"354 go on\r\n").await?;
            let mut body = String::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
                if line == ".\r\n" {
                    break;
                }
                body.push_str(&line);
            }
            let authorization = authorization.clone();
            sinks.add(Notification { to: "smtp".to_owned(), authorization, body });
            stream.write_all(b"250 kept\r\n").await?;
        } else if command == "QUIT" {
            return stream.write_all(b"221 bye\r\n").await;
        } else {
            stream.write_all(b"250 ok\r\n").await?;
        }
    }
}
