//! What was counted in the last five minutes, and in the last thirty days.

mod clock;
mod level;
mod reading;
mod ring;
mod slot;

#[cfg(test)]
mod tests;

pub use clock::{Clock, ManualClock};
pub use reading::WindowStats;
pub(crate) use ring::{Gap, Ring, TICK};
pub(crate) use slot::{Slot, Snapshot};
