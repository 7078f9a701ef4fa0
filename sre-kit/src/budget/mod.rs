//! Error budgets in the process: recorded, read in code, exported.

mod builder;
mod cells;
mod checkpoint;
mod engine;
mod handle;
mod metrics;
mod report;
mod state;
mod ticker;
mod track;
mod window;

#[cfg(test)]
mod tests;

pub use builder::BudgetsBuilder;
pub(crate) use cells::BudgetCells;
pub use checkpoint::CheckpointError;
pub use engine::Budgets;
pub use handle::Budget;
pub use report::{Report, SloReport, TierReport, WindowReport};
pub use state::{TierState, TierStatus};
pub use ticker::Ticker;
pub use window::{Clock, ManualClock, WindowStats};
