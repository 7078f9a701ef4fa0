//! Requests at a fixed rate, whatever becomes of them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// An open loop: a slow answer keeps no later request from being sent. Half of
/// the requests are on connections of their own, half on connections that are
/// kept; one in four takes a while.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
    runtime: Runtime,
}

impl Load {
    /// Every 20 ms, two requests. More than can be under way at one time unless
    /// something is stuck are failures too.
    const TICK: Duration = Duration::from_millis(20);
    const PER_TICK: usize = 2;
    const MOST: usize = 1_000;

    /// Starts to send to a Service.
    pub(crate) fn start(service: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let failures = Arc::new(Mutex::new(Vec::new()));
        let runtime = Runtime::new().expect("threads");
        let task = runtime.spawn({
            let (stop, sent, failures) = (stop.clone(), sent.clone(), failures.clone());
            async move {
                let permits = Arc::new(Semaphore::new(Self::MOST));
                let kept: Kept = Arc::default();
                let mut requests = JoinSet::new();
                let mut tick = tokio::time::interval(Self::TICK);
                while !stop.load(Ordering::Relaxed) {
                    tick.tick().await;
                    while requests.try_join_next().is_some() {}
                    for _ in 0..Self::PER_TICK {
                        let number = sent.fetch_add(1, Ordering::Relaxed);
                        let Ok(permit) = permits.clone().try_acquire_owned() else {
                            failures.lock().expect("no panic").push("too many under way".into());
                            continue;
                        };
                        let keep = (number % 2 == 0).then(|| kept.clone());
                        let path = if number % 4 < 2 { "/" } else { "/slow?ms=100" };
                        let failures = failures.clone();
                        requests.spawn(async move {
                            let asked = timeout(Duration::from_secs(30), ask(service, path, keep));
                            let result = asked.await.unwrap_or_else(|_| Err("no answer".into()));
                            if let Err(failure) = result {
                                failures.lock().expect("no panic").push(failure);
                            }
                            drop(permit);
                        });
                    }
                }
                while requests.join_next().await.is_some() {}
            }
        });
        Self { stop, sent, failures, task, runtime }
    }

    /// Failures so far.
    pub(crate) fn failed(&self) -> usize {
        self.failures.lock().expect("no panic").len()
    }

    /// Ends it. Gives the number of requests, and what became of those that failed.
    pub(crate) fn stop(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.runtime.block_on(self.task).expect("no panic");
        let failures = std::mem::take(&mut *self.failures.lock().expect("no panic"));
        (self.sent.load(Ordering::Relaxed), failures)
    }
}

type Sender = SendRequest<Empty<Bytes>>;
type Kept = Arc<Mutex<Vec<Sender>>>;

async fn ask(service: SocketAddr, path: &str, kept: Option<Kept>) -> Result<(), String> {
    let pooled = kept.as_ref().and_then(|kept| {
        let mut kept = kept.lock().expect("no panic");
        // One that was closed while nobody used it is no failure of the server's.
        kept.retain(|sender| !sender.is_closed());
        kept.pop()
    });
    let mut sender = if let Some(sender) = pooled {
        sender
    } else {
        let socket = TcpStream::connect(service).await.map_err(|e| format!("connect: {e}"))?;
        let (sender, connection) =
            handshake(TokioIo::new(socket)).await.map_err(|e| e.to_string())?;
        tokio::spawn(connection);
        sender
    };
    let request = Request::get(path).header("host", "demo").body(Empty::new()).expect("valid");
    let response = sender.send_request(request).await.map_err(|e| format!("request: {e}"))?;
    let status = response.status();
    response.into_body().collect().await.map_err(|e| format!("body: {e}"))?;
    if status != 200 {
        return Err(format!("status {status}"));
    }
    if let Some(kept) = kept
        && sender.ready().await.is_ok()
    {
        kept.lock().expect("no panic").push(sender);
    }
    Ok(())
}
