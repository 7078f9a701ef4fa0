//! Log lines, their format and their level.

pub(crate) mod json;
pub(crate) mod log_format;
pub(crate) mod log_level;
pub(crate) mod sensitive;
pub(crate) mod subscriber;
