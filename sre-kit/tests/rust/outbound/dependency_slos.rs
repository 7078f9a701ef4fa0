//! SLOs of dependencies.

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use sre_kit::metrics::Registry;
use sre_kit::outbound::{Outbound, Peer};
use sre_kit::slo::{Budgets, Objective, Slo, Slos};
use tower::{BoxError, Layer, service_fn};

use super::call;

fn percent(value: f64) -> Objective {
    Objective::percent(value).expect("an objective")
}

fn peer() -> Peer {
    let peer = Peer::http("payments", "http://payments.internal").expect("valid");
    peer.routes(["/charges/{id}"])
}

fn built(slos: Vec<Slo>) -> Result<(Budgets, Outbound), sre_kit::ConfigError> {
    let registry = Registry::new();
    let budgets = Budgets::new(&registry, &Slos::new("shop", slos)?)?;
    let outbound = Outbound::builder().peer(peer()).slos(&budgets).build(&registry)?;
    Ok((budgets, outbound))
}

/// Makes a call that ends with this status, or with an error for 0.
async fn make(outbound: &Outbound, path: &str, status: u16) {
    let client = service_fn(move |_: Request<Full<Bytes>>| {
        let response = Response::builder().status(status.max(100)).body(Empty::<Bytes>::new());
        ready(if status == 0 {
            Err::<_, BoxError>("refused".into())
        } else {
            Ok(response.expect("valid"))
        })
    });
    let client = outbound.peer("payments").expect("declared").layer().layer(client);
    let url = format!("http://payments.internal{path}");
    let _ = call(client, Request::get(url).body(Full::default()).expect("valid")).await;
}

#[tokio::test]
async fn each_call_is_one_event_of_each_slo_that_selects_it() {
    let dependency = || Slo::dependency("payments", percent(99.0));
    let (budgets, outbound) = built(vec![
        dependency(),
        dependency().named("charges").routes(["/charges/{id}"]),
        dependency().named("posts").methods(["POST"]),
        dependency().within(Duration::from_hours(1)).named("fast"),
        dependency().within(Duration::from_nanos(1)).named("slow"),
        Slo::availability("pages", percent(90.0)),
    ])
    .expect("valid");
    for (path, status) in
        [("/charges/1", 200), ("/charges/2", 404), ("/else", 503), ("/else", 504), ("/else", 0)]
    {
        make(&outbound, path, status).await;
    }
    let totals = |name| budgets.slo(name).expect("defined").totals();
    assert_eq!(totals("payments"), (2, 3));
    assert_eq!(totals("charges"), (2, 0));
    assert_eq!(totals("posts"), (0, 0));
    // A failure burns the budget of the availability SLO, a timeout burns both.
    assert_eq!(totals("fast"), (2, 1));
    assert_eq!(totals("slow"), (0, 3));
    assert_eq!(totals("pages"), (0, 0), "calls are no requests");
}

#[tokio::test]
async fn a_call_that_this_service_gave_up_is_excluded() {
    let (budgets, outbound) =
        built(vec![Slo::dependency("payments", percent(99.0))]).expect("valid");
    let client = service_fn(|_: Request<Full<Bytes>>| {
        std::future::pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    });
    let client = outbound.peer("payments").expect("declared").layer().layer(client);
    let request = Request::get("http://payments.internal/").body(Full::default()).expect("valid");
    drop(tower::ServiceExt::oneshot(client, request));
    assert_eq!(outbound.started(), 0, "it was not called yet");
    let client = service_fn(|_: Request<Full<Bytes>>| {
        std::future::pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    });
    let mut client = outbound.peer("payments").expect("declared").layer().layer(client);
    let request = Request::get("http://payments.internal/").body(Full::default()).expect("valid");
    drop(tower::Service::call(&mut client, request));
    let budget = budgets.slo("payments").expect("defined");
    assert_eq!(budget.totals(), (0, 0));
    assert!(budget.excluded_total().contains(&("canceled", 1)));
}

#[test]
fn an_slo_of_what_is_not_declared_is_refused() {
    let refused = |slo| built(vec![slo]).expect_err("refused").to_string();
    let dependency = || Slo::dependency("payments", percent(99.0));
    assert!(refused(Slo::dependency("stock", percent(99.0))).contains("no peer of that name"));
    assert!(refused(dependency().routes(["/refunds"])).contains("does not declare that route"));
    assert!(refused(dependency().methods(["BREW"])).contains("folds that method"));
    assert!(refused(dependency().bad("service_error")).contains("none of its events"));
}

#[cfg(feature = "serve")]
#[tokio::test]
async fn a_kit_counts_the_slos_of_its_peers_and_units_of_work() {
    use sre_kit::SreKit;
    use sre_kit::work::WorkUnit;
    let slos = || [Slo::dependency("payments", percent(99.0)), Slo::work("import", percent(95.0))];
    let unit = WorkUnit::new("import").expect("valid");
    let kit = SreKit::builder(sre_kit::build_info!()).slos(slos()).peer(peer()).work_unit(unit);
    let kit = kit.build().expect("valid");
    make(kit.outbound().expect("declared"), "/", 503).await;
    kit.work("import").expect("declared").run_blocking(|| ());
    let _ = kit.work("import").expect("declared").run_blocking(|| Err::<(), _>("failed"));
    assert_eq!(kit.slo("payments").expect("defined").totals(), (0, 1));
    assert_eq!(kit.slo("import").expect("defined").totals(), (1, 1));
    for slo in slos() {
        let kit = SreKit::builder(sre_kit::build_info!()).slo(slo).build();
        assert!(kit.expect_err("refused").to_string().contains("nothing would be counted"));
    }
}
