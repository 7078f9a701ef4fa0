//! What a request is to an SLO: good, bad, left out, or none of its business.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use sre_kit::ConfigError;
use sre_kit::golden_signals::{
    GoldenSignals, Outcome, RouteSource, Routes, SloExclusion, Streaming,
};
use sre_kit::metrics::Registry;
use sre_kit::slo::{Budget, Budgets, Objective, Slo, Slos};
use tower::{Layer, Service, service_fn};

fn objective() -> Objective {
    Objective::percent(99.0).expect("valid")
}

fn availability() -> Slo {
    Slo::availability("slo", objective())
}

fn latency() -> Slo {
    Slo::latency("slo", objective(), Duration::from_hours(1))
}

fn table() -> RouteSource {
    Routes::new(["/items/{id}", "/search", "/health"]).expect("valid").into()
}

fn kit(slo: Slo, routes: RouteSource) -> Result<(GoldenSignals, Budget), ConfigError> {
    let registry = Registry::new();
    let budgets = Budgets::new(&registry, &Slos::new("test", [slo])?)?;
    let budget = budgets.slo("slo")?;
    let signals = GoldenSignals::builder()
        .routes(routes)
        .exclude(["/health"])
        .slos(&budgets)
        .slo_exclusion(|head| head.headers.contains_key("x-probe").then_some("synthetic"))
        .build(&registry)?;
    Ok((signals, budget))
}

/// Answers a request with what `shape` makes of an empty 200.
async fn ask(
    signals: &GoldenSignals,
    request: Request<()>,
    shape: impl Fn(&mut Response<Full<Bytes>>),
) {
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        let mut response = Response::new(Full::new(Bytes::from_static(b"x")));
        shape(&mut response);
        std::future::ready(Ok::<_, Infallible>(response))
    }));
    let Ok(response) = service.call(request).await;
    response.into_body().collect().await.expect("infallible");
}

fn request(method: Method, path: &str) -> Request<()> {
    Request::builder().method(method).uri(path).body(()).expect("valid")
}

fn get(path: &str) -> Request<()> {
    request(Method::GET, path)
}

/// Good, bad and each reason with a count.
fn totals(budget: &Budget) -> (u64, u64, Vec<(String, u64)>) {
    let (good, bad) = budget.totals();
    let excluded = budget.excluded_total().into_iter().filter(|(_, n)| *n > 0);
    (good, bad, excluded.map(|(reason, n)| (reason.to_owned(), n)).collect())
}

/// What the table in the documentation of `Slo` says, outcome by outcome.
#[tokio::test]
async fn every_outcome_counts_as_documented() {
    for outcome in Outcome::ALL {
        for (slo, kind) in [(availability(), "availability"), (latency(), "latency")] {
            let (signals, budget) = kit(slo, RouteSource::none()).expect("valid");
            ask(&signals, get("/"), |response| {
                response.extensions_mut().insert(outcome);
            })
            .await;
            assert_eq!(signals.ended(outcome), 1);
            let left_out = |reason: &str| (0, 0, vec![(reason.to_owned(), 1)]);
            let (good, bad) = ((1, 0, vec![]), (0, 1, vec![]));
            let expected = match (outcome, kind) {
                (Outcome::Ok | Outcome::ClientError, _) => good,
                (Outcome::AbortedBeforeHeaders | Outcome::AbortedMidBody, _) => {
                    left_out("client_abort")
                }
                (Outcome::Timeout, _) | (_, "availability") => bad,
                _ => left_out("failed"),
            };
            assert_eq!(totals(&budget), expected, "{kind} of {outcome}");
        }
    }
}

#[tokio::test]
async fn routes_and_methods_select() {
    let slo = availability().routes(["/items/{id}", "/search"]).methods(["GET", "HEAD"]);
    let (signals, budget) = kit(slo, table()).expect("valid");
    for (method, path, events) in [
        (Method::GET, "/items/1", 1),
        (Method::HEAD, "/items/2", 2),
        (Method::POST, "/items/1", 2),
        (Method::GET, "/search", 3),
        (Method::GET, "/nowhere", 3),
        (Method::GET, "/health", 3),
    ] {
        ask(&signals, request(method.clone(), path), |_| ()).await;
        assert_eq!(budget.totals(), (events, 0), "after {method} {path}");
    }
    let (signals, budget) = kit(availability(), table()).expect("valid");
    ask(&signals, get("/nowhere"), |_| ()).await;
    assert_eq!(budget.totals(), (1, 0), "without a selector every request counts");
}

#[tokio::test]
async fn routes_of_a_function_are_selected_by_their_text_however_many_came_before() {
    let source = RouteSource::from_fn(|head| {
        const NAMES: [&str; 4] = ["a", "b", "c", "late"];
        NAMES.into_iter().find(|name| head.uri.path().ends_with(name))
    });
    let registry = Registry::new();
    let slos = Slos::new("test", [availability().routes(["late"])]).expect("valid");
    let budgets = Budgets::new(&registry, &slos).expect("valid");
    let signals = GoldenSignals::builder()
        .routes(source)
        .max_routes(2)
        .slos(&budgets)
        .build(&registry)
        .expect("valid");
    for path in ["/a", "/b", "/c", "/late"] {
        ask(&signals, get(path), |_| ()).await;
    }
    assert_eq!(budgets.slo("slo").expect("defined").totals(), (1, 0));
}

#[tokio::test]
async fn streams_have_no_latency_and_are_available() {
    for (slo, expected) in
        [(availability(), (1, 0, vec![])), (latency(), (0, 0, vec![("stream".to_owned(), 1)]))]
    {
        let (signals, budget) = kit(slo, RouteSource::none()).expect("valid");
        ask(&signals, get("/"), |response| {
            response.extensions_mut().insert(Streaming);
        })
        .await;
        assert_eq!(totals(&budget), expected);
    }
}

#[tokio::test]
async fn marked_requests_are_left_out_where_that_is_declared() {
    let probe = || Request::get("/").header("x-probe", "1").body(()).expect("valid");
    let declared = availability().exclude_marked("synthetic").exclude_marked("load_test");
    let (signals, budget) = kit(declared, RouteSource::none()).expect("valid");
    ask(&signals, probe(), |response| *response.status_mut() = http::StatusCode::BAD_GATEWAY).await;
    assert_eq!(totals(&budget), (0, 0, vec![("synthetic".to_owned(), 1)]));
    ask(&signals, probe(), |response| {
        response.extensions_mut().insert(SloExclusion::new("load_test"));
    })
    .await;
    assert_eq!(totals(&budget).2, [("load_test".to_owned(), 1), ("synthetic".to_owned(), 1)]);
    ask(&signals, get("/"), |response| {
        response.extensions_mut().insert(SloExclusion::new("never_declared"));
    })
    .await;
    assert_eq!(budget.totals(), (1, 0), "an undeclared mark changes nothing");

    let (signals, budget) = kit(availability(), RouteSource::none()).expect("valid");
    ask(&signals, probe(), |_| ()).await;
    assert_eq!(budget.totals(), (1, 0), "nor does one that this SLO does not declare");
}

#[tokio::test]
async fn outcomes_that_are_not_selected_are_ignored() {
    let slo = availability().only(["ok", "error"]).bad("client_error");
    let (signals, budget) = kit(slo, RouteSource::none()).expect("valid");
    for status in [200, 404, 500, 504] {
        ask(&signals, get("/"), |response| {
            *response.status_mut() = http::StatusCode::from_u16(status).expect("valid");
        })
        .await;
    }
    assert_eq!(totals(&budget), (1, 1, vec![]));
}

#[test]
fn what_can_never_be_counted_is_an_error_when_the_layer_is_built() {
    for (slo, routes, text) in [
        (availability().routes(["/item"]), table(), "the route table does not declare it"),
        (availability().routes(["/items/{id}"]), RouteSource::none(), "the layer has no routes"),
        (availability().routes(["/health"]), table(), "excluded from the golden signals"),
        (availability().methods(["FETCH"]), table(), "folds that method"),
        (availability().bad("degraded"), table(), "no request ends in that outcome"),
        (availability().only(["okay"]), table(), "the outcomes are ok, client_error"),
    ] {
        let described = format!("{slo:?}");
        let err = kit(slo, routes).expect_err(&described);
        assert!(err.to_string().contains(text), "{err}");
        assert_eq!(err.field(), "slo `slo`");
    }
}

#[tokio::test]
async fn a_ratio_is_left_to_its_caller() {
    let (signals, budget) = kit(Slo::ratio("slo", objective()), table()).expect("valid");
    ask(&signals, get("/search"), |_| ()).await;
    assert_eq!(budget.totals(), (0, 0));
}
