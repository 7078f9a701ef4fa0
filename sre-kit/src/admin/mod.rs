//! The second listener: metrics, probes, version.
