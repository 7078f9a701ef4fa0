//! What a collector has got, and how it goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sre_kit_telemetry::testing::OtlpPayload;

use super::answer::{Answer, Script};

#[derive(Debug, Default)]
pub(super) struct State(Mutex<Inner>);

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) script: Script,
    pub(super) requests: usize,
    pub(super) taken: OtlpPayload,
    pub(super) refused: Vec<String>,
}

impl State {
    pub(super) fn next_answer(&self) -> Answer {
        let mut inner = self.lock();
        inner.requests += 1;
        inner.script.take()
    }

    pub(super) fn take(&self, payload: OtlpPayload) {
        let mut inner = self.lock();
        let taken = &mut inner.taken;
        taken.resource.extend(payload.resource);
        taken.spans.extend(payload.spans);
        taken.records.extend(payload.records);
        taken.metrics.extend(payload.metrics);
    }

    pub(super) fn refuse(&self, error: String) {
        self.lock().refused.push(error);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
