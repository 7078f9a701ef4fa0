//! Tests of a service's signals: a counter, an SLO, a page, the log, and the spans.
//!
//! ```text
//! cargo test -p sre-kit-examples --example testing
//! ```
//!
//! The service is that of `main`, which `cargo run -p sre-kit-examples --example testing` serves.

use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use sre_kit::golden_signals::RouteSource;
use sre_kit::lifecycle::{self, ShutdownReport};
use sre_kit::slo::Slo;
use sre_kit::{ConfigError, SreKit, SreKitBuilder};
use tokio::net::TcpListener;

/// The settings of the kit, for `main` and for the tests.
fn kit() -> Result<SreKitBuilder, ConfigError> {
    Ok(SreKit::builder(sre_kit::build_info!())
        .routes(RouteSource::axum())
        .slo(Slo::availability("checkout", "99.9".parse()?).routes(["/checkout"])))
}

/// The application, for `main` and for the tests.
fn app(kit: &SreKit) -> Router {
    Router::new()
        .route("/checkout", get(checkout))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(kit.http_layer())
}

async fn checkout(uri: Uri) -> StatusCode {
    if charge(uri.query() != Some("fail")) {
        tracing::info!("paid");
        return StatusCode::OK;
    }
    tracing::error!(reason = "declined", "the payment failed");
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Asks the bank.
fn charge(accepted: bool) -> bool {
    tracing::info_span!("charge", accepted).in_scope(|| accepted)
}

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(serve())
}

async fn serve() -> Result<ShutdownReport, Box<dyn Error>> {
    let kit = kit()?.with_env()?.build()?;
    let app = app(&kit);
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    Ok(kit.serve(listener, app).await?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sre_kit::testing::{TestKit, assert_alert, assert_no_alert};

    fn test_kit() -> TestKit {
        TestKit::new(super::kit().expect("valid")).expect("valid")
    }

    #[tokio::test]
    async fn a_failed_payment_is_an_error_of_the_checkout_and_is_logged() {
        let test = test_kit();
        let client = test.client(super::app(test.kit()));
        client.get("/checkout").await.assert_status(200);
        client.get("/checkout?fail").await.assert_status(500);

        test.metric("sre_kit_http_server_requests_total")
            .label("outcome", "error")
            .assert_rose_by(1);
        test.slo("checkout").assert_good(1).assert_bad(1);
        test.assert_logged("payment failed").assert_field("reason", "declined");
        test.assert_nothing_in_flight();
    }

    #[tokio::test]
    async fn a_checkout_has_a_span_for_the_bank() {
        let test = test_kit();
        test.client(super::app(test.kit())).get("/checkout").await;
        test.spans().assert_tree("GET /checkout\n  charge");
        assert_eq!(test.spans().find("charge").attribute("accepted"), Some("true"));
        test.assert_no_warnings();
    }

    #[tokio::test]
    async fn a_total_outage_pages_within_a_minute() {
        let test = test_kit();
        let client = test.client(super::app(test.kit()));
        test.past_traffic("checkout", 1, Duration::from_hours(2));
        assert_no_alert!(test, "checkout", within = 5m, while client.get("/checkout").await);
        let fail = "/checkout?fail";
        assert_alert!(test, "checkout", Fast, within = 60s, while client.get(fail).await);
    }

    #[tokio::test]
    async fn nothing_that_a_client_sends_becomes_a_label() {
        let test = test_kit();
        let client = test.client(super::app(test.kit()));
        client.get("/checkout").await;
        client.get("/nowhere").await;
        test.mark();
        for user in 0..50 {
            client.get(&format!("/checkout?user={user}")).await;
            client.get(&format!("/nowhere/{user}")).await;
        }
        test.assert_no_new_series();
    }
}
