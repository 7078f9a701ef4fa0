//! A Kubernetes on this machine: one node, the real programs, no image registry.
//!
//! The control plane, kubelet, kube-proxy and containerd run as processes in a
//! network namespace of their own; CoreDNS and metrics-server run as pods in it.
//! The machine reaches Services and pods by their addresses, and nothing in the
//! cluster reaches the world. The bridge does not enforce NetworkPolicy.
//!
//! * `cluster`: starts, stops and describes it
//! * `layout`: where everything is, and its addresses
//! * `machine`: what a machine must have
//! * `network`: the namespace and the link to it
//! * `pki`: who is who
//! * `components`: the programs and their settings
//! * `process`: starting and stopping them
//! * `containers`: what containers leave behind
//! * `load`, `image`: images without a registry
//! * `command`: the command line
#![allow(clippy::print_stdout, reason = "a command line tool speaks there")]

mod cluster;
mod command;
mod components;
mod containers;
mod image;
mod layout;
mod load;
mod machine;
mod network;
mod pki;
mod process;

pub use command::{Verb, run};
