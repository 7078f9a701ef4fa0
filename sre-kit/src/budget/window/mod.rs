//! Sliding windows, from five minutes to the period, over snapshots of two counters.

mod clock;
mod level;
mod ring;
mod slot;
mod window_stats;

#[cfg(test)]
mod tests;

pub use clock::{Clock, ManualClock};
pub(crate) use ring::{Gap, Ring, TICK};
pub(crate) use slot::{Slot, Snapshot};
pub use window_stats::WindowStats;
