//! What is generated, judged by the programs that will run it: promtool, amtool,
//! Prometheus, Alertmanager.
#![cfg(feature = "render")]
#![allow(clippy::print_stdout, reason = "a failure is read beside what the tools said")]

mod delivery;
mod exists;
mod http;
mod live;
mod mutants;
mod rules;
mod shop;
mod sinks;
mod stack;
mod tools;
