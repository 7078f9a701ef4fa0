use std::time::Duration;

use super::event_class::EventClass;
use super::event_source::EventSource;
use super::slo::Slo;
use super::slos::Slos;
use crate::Objective;

fn percent(value: f64) -> Objective {
    Objective::percent(value).expect("an objective")
}

fn excluded(reason: &str) -> EventClass {
    EventClass::Excluded(reason.to_owned())
}

#[test]
fn a_dependency_is_at_fault_for_what_it_did_and_not_for_what_this_service_did() {
    let slos = Slos::new("shop", [Slo::dependency("payments", percent(99.0))]).expect("valid");
    let slo = slos.get("payments").expect("named as its peer");
    assert_eq!(*slo.source(), EventSource::Calls("payments".to_owned()));
    for outcome in ["ok", "client_error"] {
        assert_eq!(*slo.class_of(outcome), EventClass::Good, "{outcome}");
    }
    for outcome in ["error", "no_response", "timeout"] {
        assert_eq!(*slo.class_of(outcome), EventClass::Bad, "{outcome}");
    }
    for outcome in ["shed", "canceled", "panic"] {
        assert_eq!(*slo.class_of(outcome), excluded(outcome), "{outcome}");
    }
    assert_eq!(slo.excludes_streams(), None);
}

#[test]
fn work_that_panics_is_bad_and_work_that_was_given_up_is_excluded() {
    let slow = Slo::work("import", percent(99.0)).within(Duration::from_secs(60)).named("slow");
    let slos = Slos::new("shop", [Slo::work("import", percent(99.0)), slow]).expect("valid");
    let slo = slos.get("import").expect("named as its unit");
    for outcome in ["error", "timeout", "panic"] {
        assert_eq!(*slo.class_of(outcome), EventClass::Bad, "{outcome}");
    }
    assert_eq!(*slo.class_of("canceled"), excluded("canceled"));
    assert_eq!(*slo.class_of("no_response"), EventClass::Ignored);
    let slow = slos.get("slow").expect("named");
    assert_eq!(*slow.class_of("ok"), EventClass::ByDuration);
    assert_eq!(*slow.class_of("panic"), excluded("failed"));
    assert_eq!(*slow.class_of("canceled"), EventClass::BadIfSlow("canceled".to_owned()));
}

#[test]
fn an_slo_that_promises_more_than_its_dependencies_is_named() {
    let gaps = |promise, slos: Vec<Slo>| {
        let promise = Slo::availability("pages", percent(promise));
        let slos = Slos::new("shop", slos.into_iter().chain([promise])).expect("valid");
        slos.dependency_gaps().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let two = || vec![Slo::dependency("a", percent(99.95)), Slo::dependency("b", percent(99.95))];
    assert!(gaps(99.9, two()).is_empty(), "0.05 % and 0.05 % just fit into 0.1 %");
    let found = gaps(99.95, two());
    let [gap] = &found[..] else { panic!("{found:?}") };
    for part in ["`pages` promises 99.95 %", "`a` (99.95 %), `b` (99.95 %)", "0.100 % of requests"]
    {
        assert!(gap.contains(part), "{part}: {gap}");
    }
    let half = two().into_iter().map(|slo| slo.share(0.5)).collect();
    assert!(gaps(99.95, half).is_empty(), "half of the requests need each");
    let slow = Slo::dependency("a", percent(90.0)).within(Duration::from_secs(1));
    assert!(gaps(99.9, vec![slow]).is_empty(), "a slow answer is an answer");
}

#[test]
fn a_selector_that_the_events_do_not_have_is_refused() {
    let refused = |slo: Slo| Slos::new("shop", [slo]).expect_err("refused").to_string();
    let dependency = || Slo::dependency("payments", percent(99.0));
    for share in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(refused(dependency().share(share)).contains("above 0 and at most 1"));
    }
    assert!(refused(dependency().exclude_marked("synthetic")).contains("only requests"));
    let work = Slo::work("import", percent(99.0));
    assert!(refused(work.routes(["/a"])).contains("neither routes nor methods"));
    assert!(refused(Slo::dependency("Payments", percent(99.0))).contains("slo.name"));
}
