//! The push of a registry over OTLP, for collectors that do not scrape.
//!
//! The SDK's metrics are not used: they need their own instruments, have no exemplars, and cannot
//! be built from existing data. The registry is visited as for a scrape, so that pull and push
//! show the same numbers under the same names.

mod convert;
mod source;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::error::OTelSdkError;
use tokio::runtime::Handle;

use self::convert::requests;
use self::source::Source;
use super::grpc_runtime::thread_error;
use super::sender::Sender;
use super::signal_counts::SignalCounts;
use crate::flush::{KeepMetrics, ShutdownHook};
use crate::settings::Settings;
use crate::settings::otlp::OtlpSettings;
use sre_kit_core::ConfigError;
use sre_kit_metrics::Registry;

/// A push that is running.
pub(crate) struct Push {
    /// Keeps the metrics of this moment. The last push sends them before those of its own moment, so
    /// that gauges of what is closed meanwhile arrive, also from a process that ends before its
    /// first push.
    pub(crate) keep: KeepMetrics,
    /// Stops the push after one last time.
    pub(crate) hook: ShutdownHook,
}

/// Starts to push `registry`.
///
/// A push that fails loses nothing, because the next one contains the same cumulative counts.
pub(crate) fn push(
    registry: &Registry,
    settings: &Settings,
    otlp: &OtlpSettings,
    grpc: Option<&Handle>,
    counts: &Arc<SignalCounts>,
) -> Result<Push, ConfigError> {
    let source = Source {
        registry: registry.clone(),
        resource: settings.resource.clone(),
        started: SystemTime::now(),
    };
    let sender = Sender::new(otlp, settings.metric_timeout, grpc)?;
    let (stop, stopped) = mpsc::sync_channel::<mpsc::SyncSender<bool>>(1);
    let (interval, counting) = (settings.metric_interval, Arc::clone(counts));
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep: KeepMetrics = Box::new({
        let (kept, source) = (Arc::clone(&kept), source.clone());
        move || {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            // Of several pools, the first that closes keeps the gauges of all.
            if kept.is_empty() {
                *kept = requests(&source, SystemTime::now());
            }
        }
    });
    let thread = std::thread::Builder::new().name("sre-kit-metrics".to_owned());
    let spawned = thread.spawn(move || {
        loop {
            let stopping = stopped.recv_timeout(interval);
            let kept = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
            let kept = kept.is_empty() || push_once(&kept, &sender, &counting);
            let now = requests(&source, SystemTime::now());
            let exported = push_once(&now, &sender, &counting) && kept;
            match stopping {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(answer) => {
                    let _ = answer.send(exported);
                    return;
                }
            }
        }
    });
    spawned.map_err(|error| thread_error(&error))?;
    let counts = Arc::clone(counts);
    let hook: ShutdownHook = Box::new(move |budget: Duration| {
        counts.close(|| {
            let (answer, answered) = mpsc::sync_channel(1);
            let _ = stop.send(answer);
            match answered.recv_timeout(budget) {
                Ok(true) => Ok(()),
                Ok(false) => Err(OTelSdkError::InternalFailure("the last push failed".to_owned())),
                Err(_) => Err(OTelSdkError::Timeout(budget)),
            }
        })
    });
    Ok(Push { keep, hook })
}

fn push_once(
    requests: &[ExportMetricsServiceRequest],
    sender: &Sender,
    counts: &SignalCounts,
) -> bool {
    counts.start_unqueued();
    let sent = requests.iter().try_for_each(|request| sender.send(request, 1, counts));
    counts.finish(1, sent.as_ref().err().map(|error| error as _));
    sent.is_ok()
}
