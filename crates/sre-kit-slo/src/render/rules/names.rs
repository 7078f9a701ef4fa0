//! The names of alerts, runbook pages and recorded series.

pub(in crate::render) const BURN: &str = "SLOErrorBudgetBurn";
pub(in crate::render) const ABSENT: &str = "SLOSourceAbsent";
pub(in crate::render) const EXHAUSTED: &str = "SLOErrorBudgetExhausted";

// The runbook pages, one per alert.
pub(in crate::render) const BURN_PAGE: &str = "error-budget-burn";
pub(in crate::render) const ABSENT_PAGE: &str = "source-absent";
pub(in crate::render) const EXHAUSTED_PAGE: &str = "error-budget-exhausted";

pub(in crate::render) const OBJECTIVE: &str = "slo:objective:ratio";
pub(in crate::render) const ERROR_BUDGET: &str = "slo:error_budget:ratio";
pub(in crate::render) const TIME_PERIOD: &str = "slo:time_period:days";
pub(in crate::render) const CURRENT_BURN: &str = "slo:current_burn_rate:ratio";
pub(in crate::render) const PERIOD_BURN: &str = "slo:period_burn_rate:ratio";
pub(in crate::render) const REMAINING: &str = "slo:period_error_budget_remaining:ratio";
