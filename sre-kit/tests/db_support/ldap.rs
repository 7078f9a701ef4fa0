//! The part of LDAP that PostgreSQL uses: a simple bind (RFC 4511 §4.2). It succeeds if the
//! password is a valid token.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::tokens::Tokens;

pub(crate) struct Ldap {
    pub(crate) port: u16,
    _task: AbortOnDropHandle<()>,
}

impl Ldap {
    pub(crate) async fn start(tokens: Tokens) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, tokens.clone()));
            }
        });
        Self { port, _task: AbortOnDropHandle::new(task) }
    }
}

async fn serve(mut stream: TcpStream, tokens: Tokens) -> Option<()> {
    loop {
        let (tag, message) = element(&mut stream).await?;
        assert_eq!(tag, 0x30, "an LDAP message is a sequence");
        let (_, id, rest) = split(&message)?;
        let (operation, body, _) = split(rest)?;
        if operation != 0x60 {
            // Unbind, or an operation that is not supported.
            return None;
        }
        let (_, _version, rest) = split(body)?;
        let (_, name, rest) = split(rest)?;
        let (_, password, _) = split(rest)?;
        let fine =
            name == b"uid=shop@project.iam" && tokens.ask(&String::from_utf8_lossy(password)).await;
        // invalidCredentials is 49.
        let result = [0x0a, 1, if fine { 0 } else { 49 }, 0x04, 0, 0x04, 0];
        let mut inner = vec![0x02, u8::try_from(id.len()).ok()?];
        inner.extend_from_slice(id);
        inner.extend_from_slice(&[0x61, u8::try_from(result.len()).ok()?]);
        inner.extend_from_slice(&result);
        let mut reply = vec![0x30, u8::try_from(inner.len()).ok()?];
        reply.extend_from_slice(&inner);
        stream.write_all(&reply).await.ok()?;
    }
}

async fn element(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let tag = stream.read_u8().await.ok()?;
    let mut length = usize::from(stream.read_u8().await.ok()?);
    if length >= 0x80 {
        let bytes = length & 0x7f;
        length = 0;
        for _ in 0..bytes {
            length = length << 8 | usize::from(stream.read_u8().await.ok()?);
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((tag, body))
}

/// Returns the tag, the content and the rest.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let (long, after) = rest.split_at_checked(length & 0x7f)?;
        length = long.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}
