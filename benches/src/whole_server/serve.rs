//! The process that serves.

use std::io::Read;

use tokio::net::TcpListener;

use super::variants::by_name;

/// Serves the whole server `name` on one thread, prints its address, and ends at the end of standard
/// input. Returns `None` if there is no such server.
///
/// # Panics
///
/// Panics if there is no runtime or no port.
#[allow(clippy::print_stdout, reason = "the address is for the process that started this one")]
pub fn serve(name: &str) -> Option<()> {
    let server = by_name(name)?;
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
    Some(())
}
