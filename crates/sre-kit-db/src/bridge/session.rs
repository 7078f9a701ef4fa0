//! One connection of sqlx: its login, and then its bytes.

use std::io;

use tokio::io::{AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::relay::Counted;
use super::wire::{self, First, Wants};
use crate::dialer::{Answer, Chance, DialError, Dialed, PART, Phase, ServerIo};

/// A row or two. Large results are copied in as many pieces.
const BUFFER: usize = 16 * 1024;

/// Refused because of who asks: the user's name or its password or token.
const REFUSALS: [&str; 2] = ["28000", "28P01"];

/// "cannot connect now": sqlx tries again until it gives up on a connection.
pub(crate) const AGAIN: &str = "57P03";

/// "connection failure": another try later may help.
pub(crate) const LOST: &str = "08006";

/// "the client was unable to establish the connection", and will not be.
pub(crate) const UNABLE: &str = "08001";

/// How a login ended that did not go well.
enum Ended {
    /// The server said no, in these bytes.
    Denied { message: Vec<u8>, code: String, text: String, generation: Option<u64> },
    /// The server was not reached, or is not the right one.
    Failed(DialError),
    /// sqlx does not wait for it any more.
    Abandoned,
}

impl Ended {
    /// The credentials that may be to blame, and where they were refused.
    fn suspect(&self) -> Option<(u64, Phase)> {
        match self {
            Self::Denied { code, generation, .. } if REFUSALS.contains(&code.as_str()) => {
                generation.map(|generation| (generation, Phase::Login))
            }
            Self::Failed(error) => error.suspect.map(|generation| (generation, Phase::Tls)),
            _ => None,
        }
    }
}

impl From<DialError> for Ended {
    fn from(error: DialError) -> Self {
        Self::Failed(error)
    }
}

impl Shared {
    /// Serves one connection, from its first byte to its last.
    pub(super) async fn serve(&self, mut client: UnixStream, stop: &CancellationToken) {
        let startup = match timeout(PART, first(&mut client)).await {
            Ok(Ok(First::Startup(startup))) => startup,
            Ok(Ok(First::Cancel(request))) => return self.cancel(&request).await,
            _ => return,
        };
        let start = Instant::now();
        match self.log_in(&mut client, &startup).await {
            Ok(server) => {
                self.metrics.created.observe_duration(start.elapsed());
                self.metrics.login("ok", "");
                self.logins.succeeded();
                self.relay(client, server, stop).await;
            }
            Err(Ended::Denied { message, code, text, .. }) => {
                self.metrics.login("refused", &code);
                self.logins.failed(&format!("{text} ({code})"));
                let _ = client.write_all(&message).await;
            }
            Err(Ended::Failed(error)) => {
                self.metrics.login("failed", "");
                self.logins.failed(&error.message);
                let code = match error.chance {
                    Chance::Soon => AGAIN,
                    Chance::Later => LOST,
                    Chance::Never => UNABLE,
                };
                let _ = client.write_all(&wire::error(code, &error.message)).await;
            }
            Err(Ended::Abandoned) => self.metrics.login("abandoned", ""),
        }
    }

    /// Logs in; once more where a newer token may help.
    async fn log_in(
        &self,
        client: &mut UnixStream,
        startup: &[u8],
    ) -> Result<Box<dyn ServerIo>, Ended> {
        let turn = self.turns.acquire();
        let Ok(_turn) = while_wanted(client, turn).await? else { return Err(Ended::Abandoned) };
        let first = self.attempt(client, startup).await;
        let Some((generation, phase)) = first.as_ref().err().and_then(Ended::suspect) else {
            return first;
        };
        // Abandoned meanwhile, it was refused all the same.
        let newer = while_wanted(client, self.dialer.refused(generation, phase)).await;
        if !newer.unwrap_or(false) {
            return first;
        }
        self.metrics.retries.inc();
        self.attempt(client, startup).await
    }

    async fn attempt(
        &self,
        client: &mut UnixStream,
        startup: &[u8],
    ) -> Result<Box<dyn ServerIo>, Ended> {
        let Dialed { mut io, answer } = while_wanted(client, self.dialer.dial()).await??;
        let start = Instant::now();
        let result = timeout(PART, authenticate(client, &mut io, startup, &answer))
            .await
            .unwrap_or_else(|_| Err(DialError::timed_out(Phase::Login).into()));
        let error_type = match &result {
            Ok(()) => "",
            Err(Ended::Denied { code, .. }) => code,
            Err(Ended::Failed(error)) => error.error_type,
            Err(Ended::Abandoned) => "abandoned",
        };
        self.metrics.phase(Phase::Login.as_str(), error_type, start.elapsed());
        match (result, answer.shown()) {
            // In TLS 1.3 a certificate is refused after the handshake, or with it the
            // server would wait for one more message.
            (Err(Ended::Failed(error)), Some(shown)) if error.chance != Chance::Never => {
                Err(error.suspecting(shown).into())
            }
            (result, _) => result.map(|()| io),
        }
    }

    async fn relay(
        &self,
        mut client: UnixStream,
        server: Box<dyn ServerIo>,
        stop: &CancellationToken,
    ) {
        let mut server = Counted {
            inner: server,
            received: self.metrics.received.clone(),
            transmitted: self.metrics.transmitted.clone(),
        };
        let copied = copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER, BUFFER);
        tokio::select! {
            // Whichever end breaks off, the other learns of it when both are dropped.
            _ = copied => {}
            // The pool was closed before, so nobody is cut off who did anything.
            () = stop.cancelled() => {}
        }
    }

    /// Passes on a request to end a statement. There is no answer to it.
    async fn cancel(&self, request: &[u8]) {
        if let Ok(Dialed { mut io, .. }) = self.dialer.dial().await {
            let _ = io.write_all(request).await;
            let _ = io.shutdown().await;
        }
    }
}

/// What sqlx wants, once it has been told that nothing is encrypted here.
async fn first(client: &mut UnixStream) -> io::Result<First> {
    loop {
        match wire::read_first(client).await? {
            First::Encryption => client.write_all(b"N").await?,
            first => return Ok(first),
        }
    }
}

/// Does `work` unless sqlx goes away meanwhile: nobody wants a login that nobody waits
/// for, least of all a server with a herd before it.
async fn while_wanted<T>(client: &UnixStream, work: impl Future<Output = T>) -> Result<T, Ended> {
    let gone = async {
        loop {
            if client.readable().await.is_err() {
                return;
            }
            // sqlx says nothing before it is answered, so there is the end or nothing.
            match client.try_read(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return,
            }
        }
    };
    tokio::select! {
        done = work => Ok(done),
        () = gone => Err(Ended::Abandoned),
    }
}

/// Everything up to the server's word that it is ready, which the client gets.
///
/// To be authenticated is not enough: that there is no room for one more, or no such
/// database, is said after it.
async fn authenticate(
    client: &mut UnixStream,
    server: &mut Box<dyn ServerIo>,
    startup: &[u8],
    answer: &Answer,
) -> Result<(), Ended> {
    let lost =
        |error: io::Error| Ended::Failed(DialError::io("the server broke off the login", &error));
    server.write_all(startup).await.map_err(lost)?;
    server.flush().await.map_err(lost)?;
    // What follows the authentication comes as a dozen small messages, and goes as one.
    let mut authenticated: Option<Vec<u8>> = None;
    loop {
        let message = wire::read_message(server).await.map_err(lost)?;
        if let Some(said) = &mut authenticated
            && message.kind() != b'E'
        {
            said.extend_from_slice(message.bytes());
            if message.kind() == b'Z' {
                return client.write_all(said).await.map_err(|_| Ended::Abandoned);
            }
            continue;
        }
        match message.kind() {
            b'E' => {
                let (code, text) = wire::error_parts(message.body());
                // A token that was good enough is not to be suspected.
                let generation = answer.generation().filter(|_| authenticated.is_none());
                let message = message.bytes().to_vec();
                return Err(Ended::Denied { message, code, text, generation });
            }
            b'R' => match (wire::wants(message.body()).map_err(lost)?, answer) {
                (Wants::Nothing, _) => authenticated = Some(message.bytes().to_vec()),
                (Wants::Cleartext, Answer::Token(token)) => {
                    server.write_all(&wire::password(&token.secret)).await.map_err(lost)?;
                    server.flush().await.map_err(lost)?;
                }
                (Wants::Cleartext | Wants::Answer, Answer::Forward) => {
                    let gone = |_| Ended::Abandoned;
                    client.write_all(message.bytes()).await.map_err(gone)?;
                    let reply = wire::read_message(client).await.map_err(gone)?;
                    server.write_all(reply.bytes()).await.map_err(lost)?;
                    server.flush().await.map_err(lost)?;
                }
                (Wants::Listening, Answer::Forward) => {
                    client.write_all(message.bytes()).await.map_err(|_| Ended::Abandoned)?;
                }
                _ => {
                    let message = "the server asks for another login than by token; is the \
                                   user one of IAM, and may it log in so?";
                    return Err(DialError::new("method", message).finally().into());
                }
            },
            // Notices, and which of the protocol's options the server has not got.
            _ => client.write_all(message.bytes()).await.map_err(|_| Ended::Abandoned)?,
        }
    }
}
