//! A service that does less, and looks closer, while its error budget burns fast.
//!
//! The product page has recommendations beside the product. They are optional:
//! while a page fires they are left out, so that the backend which both share
//! gets room, and every request is traced instead of one in a hundred. When the
//! budget has stopped burning, both go back by themselves.
//!
//! The clock is moved by hand, so that the example shows an hour in a second.
//! Use `budgets.spawn()` in a service.
//!
//! ```text
//! cargo run -p sre-kit-examples --example burn_aware
//! ```
#![allow(clippy::print_stdout)] // an example speaks

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
    // The layer counts each request; the handler only asks.
    let signals = GoldenSignals::builder()
        .routes(Routes::new(["/p/{id}"])?)
        .slos(&budgets)
        .build(&registry)?;

    let shop = Shop::new(budgets.slo("product")?);
    let mut service = signals.layer().layer(service_fn(|request| shop.page(request)));

    let mut before = None;
    for second in (0..5_400_u64).step_by(2) {
        // The backend is out from minute 30 to minute 40.
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
                "minute {:>4.1}: {}; {} pages had recommendations, {} of {} were traced",
                second as f64 / 60.0,
                if burning { "the budget burns fast" } else { "all is well" },
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

    #[expect(clippy::unused_async, reason = "a page waits for its backend; this one is short")]
    async fn page(&self, _: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
        // One atomic load per tier: cheap enough for every request.
        let burning = self.product.burning_fast();
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        if burning || number.is_multiple_of(100) {
            // Where a service would sample the trace.
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

/// Reads the body to its end, as a server does when it sends it.
async fn drain<B: http_body_util::BodyExt>(response: Response<B>) {
    let _ = response.into_body().collect().await;
}
