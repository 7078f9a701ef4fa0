//! Prints the scorecard: what each layer records in each scene.

use sre_kit_benches::scorecard::{peers, rows, table};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Silences the panics, which are part of the scenes.
    std::panic::set_hook(Box::new(|_| {}));
    let peers = peers();
    let rows = rows(&peers).await;
    #[allow(clippy::print_stdout)]
    {
        print!("{}", table(&peers, &rows));
    }
}
