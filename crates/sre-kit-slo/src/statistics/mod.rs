//! Exact tail probabilities, for the minimum of bad events and for the canary gate.

pub(crate) mod binomial;
pub(crate) mod hypergeometric;
