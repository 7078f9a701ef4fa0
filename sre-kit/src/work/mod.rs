//! Units of work: jobs, messages and tasks, each counted exactly once.
//!
//! ```
//! use sre_kit::metrics::Registry;
//! use sre_kit::work::{Work, WorkOutcome, WorkUnit};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let registry = Registry::new();
//! let work = Work::new(&registry, [WorkUnit::new("import")?])?;
//! let import = work.unit("import")?;
//! # async fn import_file() -> Result<u32, std::io::Error> { Ok(3) }
//! let rows = import.run(import_file()).await?;
//! assert_eq!(work.ended(WorkOutcome::Ok), 1);
//! # let _ = rows;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A service of the whole kit passes its units to `SreKit::builder` and gets them from
//! `SreKit::work`.
//!
//! # Metrics
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `work_units_started_total` | counter | `work` | units that started |
//! | `work_units_total` | counter | `work`, `outcome` | units that ended, by [`WorkOutcome`] |
//! | `work_active_units` | gauge | `work` | units that started and did not end |
//! | `work_duration_seconds` | histogram | `work`, `outcome` | time from the start to the end |
//! | `work_wait_seconds` | histogram | `work` | time from the entry into a queue to the start, of units that declare it |
//! | `messaging_process_duration_seconds` | histogram | `messaging_system`, `messaging_operation_name`, `error_type` | the duration of units that process a message |
//! | `panics_total` | counter | `thread` | panics of any thread, with [`count_panics`] |
//!
//! The label `work` is the name of a declared unit, so its cardinality is bounded by construction.
//! All series exist at zero from the start. This query returns the share of units that failed in
//! the last five minutes:
//!
//! ```text
//! sum by (work) (rate(work_units_total{outcome=~"error|timeout|panic"}[5m]))
//!   / sum by (work) (rate(work_units_total[5m]))
//! ```
//!
//! # How a unit ends
//!
//! A unit starts with the call of [`WorkHandle::run`] and ends exactly once: with its result, with a
//! panic, or when its future is dropped, polled or not. In each scrape, the number of started units
//! is the sum of all outcomes plus the number in flight. An error is a timeout or a refusal if a
//! type in its chain says so: tokio's and `tower`'s `Elapsed`, or `Overloaded`.
//!
//! # Cancel safety
//!
//! The future may be dropped at any time, which ends the unit as canceled. A panic is counted and
//! continues to unwind.
//!
//! # Cost
//!
//! A unit takes no lock and allocates nothing.

mod builder;
mod guard;
mod handle;
mod outcome;
mod panics;
mod result;
mod run;
mod shared;
mod unit;

use std::fmt;
use std::sync::Arc;

use shared::Shared;

pub use builder::WorkBuilder;
pub use handle::WorkHandle;
pub use outcome::WorkOutcome;
pub use panics::count_panics;
pub use result::WorkResult;
pub use run::RunWork;
pub use unit::WorkUnit;

use crate::ConfigError;

/// The recorder of the units of work. Clones are cheap and count together.
#[derive(Clone)]
pub struct Work {
    shared: Arc<Shared>,
}

impl Work {
    /// Returns a declared unit.
    ///
    /// # Errors
    ///
    /// Returns an error if no unit has this name. The message lists the declared ones.
    pub fn unit(&self, name: &str) -> Result<WorkHandle, ConfigError> {
        let units = &self.shared.units;
        let Some(unit) = units.iter().position(|unit| *unit.name == *name) else {
            let names: Vec<_> = units.iter().map(|unit| &*unit.name).collect();
            return Err(ConfigError::new(
                "work unit",
                name,
                "no unit of that name is declared",
                if names.is_empty() {
                    "declare it with `WorkUnit::new`; there are no units yet".to_owned()
                } else {
                    format!("declare it with `WorkUnit::new`, or use one of {}", names.join(", "))
                },
            ));
        };
        Ok(WorkHandle::new(&self.shared, unit))
    }

    /// Returns the number of units that have started.
    pub fn started(&self) -> u64 {
        self.shared.counts.started()
    }

    /// Returns the number of units that ended in `outcome`.
    pub fn ended(&self, outcome: WorkOutcome) -> u64 {
        self.shared.counts.ended(outcome as usize)
    }

    /// Returns the number of units in flight, which have started and not ended.
    pub fn in_flight(&self) -> u64 {
        self.shared.counts.active()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.shared.units.iter().map(|unit| &*unit.name).collect();
        f.debug_struct("Work").field("units", &names).finish_non_exhaustive()
    }
}
