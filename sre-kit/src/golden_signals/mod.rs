//! The tower middleware that records every request exactly once.
