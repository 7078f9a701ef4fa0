//! Service level objectives.
