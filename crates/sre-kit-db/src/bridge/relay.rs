//! The bytes of a session after its login.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::follower::{Follower, SYNC, Step};
use super::sqlstate::CONNECTION_FAILURE;
use crate::transport::PHASE_TIMEOUT;
use crate::wire;

/// The size of a buffer while little is sent. A pool has many idle sessions.
const SMALL: usize = 1024;

/// The size of a buffer while much is sent. Larger results are copied in pieces.
const LARGE: usize = 16 * 1024;

/// Bytes on their way, in one direction.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; SMALL], start: 0, end: 0 }
    }

    fn held(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Appends `bytes` if there is room.
    fn push(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.bytes.get_mut(self.end..self.end + bytes.len()) else {
            return false;
        };
        room.copy_from_slice(bytes);
        self.end += bytes.len();
        true
    }

    /// Reads into the empty buffer. A read that fills it makes it large, and a small one makes it
    /// small again.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(&mut self.bytes);
        ready!(Pin::new(io).poll_read(cx, &mut read))?;
        let count = read.filled().len();
        (self.start, self.end) = (0, count);
        if count == SMALL && self.bytes.len() == SMALL {
            self.bytes.resize(LARGE, 0);
        } else if count < SMALL && self.bytes.len() > SMALL {
            self.bytes.truncate(SMALL);
            self.bytes.shrink_to_fit();
        }
        Poll::Ready(Ok(count))
    }
}

/// Why a session ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// sqlx closed its end.
    Client,
    /// The server closed its end.
    Server,
    /// A statement had no answer for longer than its timeout.
    Silent,
}

/// Copies the bytes of both directions, and follows their messages.
///
/// `cancel` sends a CancelRequest for this session, and waits until the server has received it. It
/// returns whether that is certain, or nothing was sent; otherwise the session ends.
pub(super) async fn relay<'a, C, S>(
    client: &'a mut C,
    server: &'a mut S,
    follower: Follower,
    cancel: impl Fn() -> BoxFuture<'a, bool>,
) -> io::Result<End>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let timer = sleep_until(Instant::now());
    tokio::pin!(timer);
    let mut relay = Relay {
        client: &mut *client,
        server: &mut *server,
        follower,
        cancel,
        canceling: None,
        up: Buffer::new(),
        decided: 0,
        down: Buffer::new(),
        flushed: true,
    };
    let end = poll_fn(|cx| relay.poll(cx, timer.as_mut())).await;
    let interjects = relay.follower.can_interject();
    drop(relay);
    match end {
        Ok(End::Silent) if interjects => {
            let text = "the server did not answer within the statement's timeout";
            let _ =
                timeout(PHASE_TIMEOUT, client.write_all(&wire::error(CONNECTION_FAILURE, text)))
                    .await;
        }
        // The end of TLS. A server that does not read must not hold the session.
        Ok(End::Client) => drop(timeout(PHASE_TIMEOUT, server.shutdown()).await),
        _ => {}
    }
    end
}

struct Relay<'s, 'a, C, S, F> {
    client: &'s mut C,
    server: &'s mut S,
    follower: Follower,
    cancel: F,
    canceling: Option<BoxFuture<'a, bool>>,
    /// From the client to the server. The first `decided` bytes are to be forwarded.
    up: Buffer,
    decided: usize,
    /// From the server to the client.
    down: Buffer,
    /// Whether all that was written to the server has left.
    flushed: bool,
}

impl<'a, C, S, F> Relay<'_, 'a, C, S, F>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn() -> BoxFuture<'a, bool>,
{
    fn poll(&mut self, cx: &mut Context<'_>, timer: Pin<&mut Sleep>) -> Poll<io::Result<End>> {
        // The server first: a session that it has ended must not be answered for.
        while self.poll_down(cx)?.is_pending() {
            match self.poll_up(cx)? {
                Poll::Pending => return self.poll_deadline(cx, timer),
                Poll::Ready(Some(end)) => return Poll::Ready(Ok(end)),
                // An answer of the bridge is to be written.
                Poll::Ready(None) => {}
            }
        }
        Poll::Ready(Ok(End::Server))
    }

    /// Copies to the client, until the server closes its end.
    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.down.held().is_empty() {
                let written = ready!(Pin::new(&mut *self.client).poll_write(cx, self.down.held()))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.down.consume(written);
            }
            if ready!(self.down.poll_fill(cx, self.server))? == 0 {
                return Poll::Ready(Ok(()));
            }
            self.follower.server_sent(self.down.held(), Instant::now());
        }
    }

    /// Copies to the server. Returns `None` after an answer of the bridge.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<End>>> {
        loop {
            if let Some(canceling) = &mut self.canceling {
                let is_settled = ready!(canceling.as_mut().poll(cx));
                self.canceling = None;
                // The signal might still arrive, and end the next statement.
                if !is_settled {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                self.follower.canceled(Instant::now());
            }
            while self.decided > 0 {
                let bytes = &self.up.held()[..self.decided];
                let written = ready!(Pin::new(&mut *self.server).poll_write(cx, bytes))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.up.consume(written);
                self.decided -= written;
                self.flushed = false;
            }
            if !self.up.held().is_empty() {
                match self.follower.client_sent(self.up.held(), Instant::now()) {
                    Step::Forward(count) => self.decided = count,
                    Step::Cancel => self.canceling = Some((self.cancel)()),
                    Step::Answer(answer) if self.down.push(&answer) => {
                        self.up.consume(SYNC.len());
                        return Poll::Ready(Ok(None));
                    }
                    // The client does not read: it cannot be waiting for this answer.
                    Step::Answer(_) => return Poll::Pending,
                }
                continue;
            }
            if !self.flushed {
                ready!(Pin::new(&mut *self.server).poll_flush(cx))?;
                self.flushed = true;
            }
            if ready!(self.up.poll_fill(cx, self.client))? == 0 {
                return Poll::Ready(Ok(Some(End::Client)));
            }
        }
    }

    /// Ends a session that is silent for too long.
    fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        mut timer: Pin<&mut Sleep>,
    ) -> Poll<io::Result<End>> {
        loop {
            let Some(deadline) = self.follower.deadline() else { return Poll::Pending };
            let now = Instant::now();
            if !self.down.held().is_empty() {
                self.follower.client_is_slow(now);
            } else if deadline <= now {
                return Poll::Ready(Ok(End::Silent));
            }
            // A timer that fires before the deadline costs less than one that each message moves.
            if timer.is_elapsed() || timer.deadline() > deadline {
                timer.as_mut().reset(self.follower.deadline().unwrap_or(deadline));
            }
            ready!(timer.as_mut().poll(cx));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::{End, Follower, LARGE, SMALL, SYNC, io, relay};

    const READY: &[u8] = b"Z\0\0\0\x05I";
    const QUERY: &[u8] = b"Q\0\0\0\x0dSELECT 1\0";

    struct Rig {
        client: DuplexStream,
        server: DuplexStream,
        cancels: Arc<AtomicU32>,
        canceled: Arc<Notify>,
        relay: JoinHandle<io::Result<End>>,
    }

    fn rig() -> Rig {
        let (client, mut inner_client) = duplex(64 * 1024);
        let (server, mut inner_server) = duplex(64 * 1024);
        let (cancels, canceled) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let (count, done) = (Arc::clone(&cancels), Arc::clone(&canceled));
        let relay = tokio::spawn(async move {
            let follower = Follower::new(b'I', Some(Duration::from_secs(30)), Instant::now());
            let cancel = || {
                let (count, done) = (Arc::clone(&count), Arc::clone(&done));
                async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    done.notified().await;
                    true
                }
                .boxed()
            };
            relay(&mut inner_client, &mut inner_server, follower, cancel).await
        });
        Rig { client, server, cancels, canceled, relay }
    }

    async fn read<const N: usize>(stream: &mut DuplexStream) -> [u8; N] {
        let mut bytes = [0; N];
        stream.read_exact(&mut bytes).await.expect("open");
        bytes
    }

    #[tokio::test(start_paused = true)]
    async fn a_release_costs_no_round_trip() {
        let mut rig = rig();
        rig.client.write_all(&SYNC).await.expect("open");
        assert_eq!(read::<6>(&mut rig.client).await, READY);
        rig.client.write_all(QUERY).await.expect("open");
        assert_eq!(read::<14>(&mut rig.server).await, QUERY, "nothing came before it");
    }

    #[tokio::test(start_paused = true)]
    async fn the_sync_of_a_dropped_statement_waits_for_its_cancel() {
        let mut rig = rig();
        rig.client.write_all(QUERY).await.expect("open");
        read::<14>(&mut rig.server).await;
        rig.client.write_all(&SYNC).await.expect("open");
        // The server's answers pass meanwhile.
        rig.server.write_all(b"N\0\0\0\x04").await.expect("open");
        assert_eq!(&read::<5>(&mut rig.client).await, b"N\0\0\0\x04");
        while rig.cancels.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(rig.server.read_u8().now_or_never().is_none(), "held back");
        rig.canceled.notify_one();
        assert_eq!(read::<5>(&mut rig.server).await, SYNC);
        rig.server.write_all(&[READY, READY].concat()).await.expect("open");
        read::<12>(&mut rig.client).await;
        assert_eq!(rig.cancels.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_statement_ends_the_session_and_says_so() {
        let mut rig = rig();
        let start = Instant::now();
        rig.client.write_all(QUERY).await.expect("open");
        let mut text = Vec::new();
        rig.client.read_to_end(&mut text).await.expect("closed");
        assert!(String::from_utf8_lossy(&text).contains("did not answer"));
        assert_eq!(rig.relay.await.expect("no panic").expect("no error"), End::Silent);
        assert_eq!(start.elapsed().as_secs(), 35);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_session_and_one_whose_client_is_slow_stay() {
        let mut rig = rig();
        tokio::time::sleep(Duration::from_hours(1)).await;
        rig.client.write_all(QUERY).await.expect("open");
        // More than the client's buffer holds: the server is not to blame for the silence.
        let row = [b"D\0\x01\x86\xa4".as_slice(), vec![7; 100_000].as_slice(), READY].concat();
        let writing = tokio::spawn(async move {
            rig.server.write_all(&row).await.expect("open");
            rig.server
        });
        tokio::time::sleep(Duration::from_hours(1)).await;
        let mut all = vec![0; 100_011];
        rig.client.read_exact(&mut all).await.expect("still open");
        drop(writing.await.expect("no panic"));
        assert_eq!(rig.relay.await.expect("no panic").expect("no error"), End::Server);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_message_of_a_client_arrives() {
        let mut rig = rig();
        rig.client.write_all(b"X\0\0\0\x04").await.expect("open");
        drop(rig.client);
        let mut all = Vec::new();
        rig.server.read_to_end(&mut all).await.expect("closed");
        assert_eq!(all, b"X\0\0\0\x04");
        assert_eq!(rig.relay.await.expect("no panic").expect("no error"), End::Client);
    }

    #[tokio::test]
    async fn a_buffer_grows_with_its_reads_and_shrinks_again() {
        let mut buffer = super::Buffer::new();
        let mut sizes = Vec::new();
        for bytes in [vec![1; SMALL], vec![2; 5000], vec![3; 10]] {
            let mut bytes = bytes.as_slice();
            std::future::poll_fn(|cx| buffer.poll_fill(cx, &mut bytes)).await.expect("memory");
            sizes.push((buffer.held().len(), buffer.bytes.capacity()));
        }
        assert_eq!(sizes, [(SMALL, LARGE), (5000, LARGE), (10, SMALL)]);
    }
}
