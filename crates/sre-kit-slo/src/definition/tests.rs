//! What a set accepts, what it rejects and with which message.

use std::time::Duration;

use super::{EventClass, Period, Severity, Slo, Slos, Tier, Window};
use crate::Objective;

fn percent(percent: f64) -> Objective {
    Objective::percent(percent).expect("valid")
}

fn slo() -> Slo {
    Slo::availability("checkout", percent(99.9))
}

fn set(slo: Slo) -> Slos {
    Slos::new("shop", [slo]).expect("valid")
}

/// `name severity long/short factor threshold minimum`, one line per tier.
fn printed(slo: Slo) -> Vec<String> {
    let slos = set(slo);
    let slo = slos.get("checkout").expect("defined");
    slo.tiers()
        .iter()
        .map(|tier| {
            let minimum = tier.min_bad_events().map_or("-".to_owned(), |n| n.to_string());
            format!(
                "{} {} {}/{} {} {} {minimum}",
                tier.name(),
                tier.severity(),
                tier.long(),
                tier.short(),
                tier.factor(),
                tier.threshold(),
            )
        })
        .collect()
}

fn notes(slo: Slo) -> Vec<String> {
    set(slo).tier_adjustments().iter().map(ToString::to_string).collect()
}

#[test]
fn thirty_days_have_the_tiers_of_the_workbook() {
    assert_eq!(
        printed(slo()),
        [
            "fast page 1h/5m 14.4 0.0144 5",
            "medium page 6h/30m 6 0.006 7",
            "slow ticket 1d/2h 3 0.003 -",
            "long ticket 3d/6h 1 0.001 -",
        ]
    );
    assert_eq!(notes(slo()), [""; 0]);
    let slos = set(slo());
    let slo = slos.get("checkout").expect("defined");
    let windows: Vec<_> = slo.windows().iter().map(ToString::to_string).collect();
    assert_eq!(windows, ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]);
    let shares: Vec<_> = slo.tiers().iter().map(|t| t.budget_share().to_string()).collect();
    assert_eq!(shares, ["0.02", "0.05", "0.1", "0.1"]);
}

#[test]
fn factors_are_scaled_to_the_period_and_never_below_one() {
    let factors = |days| -> Vec<String> {
        let slos = set(slo().period(Period::days(days)));
        slos.iter()
            .flat_map(super::Definition::tiers)
            .map(|tier| tier.factor().to_string())
            .collect()
    };
    assert_eq!(factors(28), ["13.44", "5.6", "2.8", "1"]);
    assert_eq!(factors(7), ["3.36", "1.4", "1", "1"]);
    assert_eq!(factors(90), ["43.2", "18", "9", "3"]);
    let notes = notes(slo().period(Period::days(28)));
    assert_eq!(
        notes,
        [
            "SLO `checkout`, tier `long`: fires at a burn of 1 instead of 0.933333334, since a budget \
          that burns slower than 1 lasts for the period"
        ]
    );
}

#[test]
fn an_objective_of_ninety_percent_has_no_unreachable_page() {
    let loose = || Slo::availability("checkout", percent(90.0));
    let tiers = printed(loose());
    assert_eq!(tiers[0].split(' ').next(), Some("medium"), "{tiers:?}");
    assert_eq!(tiers.len(), 3);
    let notes = notes(loose());
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("tier `fast`: left out"), "{}", notes[0]);

    let err = Slos::new("shop", [loose().tiers([Tier::fast()])]).expect_err("requested explicitly");
    assert!(err.to_string().contains("cannot happen"), "{err}");
    Slos::new("shop", [loose().tiers(Tier::standard()).without_tier("fast")]).expect("disabled");
}

#[test]
fn no_objective_and_period_makes_a_tier_that_cannot_fire() {
    for hours in [1, 2, 5, 24, 36, 72, 168, 672, 720, 2_160, 9_600] {
        for objective in [0.0001, 1.0, 20.0, 50.0, 66.7, 90.0, 93.06, 95.0, 99.9, 99.999_999_9] {
            let slo =
                Slo::availability("checkout", percent(objective)).period(Period::hours(hours));
            let slos = match Slos::new("shop", [slo]) {
                Ok(slos) => slos,
                Err(err) => {
                    assert!(err.to_string().contains("no burn tier can work"), "{err}");
                    continue;
                }
            };
            for tier in slos.iter().flat_map(super::Definition::tiers) {
                assert!(tier.threshold().as_f64() < 1.0, "{tier:?}");
                assert!(tier.factor().as_f64() >= 1.0, "{tier:?}");
                assert!(tier.long().as_secs() <= u64::from(hours) * 3_600, "{tier:?}");
                assert!(tier.severity() == Severity::Ticket || tier.min_bad_events().is_some());
            }
        }
    }
}

#[test]
fn a_page_that_chance_would_cause_becomes_a_ticket() {
    let short = slo().period(Period::hours(120));
    let slos = set(short.clone());
    let medium = &slos.iter().next().expect("one").tiers()[1];
    assert_eq!((medium.factor().to_string(), medium.severity()), ("1".into(), Severity::Ticket));
    assert!(notes(short.clone())[0].contains("distinguished from chance"));
    let err = Slos::new("shop", [short.tiers([Tier::medium()])]).expect_err("requested explicitly");
    assert!(err.to_string().contains("make it a ticket"), "{err}");
}

#[test]
fn a_minimum_of_bad_events_can_be_set_or_dropped() {
    let tiers = [
        Tier::page("three", Window::hours(1), Window::minutes(5)).factor(10.0).min_bad_events(3),
        Tier::page("any", Window::hours(1), Window::minutes(5)).factor(10.0).any_bad_event(),
    ];
    let lines = printed(slo().tiers(tiers));
    assert_eq!(lines, ["three page 1h/5m 10 0.01 3", "any page 1h/5m 10 0.01 -"]);
}

#[test]
fn an_slo_that_cannot_work_is_an_error_with_advice() {
    let page = |long, short| Tier::page("custom", long, short).factor(2.0);
    let (hour, minute) = (Window::hours(1), Window::minutes(1));
    let latency = |threshold| Slo::latency("checkout", percent(99.0), threshold);
    for (bad, text) in [
        (Slo::availability("Check out", percent(99.0)), "lower-case"),
        (Slo::availability("", percent(99.0)), "lower-case"),
        (latency(Duration::ZERO), "threshold of zero"),
        (latency(Period::days(31).as_duration()), "shorter than the period"),
        (slo().period(Duration::ZERO), "whole minutes, from one hour"),
        (slo().period(Duration::from_secs(59 * 60)), "whole minutes, from one hour"),
        (slo().period(Duration::from_secs(3_661)), "whole minutes, from one hour"),
        (slo().period(Period::days(401)), "whole minutes, from one hour"),
        (slo().period(Duration::MAX), "whole minutes, from one hour"),
        (slo().tiers([page(Window::seconds(0), Window::seconds(0))]), "at least one"),
        (slo().tiers([page(hour, Duration::from_millis(400).into())]), "at least one"),
        (slo().tiers([page(hour, hour)]), "shorter than the long one"),
        (slo().tiers([page(minute, hour)]), "shorter than the long one"),
        (slo().tiers([page(Window::days(31), hour)]), "no longer than the period, 30d"),
        (slo().tiers([Tier::page("custom", hour, minute)]), "how fast"),
        (slo().tiers([Tier::fast().factor(f64::NAN)]), "positive number"),
        (slo().tiers([Tier::fast().factor(0.0)]), "positive number"),
        (slo().tiers([Tier::fast().factor(-1.0)]), "positive number"),
        (slo().tiers([Tier::fast().factor(1e12)]), "at most nine digits"),
        (slo().tiers([Tier::fast().factor(1_000.0)]), "cannot happen"),
        (slo().tiers([Tier::fast().budget_share(0.0)]), "up to 100 percent"),
        (slo().tiers([Tier::fast().budget_share(101.0)]), "up to 100 percent"),
        (slo().tiers([Tier::fast(), Tier::fast()]), "two tiers have that name"),
        (slo().tiers([Tier::page("Bad name", hour, minute).factor(2.0)]), "lower-case"),
        (slo().without_tier("fats"), "the tiers are fast, medium, slow, long"),
        (slo().routes([""]), "a route has a name"),
        (slo().routes(["/a", "/a"]), "named already"),
        (slo().methods(["get"]), "capital letters"),
        (slo().methods(["GET", "GET"]), "named already"),
        (slo().only(Vec::<String>::new()), "at least one outcome"),
        (slo().bad("no such-outcome"), "lower-case letters, digits and `_`"),
        (slo().exclude("shed", ""), "lower-case letters, digits and `_`"),
        (slo().exclude_marked("load test"), "lower-case letters, digits and `_`"),
        (slo().label("severity", "x"), "occurs once"),
        (slo().label("a-b", "x"), "letters, digits"),
        (slo().label("team", ""), "without a value"),
        (slo().runbooks("runbooks.example.com"), "http:// or https://"),
        (slo().runbooks("https://a b"), "http:// or https://"),
        (Slo::ratio("jobs", percent(99.0)).routes(["/a"]), "counted by the caller"),
        (Slo::ratio("jobs", percent(99.0)).bad("shed"), "counted by the caller"),
    ] {
        let described = format!("{bad:?}");
        let err = Slos::new("shop", [bad]).expect_err(&described);
        assert!(err.to_string().contains(text), "{described}\n{err}");
    }
}

#[test]
fn a_set_has_one_service_and_no_two_slos_of_one_name() {
    let err = Slos::new("shop", [slo(), slo()]).expect_err("twice");
    assert!(err.to_string().contains("two SLOs of the service `shop`"), "{err}");
    assert_eq!(err.value(), "\"checkout\"");
    assert!(Slos::new("shop", []).expect_err("none").to_string().contains("at least one"));
    assert_eq!(Slos::new("My Shop", [slo()]).expect_err("a name").field(), "slo.service");
}

#[test]
fn tiers_that_were_disabled_are_not_there() {
    let all = ["fast", "medium", "slow", "long"];
    let without = all.into_iter().fold(slo(), Slo::without_tier);
    assert_eq!(printed(without.clone()), [""; 0]);
    assert_eq!(set(without).iter().next().expect("one").windows().len(), 1, "the period is left");
    assert_eq!(printed(slo().without_tier("long")).len(), 3);
}

#[test]
fn outcomes_count_as_documented_unless_said_otherwise() {
    let of =
        |slo: Slo, outcome: &str| set(slo).iter().next().expect("one").class_of(outcome).clone();
    assert_eq!(of(slo(), "client_error"), EventClass::Good);
    assert_eq!(of(slo(), "shed"), EventClass::Bad);
    assert_eq!(of(slo(), "aborted_mid_body"), EventClass::Excluded("client_abort".into()));
    assert_eq!(of(slo(), "no_such_outcome"), EventClass::Ignored);
    assert_eq!(of(slo().bad("client_error"), "client_error"), EventClass::Bad);
    assert_eq!(of(slo().good("shed"), "shed"), EventClass::Good);
    assert_eq!(of(slo().only(["ok", "error"]), "shed"), EventClass::Ignored);
    assert_eq!(of(slo().only(["ok", "error"]), "error"), EventClass::Bad);
    let latency = Slo::latency("checkout", percent(99.0), Duration::from_millis(300));
    assert_eq!(of(latency.clone(), "ok"), EventClass::ByDuration);
    assert_eq!(of(latency.clone(), "timeout"), EventClass::Bad);
    assert_eq!(
        of(latency.clone(), "aborted_before_headers"),
        EventClass::BadIfSlow("client_abort".into())
    );

    let slos = set(latency.exclude_marked("synthetic"));
    let reasons = slos.iter().next().expect("one").reasons();
    assert_eq!(reasons, ["client_abort", "failed", "stream", "synthetic"]);
}
