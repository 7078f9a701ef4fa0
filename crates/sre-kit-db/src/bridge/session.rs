//! One connection of sqlx: its login, and then its bytes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::authenticate::{Authenticated, authenticate};
use super::counted_io::CountedIo;
use super::endpoint::LocalStream;
use super::follower::{Follower, statement_timeout};
use super::login_failure::LoginFailure;
use super::login_status::LoginStatus;
use super::relay::{End, relay};
use super::sqlstate::{CANNOT_CONNECT_NOW, CONNECTION_FAILURE, REJECTED, UNABLE_TO_CONNECT};
use super::startup_secret;
use crate::dialer::{Dial, DialedServer, ServerIo};
use crate::instrument::BridgeMetrics;
use crate::secret::Secret;
use crate::transport::{DialErrorKind, PHASE_TIMEOUT, Phase, Retry};
use crate::wire::{self, FirstMessage};

/// The longest that a CancelRequest may take. A dropped statement waits for it.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// The state that all connections share.
pub(super) struct SessionContext {
    pub(super) dialer: Arc<dyn Dial>,
    pub(super) metrics: BridgeMetrics,
    pub(super) logins: Arc<LoginStatus>,
    /// The secret that a client has to show first, if every process can connect.
    secret: Option<Secret>,
    /// Bounds the concurrent logins.
    login_slots: Semaphore,
}

impl SessionContext {
    pub(super) fn new(
        dialer: Arc<dyn Dial>,
        metrics: BridgeMetrics,
        secret: Option<Secret>,
        concurrent_logins: u32,
    ) -> Self {
        let slots = concurrent_logins.try_into().unwrap_or(Semaphore::MAX_PERMITS);
        let login_slots = Semaphore::new(slots.min(Semaphore::MAX_PERMITS));
        Self { dialer, metrics, logins: Arc::default(), secret, login_slots }
    }

    /// Serves one connection, from its first byte to its last.
    pub(super) async fn serve(&self, mut client: LocalStream, stop: &CancellationToken) {
        let startup = match timeout(PHASE_TIMEOUT, first_message(&mut client)).await {
            Ok(Ok(FirstMessage::Startup(startup))) => startup,
            // It has no room for the secret, and sqlx sends none.
            Ok(Ok(FirstMessage::Cancel(_))) if self.secret.is_some() => {
                return self.refuse_foreign_process();
            }
            Ok(Ok(FirstMessage::Cancel(request))) => return self.cancel(&request).await,
            _ => return,
        };
        let verified = match &self.secret {
            Some(secret) => startup_secret::verify(&startup, secret),
            None => Some(startup),
        };
        let Some(startup) = verified else {
            self.refuse_foreign_process();
            let text = "the database bridge serves the process that it belongs to, and no other";
            let _ = client.write_all(&wire::error(REJECTED[0], text)).await;
            return;
        };
        let start = Instant::now();
        match self.log_in(&mut client, &startup).await {
            Ok((server, login)) => {
                self.metrics.created.observe_duration(start.elapsed());
                self.metrics.login("ok", "");
                self.logins.succeeded();
                let follower =
                    Follower::new(login.status, statement_timeout(&startup), Instant::now());
                self.relay(client, server, follower, &login.key, stop).await;
            }
            Err(LoginFailure::Denied { message, code, text, .. }) => {
                self.metrics.login("refused", &code);
                self.logins.failed(&format!("{text} ({code})"), false);
                let _ = client.write_all(&message).await;
            }
            Err(LoginFailure::Failed(error)) => {
                self.metrics.login("failed", "");
                let without_credentials = error.kind == DialErrorKind::Credentials;
                self.logins.failed(&error.message, without_credentials);
                let code = match error.retry {
                    Retry::Soon => CANNOT_CONNECT_NOW,
                    Retry::Later => CONNECTION_FAILURE,
                    Retry::Never => UNABLE_TO_CONNECT,
                };
                let _ = client.write_all(&wire::error(code, &error.message)).await;
            }
            Err(LoginFailure::Abandoned) => self.metrics.login("abandoned", ""),
        }
    }

    /// Counts and logs a connection of another process.
    pub(super) fn refuse_foreign_process(&self) {
        self.metrics.foreign_processes.inc();
        tracing::warn!("another process tried the database bridge, and was refused");
    }

    /// Logs in, with one retry if the credentials were rejected and there are newer ones.
    async fn log_in(
        &self,
        client: &mut LocalStream,
        startup: &[u8],
    ) -> Result<(Box<dyn ServerIo>, Authenticated), LoginFailure> {
        let slot = self.login_slots.acquire();
        let Ok(_slot) = while_connected(client, slot).await? else {
            return Err(LoginFailure::Abandoned);
        };
        let first = self.attempt(client, startup).await;
        let rejected = first.as_ref().err().and_then(LoginFailure::rejected_credential);
        let Some((generation, failed_phase)) = rejected else { return first };
        let newer = self.dialer.credential_rejected(generation, failed_phase);
        // If sqlx closes its end meanwhile, the outcome is still that of the first attempt.
        if !while_connected(client, newer).await.unwrap_or(false) {
            return first;
        }
        self.metrics.retries.inc();
        self.attempt(client, startup).await
    }

    async fn attempt(
        &self,
        client: &mut LocalStream,
        startup: &[u8],
    ) -> Result<(Box<dyn ServerIo>, Authenticated), LoginFailure> {
        let dialed = while_connected(client, self.dialer.dial()).await??;
        let DialedServer { mut io, response } = dialed;
        let start = Instant::now();
        let result = timeout(PHASE_TIMEOUT, authenticate(client, &mut io, startup, &response))
            .await
            .unwrap_or_else(|_| Err(Phase::Login.timed_out().into()));
        let error_type = match &result {
            Ok(_) => "",
            Err(LoginFailure::Denied { code, .. }) => code,
            Err(LoginFailure::Failed(error)) => error.error_type,
            Err(LoginFailure::Abandoned) => "abandoned",
        };
        self.metrics.dial.phase(Phase::Login.as_str(), error_type, start.elapsed());
        match (result, response.certificate_generation()) {
            // In TLS 1.3 the server verifies the client certificate after the client has finished
            // the handshake, so a rejection arrives in this phase.
            (Err(LoginFailure::Failed(error)), Some(generation)) if error.retry != Retry::Never => {
                Err(error.rejecting(generation).into())
            }
            (result, _) => result.map(|login| (io, login)),
        }
    }

    async fn relay(
        &self,
        mut client: LocalStream,
        server: Box<dyn ServerIo>,
        follower: Follower,
        key: &[u8],
        stop: &CancellationToken,
    ) {
        let mut server = CountedIo {
            inner: server,
            received: self.metrics.received.clone(),
            transmitted: self.metrics.transmitted.clone(),
        };
        let request = wire::cancel(key);
        let cancel = || self.cancel_statement(&request).boxed();
        tokio::select! {
            // If one end breaks off, dropping both closes the other.
            end = relay(&mut client, &mut server, follower, cancel) => {
                if let Ok(End::Silent) = end {
                    tracing::warn!("a session was closed, because its statement had no answer");
                }
            }
            // The pool is closed first, so no statement is cut off.
            () = stop.cancelled() => {}
        }
    }

    /// Cancels a statement that nothing waits for. The server closes the connection after it has
    /// signaled the session, so that the signal cannot meet the next statement. Returns `false` if it
    /// still could.
    async fn cancel_statement(&self, request: &[u8]) -> bool {
        let Ok(Ok(DialedServer { mut io, .. })) = timeout(CANCEL_TIMEOUT, self.dialer.dial()).await
        else {
            tracing::debug!("a dropped statement could not be canceled, and runs on");
            return true;
        };
        let sent = timeout(CANCEL_TIMEOUT, async {
            io.write_all(request).await?;
            io.flush().await?;
            // A server may end TLS without a close_notify, which is an error here.
            let _ = io.read(&mut [0]).await;
            io::Result::Ok(())
        });
        matches!(sent.await, Ok(Ok(())))
    }

    /// Forwards a CancelRequest, which has no response.
    async fn cancel(&self, request: &[u8]) {
        if let Ok(DialedServer { mut io, .. }) = self.dialer.dial().await {
            let _ = io.write_all(request).await;
            let _ = io.shutdown().await;
        }
    }
}

/// Reads sqlx's first message after it learned that the socket is not encrypted.
async fn first_message(client: &mut LocalStream) -> io::Result<FirstMessage> {
    loop {
        match wire::read_first(client).await? {
            FirstMessage::Encryption => client.write_all(b"N").await?,
            first => return Ok(first),
        }
    }
}

/// Runs `work` until sqlx closes its end. A login that no query waits for would only load a server
/// that many others want to log in to.
async fn while_connected<T>(
    client: &LocalStream,
    work: impl Future<Output = T>,
) -> Result<T, LoginFailure> {
    let closed = async {
        loop {
            if client.readable().await.is_err() {
                return;
            }
            // sqlx sends nothing before it gets an answer, so there is the end or nothing to read.
            match client.try_read(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return,
            }
        }
    };
    tokio::select! {
        done = work => Ok(done),
        () = closed => Err(LoginFailure::Abandoned),
    }
}
