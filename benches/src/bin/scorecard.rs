//! Prints what each layer records of what happens to a service.

use sre_kit_benches::scorecard::{peers, rows, table};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // The scenes panic on purpose.
    std::panic::set_hook(Box::new(|_| {}));
    let peers = peers();
    let rows = rows(&peers).await;
    #[allow(clippy::print_stdout)]
    {
        print!("{}", table(&peers, &rows));
    }
}
