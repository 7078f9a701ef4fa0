//! A service that drops optional work and traces every request while its error budget burns fast.
//!
//! The product page shows recommendations, which are optional. While a paging tier fires, the
//! service leaves them out to reduce the load on the shared backend, and traces every request
//! instead of one in a hundred. Both stop when the budget no longer burns fast.
//!
//! The example uses a manual clock, to show 90 minutes in about a second. In a service, call
//! `budgets.spawn()` instead.
//!
//! ```text
//! cargo run -p sre-kit-examples --example burn_aware
//! ```
#![allow(clippy::print_stdout, reason = "examples print to standard output")]

use std::convert::Infallible;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use sre_kit::golden_signals::{GoldenSignals, Routes};
use sre_kit::metrics::Registry;
use sre_kit::slo::{Budget, Budgets, Clock, Objective, Slo, Slos};
use tower::{Layer, Service, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let objective = Objective::percent(99.9)?;
    let slos = Slos::new("shop", [Slo::availability("product", objective).routes(["/p/{id}"])])?;
    let registry = Registry::new();
    let (clock, hand) = Clock::manual();
    let budgets = Budgets::builder().slos(&slos).clock(clock).build(&registry)?;
    // The layer counts each request; the handler only reads the budget.
    let signals = GoldenSignals::builder()
        .routes(Routes::new(["/p/{id}"])?)
        .slos(&budgets)
        .build(&registry)?;

    let shop = Shop::new(budgets.slo("product")?);
    let mut service = signals.layer().layer(service_fn(|request| shop.page(request)));

    let mut before = None;
    for second in (0..5_400_u64).step_by(2) {
        // The backend is down from minute 30 to minute 40.
        shop.backend_down.store((1_800..2_400).contains(&second), Ordering::Relaxed);
        for _ in 0..20 {
            let Ok(response) = service.call(Request::get("/p/1").body(())?).await;
            drain(response).await;
        }
        hand.advance(Duration::from_secs(2));
        budgets.tick();
        let burning = shop.product.burning_fast();
        if before.replace(burning) != Some(burning) {
            println!(
                "minute {:>4.1}: {}; {} pages had recommendations, {} of {} requests were traced",
                second as f64 / 60.0,
                if burning { "the budget burns fast" } else { "the burn rate is normal" },
                shop.recommended.load(Ordering::Relaxed),
                shop.traced.load(Ordering::Relaxed),
                shop.served.load(Ordering::Relaxed),
            );
        }
    }
    println!("\n{}", budgets.report());
    Ok(())
}

struct Shop {
    product: Budget,
    backend_down: AtomicBool,
    served: AtomicU64,
    recommended: AtomicU64,
    traced: AtomicU64,
}

impl Shop {
    fn new(product: Budget) -> Self {
        Self {
            product,
            backend_down: AtomicBool::new(false),
            served: AtomicU64::new(0),
            recommended: AtomicU64::new(0),
            traced: AtomicU64::new(0),
        }
    }

    #[expect(clippy::unused_async, reason = "a real handler would await its backend")]
    async fn page(&self, _: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
        // This is one atomic load per tier, which is cheap enough for every request.
        let burning = self.product.burning_fast();
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        if burning || number.is_multiple_of(100) {
            // A real service would sample the trace here.
            self.traced.fetch_add(1, Ordering::Relaxed);
        }
        let mut response = Response::new(Full::from("a product"));
        if self.backend_down.load(Ordering::Relaxed) {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        } else if !burning {
            self.recommended.fetch_add(1, Ordering::Relaxed);
        }
        Ok(response)
    }
}

/// Reads the body to its end, as a server does when it sends the response.
async fn drain<B: http_body_util::BodyExt>(response: Response<B>) {
    let _ = response.into_body().collect().await;
}
