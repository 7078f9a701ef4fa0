//! Error budgets in the process: recorded by middleware or by hand, read in code, exported.

#[expect(clippy::module_inception, reason = "a file is named as its type")]
mod budget;
mod budget_cells;
mod budget_state;
mod budgets;
mod builder;
mod checkpoint;
mod event_counter;
mod gauges;
mod report;
mod ticker;
mod tier_state;
mod tier_status;
mod window;

#[cfg(test)]
mod tests;

pub use budget::Budget;
pub(crate) use budget_cells::BudgetCells;
pub use budgets::Budgets;
pub use builder::BudgetsBuilder;
pub use checkpoint::CheckpointError;
pub(crate) use event_counter::EventCounter;
pub use report::{Report, SloReport, TierReport, WindowReport};
pub use ticker::Ticker;
pub use tier_state::TierState;
pub use tier_status::TierStatus;
pub use window::{Clock, ManualClock, WindowStats};
