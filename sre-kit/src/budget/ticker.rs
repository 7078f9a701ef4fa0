//! The task that takes the snapshots.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::budgets::Budgets;
use super::window::TICK;

/// The time between two writes of the checkpoint, if one was set.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);

/// A guard of the task that takes the snapshots. Dropping it stops the task.
#[must_use = "dropping the ticker stops the snapshots"]
#[derive(Debug)]
pub struct Ticker(JoinHandle<()>);

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Budgets {
    /// Spawns a task that takes a snapshot every two seconds and, if a file was set, writes a
    /// checkpoint every minute. The task ends when the returned guard is dropped.
    ///
    /// # Panics
    ///
    /// Panics if it is called outside of a tokio runtime.
    pub fn spawn(&self) -> Ticker {
        Ticker(tokio::spawn(self.clone().run()))
    }

    /// Takes a snapshot every two seconds and, if a file was set, writes a checkpoint every
    /// minute. Use it instead of [`spawn`](Self::spawn) to run the loop in a task of your own.
    ///
    /// The future never completes. It is cancel safe: dropping it between two snapshots loses
    /// nothing, and a checkpoint that is being written is completed on its blocking thread.
    ///
    /// After a pause of the task or of the whole process it takes one snapshot at once and the
    /// next when it is due. Missed ticks are not caught up.
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
