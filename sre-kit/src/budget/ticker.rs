//! What takes the snapshots.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::engine::Budgets;
use super::window::TICK;

/// How often a checkpoint is written, if one was set.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);

/// Takes snapshots until it is dropped.
#[must_use = "dropping it stops the snapshots"]
#[derive(Debug)]
pub struct Ticker(JoinHandle<()>);

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Budgets {
    /// Starts the ticker: a snapshot every two seconds, and a checkpoint every
    /// minute if a file was set.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn(&self) -> Ticker {
        Ticker(tokio::spawn(self.clone().run()))
    }

    /// The ticker as a future that never ends, for whoever runs tasks in their
    /// own way. It may be dropped at any time.
    ///
    /// After a pause, of this task or of the whole process, one snapshot is
    /// taken at once and the next when it is due: there is no burst of late ones.
    pub async fn run(self) {
        let mut due = tokio::time::interval_at(Instant::now() + TICK, TICK);
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut saved = Instant::now();
        loop {
            due.tick().await;
            self.tick();
            if self.inner.checkpoint.is_some() && saved.elapsed() >= CHECKPOINT_EVERY {
                saved = Instant::now();
                self.save_in_background().await;
            }
        }
    }

    async fn save_in_background(&self) {
        let budgets = self.clone();
        let saved = tokio::task::spawn_blocking(move || budgets.save_checkpoint()).await;
        if let Ok(Err(err)) = saved {
            tracing::warn!(error = %err, "the SLO checkpoint was not written");
        }
    }
}
