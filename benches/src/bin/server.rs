//! Serves one of the whole servers on one thread, until standard input ends.
//!
//! `server NAME` prints its address. `whole_server` starts it under callgrind.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

use std::io::Read;
use std::process::ExitCode;

use sre_kit_benches::whole_server::{by_name, servers};
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some(server) = by_name(&name) else {
        eprintln!("there is no server {name:?}; there are:");
        for server in servers() {
            eprintln!("  {}", server.name);
        }
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        println!("{}", listener.local_addr().expect("bound"));
        let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let serving = (server.serve)(listener);
        tokio::select! {
            () = serving => {}
            _ = end => {}
        }
    });
    // What the variants left in the background goes with the runtime.
    runtime.shutdown_background();
    ExitCode::SUCCESS
}
