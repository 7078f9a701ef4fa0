//! Tests against real servers, linked into one binary. Each file or folder is a module.
// PostgreSQL and its programs are started as on a Unix system.
#![cfg(unix)]

mod connector;
mod db;
mod exposition;
mod first_hour;
mod migrate;
mod prometheus_3;
mod slo;

#[cfg(feature = "db-postgres")]
#[path = "../db_support/mod.rs"]
mod db_support;
#[cfg(feature = "db-postgres")]
#[path = "../db_support/load.rs"]
mod load;
#[cfg(feature = "render")]
#[path = "../slo_set/mod.rs"]
mod slo_set;
