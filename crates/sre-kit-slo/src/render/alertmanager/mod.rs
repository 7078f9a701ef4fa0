//! The configuration of Alertmanager: routes, receivers and inhibition rules.

mod receivers;

use std::collections::BTreeMap;
use std::time::Duration;

use super::options::Options;
use super::plan::Plan;
use super::promql::duration;
use super::receiver::Receiver;
use super::rules::{ABSENT, BURN, EXHAUSTED};
use super::yaml::{Yaml, map};
use crate::{Severity, Slos};

/// The receiver of the root route, which drops alerts that are not alerts of SLOs.
pub(super) const DEFAULT_RECEIVER: &str = "nobody";

/// The alert of kube-prometheus-stack, and of many others, that always fires.
const WATCHDOG: &str = "Watchdog";

const HOUR: u64 = 3_600;

const HEADER: &str = "\
Routes and inhibition for the alerts of SLOs. Use it as it is, or move the route below
`routes`, the inhibition rules and the receivers into a configuration of your own.

Receivers come from the options of the generator: webhooks, Slack, PagerDuty, Opsgenie, email.
An address that ends in `.invalid` is a placeholder: set it with `Options::receiver`. Files
hold a secret alone, without a line break at the end.

Check: amtool check-config alertmanager.yaml
";

/// Renders the configuration for the alerts of one service.
pub(super) fn config(slos: &Slos, options: &Options) -> String {
    let mut all = vec![map([("name", Yaml::from(DEFAULT_RECEIVER))])];
    all.push(receivers::receiver(&options.page, true));
    if options.page.name != options.ticket.name {
        all.push(receivers::receiver(&options.ticket, true));
    }
    all.extend(options.heartbeat.as_ref().map(|to| receivers::receiver(to, false)));
    let mut routes = vec![route(slos, options)];
    routes.extend(options.heartbeat.as_ref().map(|to| heartbeat(to, options)));
    if options.other_alerts {
        routes.extend(other_alerts(options));
    }
    map([
        (
            "route",
            map([("receiver", Yaml::from(DEFAULT_RECEIVER)), ("routes", Yaml::List(routes))]),
        ),
        ("inhibit_rules", Yaml::List(inhibitions(slos, options))),
        ("receivers", all.into()),
    ])
    .document(&format!("{HEADER}\n{}", super::HEADER))
}

/// Renders the dead man's switch: the alert that always fires is sent again and again. Whoever waits
/// for it notices that Prometheus or Alertmanager is gone, of which they cannot alert themselves.
fn heartbeat(to: &Receiver, options: &Options) -> Yaml {
    let time = |seconds| Yaml::from(duration(options.compress(Duration::from_secs(seconds))));
    map([
        ("receiver", Yaml::from(&to.name)),
        ("matchers", matchers([matcher("alertname", "=", WATCHDOG)])),
        ("group_wait", Yaml::from("0s")),
        ("group_interval", time(60)),
        ("repeat_interval", time(5 * 60)),
    ])
}

/// Renders the routes of the alerts of other rules, by the severities that kube-prometheus-stack and
/// most others use.
fn other_alerts(options: &Options) -> [Yaml; 2] {
    let time = |seconds| Yaml::from(duration(options.compress(Duration::from_secs(seconds))));
    let to = |severity, receiver: &Receiver, repeat| {
        map([
            ("receiver", Yaml::from(&receiver.name)),
            ("matchers", matchers([matcher("severity", "=", severity)])),
            ("group_by", Yaml::List(["alertname", "namespace"].map(Yaml::from).into())),
            ("group_wait", time(30)),
            ("group_interval", time(5 * 60)),
            ("repeat_interval", time(repeat)),
        ])
    };
    [to("critical", &options.page, 4 * HOUR), to("warning", &options.ticket, 12 * HOUR)]
}

/// Renders a matcher in the syntax of Alertmanager 0.22 and later.
fn matcher(label: &str, operator: &str, value: &str) -> String {
    format!("{label}{operator}{}", super::promql::quoted(value))
}

fn matchers<const N: usize>(list: [String; N]) -> Yaml {
    Yaml::List(list.into_iter().map(Yaml::from).collect())
}

/// Renders the route, with one notification per SLO and severity. A page is sent at once, because
/// its rule has already waited for its windows.
fn route(slos: &Slos, options: &Options) -> Yaml {
    // The waits are compressed with the windows, so that a test does not wait for notifications.
    let time = |seconds| Yaml::from(duration(options.compress(Duration::from_secs(seconds))));
    let to = |severity: Severity, receiver: &Receiver, wait, repeat| {
        map([
            ("receiver", Yaml::from(&receiver.name)),
            ("matchers", matchers([matcher("severity", "=", severity.as_str())])),
            ("group_wait", time(wait)),
            ("repeat_interval", time(repeat)),
        ])
    };
    let names = [BURN, ABSENT, EXHAUSTED].join("|");
    let mut slo_alerts =
        vec![matcher("alertname", "=~", &names), matcher("service", "=", slos.service())];
    slo_alerts.extend(options.scope.iter().map(|(name, value)| matcher(name, "=", value)));
    let mut group = vec!["service", "slo", "severity"];
    group.extend(options.scope.iter().map(|(name, _)| name.as_str()));
    map([
        ("receiver", Yaml::from(&options.ticket.name)),
        ("matchers", Yaml::List(slo_alerts.into_iter().map(Yaml::from).collect())),
        ("group_by", Yaml::List(group.into_iter().map(Yaml::from).collect())),
        ("group_interval", time(5 * 60)),
        (
            "routes",
            Yaml::List(vec![
                to(Severity::Page, &options.page, 10, 4 * HOUR),
                to(Severity::Ticket, &options.ticket, 5 * 60, 120 * HOUR),
            ]),
        ),
    ])
}

/// Renders the inhibition rules: for the same SLO, a tier with a higher factor inhibits those with
/// a lower one.
///
/// A ticket never inhibits a page. With little traffic, the tier with the highest factor is a
/// ticket while one with a lower factor may have enough bad events for a page.
fn inhibitions(slos: &Slos, options: &Options) -> Vec<Yaml> {
    let mut equal = vec!["service", "slo"];
    equal.extend(options.scope.iter().map(|(name, _)| name.as_str()));
    let equal = || Yaml::List(equal.iter().map(|label| Yaml::from(*label)).collect());
    let mut rules = Vec::new();
    for (tier, slower) in slower_tiers(slos, options) {
        let slower = slower.join("|");
        for (severity, targets) in
            [(Severity::Page, "page|ticket"), (Severity::Ticket, Severity::Ticket.as_str())]
        {
            rules.push(map([
                (
                    "source_matchers",
                    matchers([
                        matcher("alertname", "=", BURN),
                        matcher("slo_tier", "=", &tier),
                        matcher("severity", "=", severity.as_str()),
                    ]),
                ),
                (
                    "target_matchers",
                    matchers([
                        matcher("alertname", "=", BURN),
                        matcher("slo_tier", "=~", &slower),
                        matcher("severity", "=~", targets),
                    ]),
                ),
                ("equal", equal()),
            ]));
        }
    }
    rules
}

/// Returns each tier with those that have a lower factor in every SLO that has both. If two SLOs
/// order the same names differently, neither tier inhibits the other.
fn slower_tiers(slos: &Slos, options: &Options) -> Vec<(String, Vec<String>)> {
    let mut pairs: BTreeMap<(String, String), bool> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for slo in slos {
        let plan = Plan::new(slos.service(), slo, options);
        for (i, tier) in plan.tiers.iter().enumerate() {
            if !order.iter().any(|known| known == tier.name) {
                order.push(tier.name.to_owned());
            }
            for other in &plan.tiers[i + 1..] {
                pairs.entry((tier.name.to_owned(), other.name.to_owned())).or_insert(true);
                pairs.insert((other.name.to_owned(), tier.name.to_owned()), false);
            }
        }
    }
    let slower = |tier: &String| -> Vec<String> {
        let is_slower =
            |other: &&String| pairs.get(&(tier.clone(), (*other).clone())) == Some(&true);
        order.iter().filter(is_slower).cloned().collect()
    };
    order
        .iter()
        .map(|tier| (tier.clone(), slower(tier)))
        .filter(|(_, slower)| !slower.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::slower_tiers;
    use crate::render::Options;
    use crate::{Objective, Slo, Slos, Tier, Window};

    fn names(slos: &Slos) -> Vec<(String, String)> {
        let tiers = slower_tiers(slos, &Options::new());
        tiers.into_iter().map(|(tier, slower)| (tier, slower.join(" "))).collect()
    }

    fn objective() -> Objective {
        Objective::percent(99.9).expect("valid")
    }

    #[test]
    fn a_tier_inhibits_all_with_a_lower_factor() {
        let slos = Slos::new("shop", [Slo::availability("a", objective())]).expect("valid");
        let pair = |tier: &str, slower: &str| (tier.to_owned(), slower.to_owned());
        assert_eq!(
            names(&slos),
            [pair("fast", "medium slow long"), pair("medium", "slow long"), pair("slow", "long")]
        );
    }

    #[test]
    fn tiers_that_two_slos_order_differently_do_not_inhibit_each_other() {
        let tier = |name: &str, factor| {
            Tier::ticket(name, Window::hours(1), Window::minutes(5)).factor(factor)
        };
        let slos = Slos::new(
            "shop",
            [
                Slo::ratio("a", objective()).tiers([tier("x", 5.0), tier("y", 3.0)]),
                Slo::ratio("b", objective()).tiers([tier("y", 5.0), tier("x", 3.0)]),
            ],
        )
        .expect("valid");
        assert!(names(&slos).is_empty());
    }
}
