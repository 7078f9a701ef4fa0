//! Log lines, and which of them are written.

pub(crate) mod json;
pub(crate) mod level;
pub(crate) mod subscriber;
