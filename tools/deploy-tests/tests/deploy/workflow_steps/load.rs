//! The step of load.yml that sends requests and watches the number of pods.

use std::process::Command;
use std::time::{Duration, Instant};

use super::run;
use crate::stand_in::{Ended, StandIns};

/// Runs the load's step: k6 takes a while, and pods are added while it runs.
fn load(profile: &str, k6: &str, most: &str, verdict: &str) -> (Ended, StandIns, Duration) {
    let pods = format!(
        "case \"$*\" in *port-forward*) exec sleep 60 ;; *) [ -f \"$DIR/asked\" ] && printf {most} || printf 2; touch \"$DIR/asked\" ;; esac"
    );
    let all = StandIns::new(&[("kubectl", &pods), ("k6", k6)]);
    let gate = all.write(
        "target/release/demo-app",
        &format!("#!/bin/bash\necho \"gate $*\" >>\"$CALLS\"\necho judged\nexit {verdict}\n"),
    );
    assert!(Command::new("chmod").args(["+x", &gate]).status().expect("chmod runs").success());
    let env = [
        ("PROFILE", profile),
        ("NAMESPACE", "demo"),
        ("BASE_URL", "https://demo.example.com"),
        ("PROMETHEUS_NAMESPACE", "observability"),
        ("PROMETHEUS_SERVICE", "kube-prometheus-stack-prometheus"),
        ("PAUSE", "0.1"),
    ];
    let began = Instant::now();
    let ended = run(&all, "load.yml", "Run, and watch the number of pods", &env);
    (ended, all, began.elapsed())
}

#[test]
fn a_load_ends_when_k6_does_and_says_how_many_pods_there_were() {
    for (profile, k6, most, verdict, code) in [
        ("spike", "sleep 0.5; echo sent", "6", "0", 0),
        ("spike", "sleep 0.5; exit 99", "6", "0", 99),
        ("spike", "sleep 0.5", "6", "5", 5),
        ("spike", "sleep 0.5", "2", "0", 1),
        ("smoke", "sleep 0.5", "2", "5", 0),
    ] {
        let (ended, all, took) = load(profile, k6, most, verdict);
        assert_eq!(ended.code, code, "{profile} {k6} {most} {verdict}: {}", ended.said);
        assert!(took < Duration::from_secs(20), "it went on for {took:?}");
        let said = format!("{profile}: from 2 to {most} pods");
        assert!(all.read("github.summary").contains(&said), "{}", ended.said);
        // Latency from GitHub's machines is that of the way.
        assert!(all.calls("k6 run").concat().contains("LATENCY=server"));
        assert_eq!(all.calls("gate gate").len(), usize::from(profile != "smoke"));
    }
}
