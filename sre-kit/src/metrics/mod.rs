//! The registry, sharded counters and histograms, and their exposition.
