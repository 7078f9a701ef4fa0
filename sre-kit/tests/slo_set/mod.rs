//! SLOs that stand for what services have: both HTTP kinds, work that is no
//! request, an odd period, an objective that allows much.

use std::time::Duration;

use sre_kit::slo::render::{Options, Receiver};
use sre_kit::slo::{Objective, Period, Severity, Slo, Slos};

fn percent(value: f64) -> Objective {
    Objective::percent(value).expect("an objective")
}

/// A shop's.
pub(crate) fn shop() -> Slos {
    Slos::new(
        "shop",
        [
            Slo::availability("checkout", percent(99.9))
                .description("Orders go through.")
                .owner("payments")
                .runbooks("https://runbooks.example.com/shop/")
                .routes(["/cart/{id}/checkout"])
                .methods(["POST"]),
            Slo::latency("search-latency", percent(99.0), Duration::from_millis(300))
                .description("Search answers while people wait.")
                .routes(["/search", "/suggest"])
                .period(Period::days(28))
                .exclude_marked("load_test")
                .label("tier", "gold"),
            Slo::ratio("import", percent(90.0)).description("Imports arrive."),
        ],
    )
    .expect("a valid set")
}

/// As a platform team would set them.
pub(crate) fn options() -> Options {
    Options::new()
        .runbooks("https://runbooks.example.com/default")
        .grafana("https://grafana.example.com/")
        .receiver(
            Severity::Page,
            Receiver::pager_duty("on-call", "/etc/alertmanager/secrets/alerts/pagerduty")
                .and(Receiver::slack("on-call", "/etc/alertmanager/secrets/alerts/slack", "#sre")),
        )
        .receiver(
            Severity::Ticket,
            Receiver::webhook("tickets", "https://tickets.example.com/hook"),
        )
        .heartbeat(Receiver::webhook("heartbeat", "https://heartbeat.example.com/hook"))
        .other_alerts()
        .kubernetes_namespace("shop")
        .label("team", "storefront")
        .datasource_uid("prometheus-main")
}
