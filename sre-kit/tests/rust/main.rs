//! Tests that need nothing but Rust, linked into one binary. Each file is a module.

mod admin;
mod admin_access;
mod admission;
mod admission_permits;
mod admission_sockets;
mod axum_routes;
mod body_end;
mod conservation;
mod console;
mod constructors;
#[cfg(feature = "testing")]
mod exposition;
mod golden_signals;
mod health;
mod lifecycle;
mod manual;
#[cfg(feature = "outbound")]
mod outbound;
mod protobuf;
mod registry;
mod saturation;
mod server;
mod server_bounds;
mod server_readiness;
mod slo_golden;
mod slo_render;
mod slo_requests;
#[cfg(all(unix, feature = "systemd"))]
mod systemd;
mod telemetry;
mod telemetry_flush;
mod testing;
#[cfg(feature = "tls")]
mod tls;
mod work;

#[cfg(feature = "render")]
#[path = "../slo_set/mod.rs"]
mod slo_set;
mod support;
