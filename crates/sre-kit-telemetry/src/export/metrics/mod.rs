//! The push of a registry over OTLP, for collectors that do not scrape.
//!
//! The SDK's metrics are not used: they need their own instruments, have no exemplars, and cannot
//! be built from existing data. The registry is visited as for a scrape, so that pull and push
//! show the same numbers under the same names.

mod convert;
mod sender;
mod source;

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use opentelemetry_sdk::error::OTelSdkError;
use tokio::runtime::Handle;

use self::convert::request;
use self::sender::Sender;
use self::source::Source;
use super::grpc_runtime::thread_error;
use super::signal_counts::SignalCounts;
use crate::flush::ShutdownHook;
use crate::settings::Settings;
use crate::settings::otlp::OtlpSettings;
use sre_kit_core::ConfigError;
use sre_kit_metrics::Registry;

/// Starts to push `registry`, and returns the hook that stops it after one last push.
///
/// A push that fails loses nothing, because the next one contains the same cumulative counts.
pub(crate) fn push(
    registry: &Registry,
    settings: &Settings,
    otlp: &OtlpSettings,
    grpc: Option<&Handle>,
    counts: &Arc<SignalCounts>,
) -> Result<ShutdownHook, ConfigError> {
    let source = Source {
        registry: registry.clone(),
        resource: settings.resource.clone(),
        started: SystemTime::now(),
    };
    let sender = Sender::new(otlp, settings.metric_timeout, grpc)?;
    let (stop, stopped) = mpsc::sync_channel::<mpsc::SyncSender<bool>>(1);
    let (interval, counting) = (settings.metric_interval, Arc::clone(counts));
    let thread = std::thread::Builder::new().name("sre-kit-metrics".to_owned());
    let spawned = thread.spawn(move || {
        loop {
            let stopping = stopped.recv_timeout(interval);
            let exported = push_once(&source, &sender, &counting);
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
    Ok(Box::new(move |budget: Duration| {
        counts.close(|| {
            let (answer, answered) = mpsc::sync_channel(1);
            let _ = stop.send(answer);
            match answered.recv_timeout(budget) {
                Ok(true) => Ok(()),
                Ok(false) => Err(OTelSdkError::InternalFailure("the last push failed".to_owned())),
                Err(_) => Err(OTelSdkError::Timeout(budget)),
            }
        })
    }))
}

fn push_once(source: &Source, sender: &Sender, counts: &SignalCounts) -> bool {
    counts.start_unqueued();
    let sent = sender.send(request(source, SystemTime::now()));
    counts.finish(1, sent.as_ref().err().map(|error| error as _));
    sent.is_ok()
}
