//! As much of PostgreSQL's protocol as a login needs.
//!
//! See "Message Formats" in PostgreSQL's documentation, chapter 55.7.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use crate::Secret;

/// A client asks for TLS.
pub(crate) const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

const GSS_REQUEST: [u8; 4] = [0x04, 0xd2, 0x16, 0x30];
const CANCEL_REQUEST: [u8; 4] = [0x04, 0xd2, 0x16, 0x2e];

/// PostgreSQL itself takes no longer first message (`MAX_STARTUP_PACKET_LENGTH`).
const LONGEST_STARTUP: usize = 10_000;

/// No message of a login is longer.
const LONGEST: usize = 64 * 1024;

/// What a client sends first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    /// Asks for encryption, and asks something else after the answer.
    Encryption,
    /// Wants a statement of another connection ended.
    Cancel(Vec<u8>),
    /// Wants to log in: the whole message, with its length.
    Startup(Vec<u8>),
}

pub(super) async fn read_first(io: &mut (impl AsyncRead + Unpin)) -> io::Result<First> {
    let length = io.read_u32().await? as usize;
    if !(8..=LONGEST_STARTUP).contains(&length) {
        return Err(malformed("its first message has no possible length"));
    }
    let mut message = Vec::with_capacity(length);
    message.extend_from_slice(&u32::try_from(length).unwrap_or_default().to_be_bytes());
    message.resize(length, 0);
    io.read_exact(&mut message[4..]).await?;
    Ok(match message[4..8] {
        ref code if *code == SSL_REQUEST[4..] || *code == GSS_REQUEST => First::Encryption,
        ref code if *code == CANCEL_REQUEST => First::Cancel(message),
        _ => First::Startup(message),
    })
}

/// A message with a kind: the whole of it, kind and length included.
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(super) fn kind(&self) -> u8 {
        self.bytes[0]
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[5..]
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads one message and not a byte more.
pub(super) async fn read_message(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Message> {
    let kind = io.read_u8().await?;
    let length = io.read_u32().await? as usize;
    if !(4..=LONGEST).contains(&length) {
        return Err(malformed("a message of the login has no possible length"));
    }
    let mut bytes = Vec::with_capacity(length + 1);
    bytes.push(kind);
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or_default().to_be_bytes());
    bytes.resize(length + 1, 0);
    io.read_exact(&mut bytes[5..]).await?;
    Ok(Message { bytes })
}

/// What a server wants of whoever logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Nothing more: logged in.
    Nothing,
    /// The password as it is.
    Cleartext,
    /// An answer of some other kind.
    Answer,
    /// It only tells something, and goes on.
    Listening,
}

/// Reads the body of an authentication request.
pub(super) fn wants(body: &[u8]) -> io::Result<Wants> {
    let code = body.first_chunk().ok_or_else(|| malformed("an authentication request is cut"))?;
    Ok(match u32::from_be_bytes(*code) {
        0 => Wants::Nothing,
        3 => Wants::Cleartext,
        12 => Wants::Listening,
        _ => Wants::Answer,
    })
}

/// The answer to [`Wants::Cleartext`].
pub(super) fn password(secret: &Secret) -> Zeroizing<Vec<u8>> {
    let text = secret.expose().as_bytes();
    let length = u32::try_from(text.len() + 5).unwrap_or(u32::MAX);
    let mut message = Zeroizing::new(Vec::with_capacity(text.len() + 6));
    message.push(b'p');
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(text);
    message.push(0);
    message
}

/// The SQLSTATE and the text in the body of an ErrorResponse.
pub(super) fn error_parts(body: &[u8]) -> (String, String) {
    let (mut code, mut text) = (String::new(), String::new());
    for field in body.split(|byte| *byte == 0) {
        let Some((kind, value)) = field.split_first() else { break };
        let value = String::from_utf8_lossy(value).into_owned();
        match kind {
            b'C' => code = value,
            b'M' => text = value,
            _ => {}
        }
    }
    (code, text)
}

/// An ErrorResponse that ends a login.
pub(super) fn error(code: &str, text: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', code), (b'M', text)] {
        body.push(kind);
        body.extend(value.bytes().filter(|byte| *byte != 0));
        body.push(0);
    }
    body.push(0);
    let mut message = vec![b'E'];
    message.extend_from_slice(&u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes());
    message.extend_from_slice(&body);
    message
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block<T>(future: impl Future<Output = T>) -> T {
        tokio_test::block_on(future)
    }

    #[test]
    fn an_error_is_read_as_it_was_written() {
        let written = error("57P03", "no\0thing");
        let message = block(read_message(&mut written.as_slice())).expect("whole");
        assert_eq!((message.kind(), message.bytes()), (b'E', written.as_slice()));
        assert_eq!(error_parts(message.body()), ("57P03".to_owned(), "nothing".to_owned()));
    }

    #[test]
    fn a_password_is_a_message_of_its_own() {
        let message = password(&Secret::from("abc".to_owned()));
        assert_eq!(message.as_slice(), b"p\0\0\0\x08abc\0");
    }

    #[test]
    fn the_first_message_is_known_by_its_code() {
        let first = |bytes: &[u8]| block(read_first(&mut &*bytes));
        assert_eq!(first(&SSL_REQUEST).expect("whole"), First::Encryption);
        assert_eq!(first(b"\0\0\0\x08\x04\xd2\x16\x30").expect("whole"), First::Encryption);
        let startup = b"\0\0\0\x0f\0\x03\0\0user\0a\0";
        assert_eq!(first(startup).expect("whole"), First::Startup(startup.to_vec()));
        assert!(first(b"\xff\xff\xff\xff").is_err(), "longer than any");
        assert!(first(b"\0\0\0\x04").is_err(), "shorter than any");
        assert!(first(b"\0\0\0\x0f\0\x03").is_err(), "cut");
    }

    #[test]
    fn what_a_server_wants_is_read_from_its_code() {
        for (code, found) in [
            (0, Wants::Nothing),
            (3, Wants::Cleartext),
            (5, Wants::Answer),
            (10, Wants::Answer),
            (11, Wants::Answer),
            (12, Wants::Listening),
        ] {
            assert_eq!(wants(&u32::to_be_bytes(code)).expect("whole"), found, "{code}");
        }
        assert!(wants(b"abc").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_take_much_room(bytes: Vec<u8>) {
            let _ = block(read_first(&mut bytes.as_slice()));
            if let Ok(message) = block(read_message(&mut bytes.as_slice())) {
                let _ = wants(message.body());
                let _ = error_parts(message.body());
            }
        }
    }
}
