//! The login at the server.

use std::io;

use tokio::io::AsyncWriteExt;

use super::endpoint::LocalStream;
use super::login_failure::LoginFailure;
use crate::dialer::{AuthResponse, ServerIo};
use crate::transport::{DialError, DialErrorKind};
use crate::wire::{self, AuthRequest};

/// What the server tells a session at its login.
pub(super) struct Authenticated {
    /// The body of BackendKeyData, which a CancelRequest repeats.
    pub(super) key: Vec<u8>,
    /// The transaction status of ReadyForQuery.
    pub(super) status: u8,
}

/// The most bytes that may follow the authentication. PostgreSQL sends less than 1 KiB.
const MAX_PARAMETERS: usize = 256 * 1024;

/// Logs in, up to the server's ReadyForQuery, and forwards to the client what it has to see.
///
/// AuthenticationOk is not the end: the server reports that it has no room for another connection,
/// or no such database, after it.
pub(super) async fn authenticate(
    client: &mut LocalStream,
    server: &mut Box<dyn ServerIo>,
    startup: &[u8],
    response: &AuthResponse,
) -> Result<Authenticated, LoginFailure> {
    let lost = |error: io::Error| {
        let what = "the server broke off the login";
        LoginFailure::Failed(DialError::io(DialErrorKind::Unreachable, what, error))
    };
    let abandoned = |_: io::Error| LoginFailure::Abandoned;
    server.write_all(startup).await.map_err(lost)?;
    server.flush().await.map_err(lost)?;
    // A dozen small messages follow the authentication. They are forwarded in one write.
    let mut authenticated: Option<Vec<u8>> = None;
    let mut key = Vec::new();
    loop {
        let message = wire::read_message(server).await.map_err(lost)?;
        if let Some(forwarded) = &mut authenticated
            && message.kind() != b'E'
        {
            if forwarded.len() + message.bytes().len() > MAX_PARAMETERS {
                let message = "the server sends endless parameters at the login";
                let error = DialError::new(DialErrorKind::Login, "protocol", message);
                return Err(error.into());
            }
            forwarded.extend_from_slice(message.bytes());
            match message.kind() {
                b'K' => key = message.body().to_vec(),
                b'Z' => {
                    client.write_all(forwarded).await.map_err(abandoned)?;
                    let status = message.body().first().copied().unwrap_or(b'I');
                    return Ok(Authenticated { key, status });
                }
                _ => {}
            }
            continue;
        }
        match message.kind() {
            b'E' => {
                let (code, text) = wire::error_parts(message.body());
                // After the authentication the token cannot be the reason.
                let generation = response.generation().filter(|_| authenticated.is_none());
                let message = message.bytes().to_vec();
                return Err(LoginFailure::Denied { message, code, text, generation });
            }
            b'R' => match (wire::auth_request(message.body()).map_err(lost)?, response) {
                (AuthRequest::Ok, _) => authenticated = Some(message.bytes().to_vec()),
                (AuthRequest::CleartextPassword, AuthResponse::Token(token)) => {
                    server.write_all(&wire::password(&token.secret)).await.map_err(lost)?;
                    server.flush().await.map_err(lost)?;
                }
                (AuthRequest::CleartextPassword | AuthRequest::Other, AuthResponse::Forward) => {
                    client.write_all(message.bytes()).await.map_err(abandoned)?;
                    let reply = wire::read_message(client).await.map_err(abandoned)?;
                    server.write_all(reply.bytes()).await.map_err(lost)?;
                    server.flush().await.map_err(lost)?;
                }
                (AuthRequest::SaslFinal, AuthResponse::Forward) => {
                    client.write_all(message.bytes()).await.map_err(abandoned)?;
                }
                _ => {
                    let message = "the server asks for another login than by token; is the \
                                   user one of IAM, and may it log in so?";
                    let error = DialError::new(DialErrorKind::Login, "method", message);
                    return Err(error.permanent().into());
                }
            },
            // NoticeResponse and NegotiateProtocolVersion.
            _ => client.write_all(message.bytes()).await.map_err(abandoned)?,
        }
    }
}
