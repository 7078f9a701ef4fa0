//! The registry's metrics, pushed over OTLP for collectors that do not scrape.
//!
//! Not by the SDK: it would want instruments of its own, has no exemplars, and its
//! data cannot be made from outside. The registry is walked as for a scrape, so
//! that pull and push show the same numbers under the same names.

mod convert;
mod send;

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use opentelemetry_sdk::error::OTelSdkError;
use tokio::runtime::Handle;

use self::convert::request;
use self::send::Sender;
use super::counts::Counts;
use super::worker::no_thread;
use crate::flush::Stop;
use crate::resource::Resource;
use crate::settings::Settings;
use crate::settings::otlp::Otlp;
use sre_kit_core::ConfigError;
use sre_kit_metrics::Registry;

/// What a push is made from.
struct Source {
    registry: Registry,
    resource: Resource,
    /// Since when the counts are counted.
    started: SystemTime,
}

/// Begins to push `registry`, and tells how to stop it. A push that fails loses
/// nothing: the next one brings the same counts and more.
pub(crate) fn push(
    registry: &Registry,
    settings: &Settings,
    otlp: &Otlp,
    worker: Option<&Handle>,
    counts: &Arc<Counts>,
) -> Result<Stop, ConfigError> {
    let source = Source {
        registry: registry.clone(),
        resource: settings.resource.clone(),
        started: SystemTime::now(),
    };
    let sender = Sender::new(otlp, settings.metric_timeout, worker)?;
    let (stop, stopped) = mpsc::sync_channel::<mpsc::SyncSender<bool>>(1);
    let (interval, counting) = (settings.metric_interval, Arc::clone(counts));
    let thread = std::thread::Builder::new().name("sre-kit-metrics".to_owned());
    let spawned = thread.spawn(move || {
        loop {
            let asked = stopped.recv_timeout(interval);
            let arrived = once(&source, &sender, &counting);
            match asked {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(answer) => {
                    let _ = answer.send(arrived);
                    return;
                }
            }
        }
    });
    spawned.map_err(|error| no_thread(&error))?;
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

fn once(source: &Source, sender: &Sender, counts: &Counts) -> bool {
    counts.begin();
    let sent = sender.send(request(source, SystemTime::now()));
    counts.settled(1, sent.as_ref().err().map(|error| error as _));
    sent.is_ok()
}
