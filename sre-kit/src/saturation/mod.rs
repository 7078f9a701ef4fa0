//! How full the service is.
