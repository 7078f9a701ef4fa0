//! Startup, readiness and liveness.
