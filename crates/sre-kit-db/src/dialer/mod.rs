//! Reaching a server, making sure that it is the right one, and what to answer when it
//! asks who one is.

#[cfg(feature = "iam")]
mod connector;
mod direct;
mod tcp;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::credentials::Issued;
use super::instrument::BridgeMetrics;
use super::settings::DbSettings;

#[cfg(feature = "iam")]
pub(crate) use connector::ConnectorDialer;
pub(crate) use direct::{DirectDialer, Login};
pub(crate) use tcp::connect;
pub(crate) use tls::{Identity, client_config, provider, told};

/// How long one part of a dial may take.
pub(crate) const PART: Duration = Duration::from_secs(5);

/// The longest that a login waits for newer credentials after its own were refused.
const NEWER: Duration = Duration::from_secs(2);

/// Half of what a query waits for its connection, or the other half is not used.
fn newer(settings: &DbSettings) -> Duration {
    NEWER.min(settings.acquire_timeout / 2)
}

/// Records how long a part took, and how it ended.
async fn timed<T>(
    metrics: &BridgeMetrics,
    phase: Phase,
    work: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    let start = Instant::now();
    let result = work.await;
    let error_type = result.as_ref().err().map_or("", |error| error.error_type);
    metrics.phase(phase.as_str(), error_type, start.elapsed());
    result
}

/// Reaches a server.
pub(crate) trait Dial: Send + Sync {
    /// A connection to the server, before the first byte of PostgreSQL's protocol.
    fn dial(&self) -> BoxFuture<'_, Result<Dialed, DialError>>;

    /// The server has refused the credentials of this generation, in this part of the
    /// dial. Whether there are newer ones now, so that it is worth another try.
    fn refused(&self, generation: u64, phase: Phase) -> BoxFuture<'_, bool>;

    /// Whether new logins can be expected to work.
    fn is_healthy(&self) -> bool;

    /// What is wrong with the credentials, if something is.
    fn complaint(&self) -> Option<Arc<str>>;

    /// Since when the token is there, in seconds.
    fn token_age(&self) -> Option<f64> {
        None
    }

    /// Until when the certificate is good that is shown to the server, in seconds.
    fn certificate_expiry(&self) -> Option<f64> {
        None
    }
}

/// A connection to a server.
pub(crate) struct Dialed {
    pub(crate) io: Box<dyn ServerIo>,
    pub(crate) answer: Answer,
}

/// What the bridge does when the server asks for a password.
pub(crate) enum Answer {
    /// Lets sqlx answer, which has it.
    Forward,
    /// Answers with this token.
    Token(Arc<Issued>),
    /// Nothing: the token was in the certificate, and the server asks for no more.
    #[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "the connector's"))]
    Certificate { generation: u64 },
}

impl Answer {
    /// The generation of what is used to log in.
    pub(crate) fn generation(&self) -> Option<u64> {
        match self {
            Self::Forward => None,
            Self::Token(token) => Some(token.generation),
            Self::Certificate { generation } => Some(*generation),
        }
    }

    /// The same, where it was shown in the handshake: what is wrong with it ends the
    /// connection, and is told in no message of PostgreSQL's.
    pub(crate) fn shown(&self) -> Option<u64> {
        match self {
            Self::Forward | Self::Token(_) => None,
            Self::Certificate { generation } => Some(*generation),
        }
    }
}

/// Both directions of a connection.
pub(crate) trait ServerIo: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ServerIo for T {}

/// The parts of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Credentials,
    Tcp,
    Tls,
    Login,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Login => "login",
        }
    }
}

/// Why a server was not reached, in words that hold no secret.
#[derive(Clone, Debug)]
pub(crate) struct DialError {
    /// A short word for the metric.
    pub(crate) error_type: &'static str,
    pub(crate) message: String,
    pub(crate) chance: Chance,
    /// The generation of the credentials that may be to blame: newer ones are worth
    /// another try.
    pub(crate) suspect: Option<u64>,
}

/// Whether another try may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chance {
    /// In a moment: a server that starts, a network that stutters.
    Soon,
    /// When somebody has mended something.
    Later,
    /// Not with these settings.
    Never,
}

impl DialError {
    pub(crate) fn new(error_type: &'static str, message: impl fmt::Display) -> Self {
        Self { error_type, message: message.to_string(), chance: Chance::Later, suspect: None }
    }

    pub(crate) fn suspecting(self, generation: u64) -> Self {
        Self { suspect: Some(generation), ..self }
    }

    pub(crate) fn transient(self) -> Self {
        Self { chance: Chance::Soon, ..self }
    }

    pub(crate) fn finally(self) -> Self {
        Self { chance: Chance::Never, ..self }
    }

    pub(crate) fn timed_out(phase: Phase) -> Self {
        let what = format_args!("no answer within {PART:?} ({})", phase.as_str()).to_string();
        Self::new("timeout", what).transient()
    }

    /// An error of the network, which is worth another try.
    pub(crate) fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (error_type, chance) = match error.kind() {
            ErrorKind::ConnectionRefused => ("refused", Chance::Soon),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
                ("reset", Chance::Soon)
            }
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                ("unreachable", Chance::Soon)
            }
            ErrorKind::InvalidData => ("protocol", Chance::Later),
            _ => ("io", Chance::Later),
        };
        Self { chance, ..Self::new(error_type, format_args!("{what}: {}", told(error))) }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
