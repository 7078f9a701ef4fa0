//! The steps of deploy.yml that change the cluster: the first pod, the gate, the way back.

use std::process::Command;
use std::time::{Duration, Instant};

use super::run;
use crate::stand_in::StandIns;

const REVISION: &str = "deployment.kubernetes.io/revision";

fn rollout() -> StandIns {
    let kubectl = format!(
        r#"case "$*" in
    *"--output name"*) [ -z "${{FLEET_IS_THERE:-}}" ] || echo deployment/demo-app ;;
    *"get deployment"*) echo '{{"metadata":{{"generation":2,"annotations":{{"{REVISION}":"7"}}}},"status":{{"observedGeneration":2,"updatedReplicas":1}}}}' ;;
    *"get replicasets"*) echo '{{"items":[{{"metadata":{{"annotations":{{"{REVISION}":"6"}},"labels":{{"pod-template-hash":"old"}}}}}},{{"metadata":{{"annotations":{{"{REVISION}":"7"}},"labels":{{"pod-template-hash":"new"}}}}}}]}}' ;;
esac"#
    );
    StandIns::new(&[("kubectl", &kubectl), ("helm", "")])
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn the_first_pod_is_held_where_there_is_a_fleet() {
    let name = "Migrate, and start the first pod";
    let digest = format!("sha256:{}", "a".repeat(64));
    let env = [
        ("REPOSITORY", "r/demo-app"),
        ("DIGEST", digest.as_str()),
        ("ENVIRONMENT", "dev"),
        ("NAMESPACE", "demo"),
        ("RELEASE", "demo-app"),
    ];
    let all = rollout();
    all.write("charts/demo-app/environments/dev.yaml", "{}");
    let ended = run(&all, "deploy.yml", name, &[&env[..], &[("FLEET_IS_THERE", "1")]].concat());
    assert_eq!(ended.code, 0, "{}", ended.said);
    let upgrade = all.calls("helm upgrade")[0].clone();
    assert!(upgrade.contains(&format!("image.digest={digest}")), "{upgrade}");
    let order = upgrade.find("values.json") < upgrade.find("environments/dev.yaml");
    assert!(order, "{upgrade}");
    // charts/cluster-access makes the namespace: the pipeline may not.
    assert!(!upgrade.contains("--create-namespace"), "{upgrade}");
    assert_eq!(all.calls("kubectl --namespace demo rollout pause").len(), 1);
    let output = all.read("github.output");
    assert!(output.contains("hash=new") && output.contains("pod!~\"demo-app-new-.+\""), "{output}");

    let all = rollout();
    let ended = run(&all, "deploy.yml", name, &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(all.calls("kubectl --namespace demo rollout pause").is_empty());
    assert!(!all.calls("helm upgrade")[0].contains("environments/"));
    assert!(!all.read("github.output").contains("fleet="));
}

const GATE: &str = "Compare the burn rates of the new pod with the fleet's";

/// Stand-ins for the gate's step, whose verdict is `$VERDICT`.
fn judging() -> StandIns {
    let all = StandIns::new(&[
        (
            "kubectl",
            "case \"$*\" in *\"get service/\"*) [ \"$4\" != service/missing ] ;; *port-forward*) exec sleep 60 ;; esac",
        ),
        ("k6", "exec sleep 60"),
        ("curl", "[ -z \"${SILENT:-}\" ]"),
    ]);
    let gate = all.write(
        "target/release/demo-app",
        "#!/bin/bash\necho \"gate $*\" >>\"$CALLS\"\nsleep 0.3\necho judged\nexit \"${VERDICT:-0}\"\n",
    );
    let made = Command::new("chmod").args(["+x", &gate]).status();
    assert!(made.expect("chmod runs").success());
    all
}

const JUDGED: [(&str, &str); 8] = [
    ("HASH", "new"),
    ("FLEET", "pod=~\"demo-app-.+\",pod!~\"demo-app-new-.+\""),
    ("NAMESPACE", "demo"),
    ("RELEASE", "demo-app"),
    ("PROMETHEUS_NAMESPACE", "observability"),
    ("PROMETHEUS_SERVICE", "kube-prometheus-stack-prometheus"),
    ("BASE_URL", "https://demo.example.com"),
    ("PAUSE", "0.01"),
];

#[test]
fn the_gates_verdict_is_the_steps_and_nothing_is_left_running() {
    for (traffic, verdict, visits) in
        [("synthetic", 0, 1), ("synthetic", 5, 1), ("synthetic", 6, 1), ("real", 0, 0)]
    {
        let all = judging();
        let code = verdict.to_string();
        let env = [&JUDGED[..], &[("TRAFFIC", traffic), ("VERDICT", &code)]].concat();
        let began = Instant::now();
        let ended = run(&all, "deploy.yml", GATE, &env);
        assert_eq!(ended.code, verdict, "{}", ended.said);
        assert!(began.elapsed() < Duration::from_secs(20), "it waited for what it began");
        assert!(all.read("github.summary").contains("judged"));
        let sent = all.calls("k6 run");
        assert_eq!(sent.len(), visits, "{traffic}");
        for call in sent {
            assert!(call.contains("--no-thresholds") && call.contains("RATE=5"), "{call}");
            assert!(call.contains("BASE_URL=https://demo.example.com"), "{call}");
        }
        let gate = all.calls("gate gate").concat();
        assert!(gate.contains("pod=~\"demo-app-new-.+\"") && gate.contains("--fleet"), "{gate}");
    }
}

#[test]
fn a_service_that_is_missing_is_said_at_once() {
    let all = judging();
    let mut env = JUDGED.to_vec();
    env[5].1 = "missing";
    env.push(("TRAFFIC", "real"));
    let ended = run(&all, "deploy.yml", GATE, &env);
    assert_eq!(ended.code, 1);
    assert!(ended.said.contains("there is no Service missing in observability"), "{}", ended.said);
    assert!(all.calls("gate").is_empty());
}

#[test]
fn an_address_that_does_not_answer_is_said() {
    let all = judging();
    let more = [("TRAFFIC", "synthetic"), ("SILENT", "1"), ("TRIES", "3")];
    let ended = run(&all, "deploy.yml", GATE, &[&JUDGED[..], &more].concat());
    assert_eq!(ended.code, 1);
    assert!(ended.said.contains("https://demo.example.com/ does not answer"), "{}", ended.said);
    assert!(all.calls("gate").is_empty() && all.calls("k6").is_empty());
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn the_release_goes_back_before_the_rollout_goes_on() {
    let env = [("NAMESPACE", "demo"), ("RELEASE", "demo-app")];
    let all = StandIns::new(&[("helm", "[ $1 != history ] || echo '[{}, {}]'"), ("kubectl", "")]);
    let ended = run(&all, "deploy.yml", "Roll back", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let calls = all.read("calls");
    let at = |text: &str| calls.find(text).unwrap_or_else(|| panic!("{text}: {calls}"));
    assert!(at("helm rollback") < at("rollout resume"), "{calls}");
    assert!(at("rollout resume") < at("rollout status"), "{calls}");

    let all = StandIns::new(&[("helm", "[ $1 != history ] || echo '[{}]'"), ("kubectl", "")]);
    let ended = run(&all, "deploy.yml", "Roll back", &env);
    assert_eq!(ended.code, 1);
    assert!(all.calls("helm rollback").is_empty());
}

#[test]
fn the_public_address_is_asked_by_tls() {
    let all = StandIns::new(&[("curl", "echo 'https://demo.example.com/: 200'")]);
    let env = [("BASE_URL", "https://demo.example.com")];
    let ended = run(&all, "deploy.yml", "Check the public address", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let call = all.calls("curl").concat();
    assert!(call.contains("--fail") && call.contains("--tlsv1.2"), "{call}");
    assert!(call.ends_with("https://demo.example.com/"), "{call}");
    let all = StandIns::new(&[("curl", "exit 60")]);
    assert_eq!(run(&all, "deploy.yml", "Check the public address", &env).code, 60);
}
