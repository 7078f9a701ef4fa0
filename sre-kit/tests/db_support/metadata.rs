//! A fake of Google's metadata server, with the failures that the real one is known for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::tokens::Tokens;

/// The behaviour of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Fine,
    Status(u16),
    /// Returns this status once, and then works.
    Once(u16),
    Hang,
    Garbage,
}

pub(crate) struct Metadata {
    pub(crate) url: String,
    mood: Arc<Mutex<Mood>>,
    _task: AbortOnDropHandle<()>,
}

impl Metadata {
    /// Starts a server whose tokens are valid for `lasts` seconds.
    pub(crate) async fn start(tokens: Tokens, lasts: u64, mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let mood = Arc::new(Mutex::new(mood));
        let current = Arc::clone(&mood);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (tokens, mood) = (tokens.clone(), Arc::clone(&current));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await.ok()?);
                    }
                    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
                    assert!(head.contains("metadata-flavor: google"), "{head}");
                    assert!(head.contains("/instance/service-accounts/default/"), "{head}");
                    let mood = {
                        let mut held = mood.lock().expect("held");
                        let mood = *held;
                        if let Mood::Once(_) = mood {
                            *held = Mood::Fine;
                        }
                        mood
                    };
                    let (status, body) = match mood {
                        Mood::Fine => {
                            let token = tokens.issue(Duration::from_secs(lasts));
                            let text = format!(
                                r#"{{"access_token":"{token}","expires_in":{lasts},"token_type":"Bearer"}}"#
                            );
                            (200, text)
                        }
                        Mood::Status(status) | Mood::Once(status) => (status, "no".to_owned()),
                        Mood::Garbage => (200, "<html>sesame</html>".to_owned()),
                        Mood::Hang => return std::future::pending().await,
                    };
                    let reply = format!(
                        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\
                         metadata-flavor: Google\r\nconnection: close\r\n\
                         content-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    stream.write_all(reply.as_bytes()).await.ok()
                });
            }
        });
        Self { url, mood, _task: AbortOnDropHandle::new(task) }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().expect("held") = mood;
    }
}
