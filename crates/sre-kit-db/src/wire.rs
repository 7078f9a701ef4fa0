//! The messages of PostgreSQL's protocol that a login uses.
//!
//! See "Message Formats" in PostgreSQL's documentation, chapter 55.7.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// SSLRequest.
pub(crate) const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

const GSS_REQUEST: [u8; 4] = [0x04, 0xd2, 0x16, 0x30];
const CANCEL_REQUEST: [u8; 4] = [0x04, 0xd2, 0x16, 0x2e];

/// The longest first message that PostgreSQL accepts (`MAX_STARTUP_PACKET_LENGTH`).
const MAX_STARTUP: usize = 10_000;

/// The longest message of a login that is accepted.
const MAX_MESSAGE: usize = 64 * 1024;

/// The first message of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FirstMessage {
    /// SSLRequest or GSSENCRequest. Another first message follows the answer.
    Encryption,
    /// CancelRequest, for a statement of another connection.
    Cancel(Vec<u8>),
    /// StartupMessage, with its length.
    Startup(Vec<u8>),
}

pub(crate) async fn read_first(io: &mut (impl AsyncRead + Unpin)) -> io::Result<FirstMessage> {
    let length = io.read_u32().await? as usize;
    if !(8..=MAX_STARTUP).contains(&length) {
        return Err(malformed("its first message has no possible length"));
    }
    let mut message = Vec::with_capacity(length);
    message.extend_from_slice(&u32::try_from(length).unwrap_or_default().to_be_bytes());
    message.resize(length, 0);
    io.read_exact(&mut message[4..]).await?;
    Ok(match message[4..8] {
        ref code if *code == SSL_REQUEST[4..] || *code == GSS_REQUEST => FirstMessage::Encryption,
        ref code if *code == CANCEL_REQUEST => FirstMessage::Cancel(message),
        _ => FirstMessage::Startup(message),
    })
}

/// A message with its kind and its length.
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn kind(&self) -> u8 {
        self.bytes[0]
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[5..]
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads one message and no byte after it.
pub(crate) async fn read_message(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Message> {
    let kind = io.read_u8().await?;
    let length = io.read_u32().await? as usize;
    if !(4..=MAX_MESSAGE).contains(&length) {
        return Err(malformed("a message of the login has no possible length"));
    }
    let mut bytes = Vec::with_capacity(length + 1);
    bytes.push(kind);
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or_default().to_be_bytes());
    bytes.resize(length + 1, 0);
    io.read_exact(&mut bytes[5..]).await?;
    Ok(Message { bytes })
}

/// The authentication request of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthRequest {
    /// AuthenticationOk.
    Ok,
    /// AuthenticationCleartextPassword.
    CleartextPassword,
    /// A request that needs another response.
    Other,
    /// AuthenticationSASLFinal, which needs no response.
    SaslFinal,
}

/// Reads the body of an authentication request.
pub(crate) fn auth_request(body: &[u8]) -> io::Result<AuthRequest> {
    let code = body.first_chunk().ok_or_else(|| malformed("an authentication request is cut"))?;
    Ok(match u32::from_be_bytes(*code) {
        0 => AuthRequest::Ok,
        3 => AuthRequest::CleartextPassword,
        12 => AuthRequest::SaslFinal,
        _ => AuthRequest::Other,
    })
}

/// Returns the PasswordMessage that responds to [`AuthRequest::CleartextPassword`].
pub(crate) fn password(secret: &Secret) -> Zeroizing<Vec<u8>> {
    let text = secret.expose().as_bytes();
    let length = u32::try_from(text.len() + 5).unwrap_or(u32::MAX);
    let mut message = Zeroizing::new(Vec::with_capacity(text.len() + 6));
    message.push(b'p');
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(text);
    message.push(0);
    message
}

/// Returns the SQLSTATE and the message in the body of an ErrorResponse.
pub(crate) fn error_parts(body: &[u8]) -> (String, String) {
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

/// Returns a CancelRequest for the session with the body `key` of its BackendKeyData.
pub(crate) fn cancel(key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(key.len() + 8).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), &CANCEL_REQUEST, key].concat()
}

/// Returns an ErrorResponse that ends a login.
pub(crate) fn error(code: &str, text: &str) -> Vec<u8> {
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

/// Reads all messages of a login, from either side, as the bridge does. Returns their number.
///
/// It is here to be fuzzed.
///
/// # Errors
///
/// Returns an error if a message is cut or malformed.
pub fn read_login(bytes: &[u8]) -> io::Result<usize> {
    let reading = async {
        let mut first = bytes;
        // A server does not send a first message, and a client has no other.
        let _ = read_first(&mut first).await;
        let mut rest = bytes;
        let mut count = 0;
        while !rest.is_empty() {
            let message = read_message(&mut rest).await?;
            match message.kind() {
                b'R' => drop(auth_request(message.body())?),
                _ => drop(error_parts(message.body())),
            }
            count += 1;
        }
        Ok(count)
    };
    // Bytes in memory are there at once.
    futures_util::FutureExt::now_or_never(reading).unwrap_or(Ok(0))
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
    fn a_cancel_request_is_read_as_it_was_written() {
        let written = cancel(&[0, 0, 0, 1, 0, 0, 0, 2]);
        let first = block(read_first(&mut written.as_slice())).expect("whole");
        assert_eq!(first, FirstMessage::Cancel(written));
    }

    #[test]
    fn a_password_is_a_message_of_its_own() {
        let message = password(&Secret::from("abc".to_owned()));
        assert_eq!(message.as_slice(), b"p\0\0\0\x08abc\0");
    }

    #[test]
    fn the_first_message_is_known_by_its_code() {
        let first = |bytes: &[u8]| block(read_first(&mut &*bytes));
        assert_eq!(first(&SSL_REQUEST).expect("whole"), FirstMessage::Encryption);
        assert_eq!(first(b"\0\0\0\x08\x04\xd2\x16\x30").expect("whole"), FirstMessage::Encryption);
        let startup = b"\0\0\0\x0f\0\x03\0\0user\0a\0";
        assert_eq!(first(startup).expect("whole"), FirstMessage::Startup(startup.to_vec()));
        assert!(first(b"\xff\xff\xff\xff").is_err(), "longer than any");
        assert!(first(b"\0\0\0\x04").is_err(), "shorter than any");
        assert!(first(b"\0\0\0\x0f\0\x03").is_err(), "cut");
    }

    #[test]
    fn what_a_server_wants_is_read_from_its_code() {
        for (code, found) in [
            (0, AuthRequest::Ok),
            (3, AuthRequest::CleartextPassword),
            (5, AuthRequest::Other),
            (10, AuthRequest::Other),
            (11, AuthRequest::Other),
            (12, AuthRequest::SaslFinal),
        ] {
            assert_eq!(auth_request(&u32::to_be_bytes(code)).expect("whole"), found, "{code}");
        }
        assert!(auth_request(b"abc").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_take_much_room(bytes: Vec<u8>) {
            let _ = block(read_first(&mut bytes.as_slice()));
            if let Ok(message) = block(read_message(&mut bytes.as_slice())) {
                let _ = auth_request(message.body());
                let _ = error_parts(message.body());
            }
        }
    }
}
