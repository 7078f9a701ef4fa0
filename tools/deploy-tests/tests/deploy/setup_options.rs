//! What `charts/setup_cluster.sh` refuses, and what its options hand to helm and kubectl.

use std::process::Command;

use crate::setup::{HOOKS, cluster, digest, pin, run, setup, yaml};

#[test]
fn a_dry_run_says_what_is_missing_and_is_no_failure() {
    for profile in ["autopilot", "standard", "gmp", "local", "promtail"] {
        let cluster = cluster();
        pin(&cluster, |name| name == "tempo");
        let ended = run(&cluster, &["--profile", profile, "--dry-run"], &[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        assert!(ended.said.contains("tempo: its digest is not pinned"), "{}", ended.said);
        assert!(ended.said.contains("would run: helm upgrade --install tempo"), "{}", ended.said);
    }
}

#[test]
fn a_dry_run_renders_each_chart_and_asks_no_cluster() {
    for (profile, own) in [("autopilot", false), ("gmp", true)] {
        let cluster = cluster();
        let args = ["--profile", profile, "--dry-run", "--deployer", "principal://dev"];
        let args = [&args[..], HOOKS].concat();
        let ended = setup(&cluster, &args, &[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        let rendered = cluster.calls("helm template");
        for release in ["loki", "tempo", "cluster-access"] {
            let call = rendered.iter().find(|call| call.contains(&format!("template {release} ")));
            let call = call.unwrap_or_else(|| panic!("{release}: {rendered:#?}"));
            assert!(call.contains("--values"), "{call}");
            let said = format!("{release}: 3 objects (1 ConfigMap, 2 Service) in ");
            assert!(ended.said.contains(&said), "{}", ended.said);
        }
        let frontend = rendered.iter().any(|call| call.contains("template gmp-frontend "));
        assert_eq!(frontend, own, "{rendered:#?}");
        assert_eq!(cluster.calls("kubectl").len() + cluster.calls("helm upgrade").len(), 0);
        // What could not be installed is no success, and is said before anything is installed.
        let ended = setup(&cluster, &args, &[("UNRENDERED", "tempo")]);
        assert_eq!(ended.code, 1, "{}", ended.said);
        assert!(ended.said.contains("tempo: does not render with these values"), "{}", ended.said);
    }
}

#[test]
fn the_stack_is_closed_to_other_pods_but_on_one_machine() {
    for (profile, closed) in [("autopilot", true), ("standard", true), ("local", false)] {
        let cluster = cluster();
        let args = ["--profile", profile, "--no-verify", "--no-alerts", "--app-namespace", "shop"];
        let ended = setup(&cluster, &args, &[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        assert_eq!(cluster.calls("kubectl apply --filename -").len(), usize::from(closed));
        let ended = setup(&cluster, &["--profile", profile, "--teardown"], &[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        let deleted = cluster.calls("kubectl delete networkpolicy stack").len();
        assert_eq!(deleted, usize::from(closed), "{}", ended.said);
    }
}

#[test]
fn a_digest_that_is_not_pinned_is_written_by_the_script_itself() {
    let cluster = cluster();
    pin(&cluster, |name| name == "tempo");
    let ended = run(&cluster, &["--profile", "local", "--pin"], &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(cluster.calls("helm upgrade").len(), 0);
    let ended = run(&cluster, &["--profile", "local", "--no-verify"], &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(cluster.read("installed").contains("tempo"));
}

#[test]
fn any_web_address_reaches_alertmanager_as_it_was_given() {
    for url in [
        "https://hooks.example.com/x?team=sre&token=abc",
        "https://hooks.example.com/a|b",
        "https://hooks.example.com/%20'#{x}:\u{20ac}&&",
        "https://user:pass@hooks.example.com/\\u".trim_end_matches("\\u"),
    ] {
        let cluster = cluster();
        let args = ["--profile", "standard", "--no-verify", "--app-namespace", "shop"];
        let ended = setup(
            &cluster,
            &args,
            &[
                ("PAGE_URL", url),
                ("TICKET_URL", "https://t.example.com/?a=1&b=2"),
                ("HEARTBEAT_URL", url),
            ],
        );
        assert_eq!(ended.code, 0, "{}", ended.said);
        let values = yaml(&cluster.read("kube-prometheus-stack.3"));
        let receivers = values["alertmanager"]["config"]["receivers"].as_array().expect("some");
        let found = |name: &str| {
            let receiver = receivers.iter().find(|r| r["name"] == name).expect("there");
            receiver["webhook_configs"][0]["url"].clone()
        };
        assert_eq!(found("slo-page"), url);
        assert_eq!(found("slo-ticket"), "https://t.example.com/?a=1&b=2");
        assert_eq!(found("heartbeat"), url);
    }
}

#[test]
fn outside_local_alerts_need_receivers() {
    for profile in ["autopilot", "standard", "gmp"] {
        let cluster = cluster();
        let ended = setup(&cluster, &["--profile", profile], &[]);
        assert_eq!(ended.code, 2, "{}", ended.said);
        assert!(ended.said.contains("some alert reaches no person"), "{}", ended.said);
        assert_eq!(ended.said.lines().count(), 1);
        assert!(cluster.calls("").is_empty());
        let args =
            ["--profile", profile, "--no-alerts", "--no-verify", "--project", "demo-project"];
        assert_eq!(setup(&cluster, &args, &[]).code, 0);
    }
}

#[test]
fn names_and_certificates_are_installed_where_they_are_asked_for() {
    let cluster = cluster();
    let args = [&["--profile", "autopilot", "--no-verify"], HOOKS].concat();
    assert_eq!(setup(&cluster, &args, &[]).code, 0);
    assert!(!cluster.read("installed").contains("external-dns"));
    let args = [&args[..], &["--with", "external-dns"]].concat();
    assert_eq!(setup(&cluster, &args, &[]).code, 0);
    assert!(cluster.read("installed").contains("external-dns"));
    let ended = setup(&cluster, &["--profile", "local", "--with", "loki"], &[]);
    assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
}

#[test]
fn more_values_come_after_the_stacks_own() {
    let cluster = cluster();
    let file = cluster.write("loki.json", r#"{"loki":{"storage":{"type":"gcs"}}}"#);
    let values = format!("loki={file}");
    let args = ["--profile", "local", "--no-verify", "--values-for", &values];
    let ended = setup(&cluster, &args, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let call = cluster.calls("helm upgrade --install loki ");
    assert!(call[0].find("local.yaml") < call[0].find("loki.json"), "{call:?}");
    assert!(!cluster.calls("helm upgrade --install tempo")[0].contains("loki.json"));
    for wrong in ["moon=/dev/null", "loki=/none"] {
        let ended = setup(&cluster, &["--profile", "local", "--values-for", wrong], &[]);
        assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
    }
}

#[test]
fn the_pipeline_gets_its_rights_before_the_demo_is_installed() {
    let cluster = cluster();
    let user = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/subject/42-dev";
    let app = cluster.write("app.yaml", "{}");
    let args = ["--profile", "local", "--no-verify", "--deployer", user, "--app-values", &app];
    let ended = setup(&cluster, &args, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(yaml(&cluster.read("cluster-access.1"))["deployers"], serde_json::json!([user]));
    let installed = cluster.read("installed");
    assert!(installed.find("cluster-access") < installed.find("demo-app"), "{installed}");
    assert!(cluster.calls("helm upgrade --install cluster-access")[0].contains("--namespace demo"));
}

#[test]
fn values_without_a_digest_or_a_tag_are_not_deployed() {
    let cluster = cluster();
    let app = cluster.write("app.json", r#"{"image":{"repository":"r/demo-app","tag":""}}"#);
    let args = ["--profile", "local", "--no-verify", "--app-values", &app];
    let ended = setup(&cluster, &args, &[]);
    assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
    assert!(ended.said.contains("--app-digest"), "{}", ended.said);
    let digest = digest();
    let ended = setup(&cluster, &[&args[..], &["--app-digest", &digest]].concat(), &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let call = cluster.calls("helm upgrade --install demo-app");
    assert!(call[0].contains(&format!("image.digest={digest}")), "{call:?}");
    let ended = setup(&cluster, &[&args[..], &["--app-digest", "latest"]].concat(), &[]);
    assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
}

/// One visit in ten is traced: the first alone would be none in nine of ten runs.
#[test]
fn verification_visits_until_a_visit_is_traced() {
    let cluster = cluster();
    let app = cluster.write("app.yaml", "{}");
    let args = ["--profile", "local", "--timeout", "20", "--app-values", &app];
    let ended = setup(&cluster, &args, &[("NEEDED", "30")]);
    assert_eq!(ended.code, 0, "{}", ended.said);
}

#[test]
fn verification_asks_for_metrics_to_scale_by_and_for_alertmanager() {
    for (broken, sentence) in
        [("metrics", "metrics to scale by are served:"), ("alertmanager", "Alertmanager is ready:")]
    {
        let cluster = cluster();
        let app = cluster.write("app.yaml", "{}");
        let args = ["--profile", "local", "--timeout", "0", "--app-values", &app];
        let ended = setup(&cluster, &args, &[("BROKEN", broken)]);
        assert_eq!(ended.code, 3, "{}", ended.said);
        let line = ended.said.lines().find(|line| line.contains(sentence)).expect("said");
        assert!(line.ends_with(" no"), "{}", ended.said);
    }
}

#[test]
fn a_cluster_that_refuses_what_the_adapters_need_is_left_as_it_is() {
    for profile in ["autopilot", "gmp"] {
        let cluster = cluster();
        let args = [&["--profile", profile], HOOKS].concat();
        let ended = setup(&cluster, &args, &[("REFUSED", "1")]);
        assert_eq!((ended.code, ended.said.lines().count()), (1, 1), "{}", ended.said);
        assert!(ended.said.contains("kube-system is managed"), "{}", ended.said);
        assert!(cluster.calls("helm upgrade").is_empty());
    }
}

#[test]
fn the_managed_alertmanager_gets_the_routes_too() {
    let cluster = cluster();
    let args = [&["--profile", "gmp", "--no-verify"], HOOKS].concat();
    let ended = setup(&cluster, &args, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let config = yaml(&cluster.read("applied"));
    assert!(config["receivers"].to_string().contains("https://p.example.com/"), "{config}");
    let call = cluster.calls("kubectl create secret");
    assert!(call[0].contains("alertmanager --namespace gmp-public"), "{call:?}");
    let call = cluster.calls("helm upgrade --install gmp-frontend");
    assert!(call[0].contains("project=demo-project"), "{call:?}");
    // What somebody else wrote stays, and nothing is installed before that is known.
    let cluster = crate::setup::cluster();
    for (owner, code) in [("alertmanager/", 1), ("alertmanager/setup-cluster", 0)] {
        let ended = setup(&cluster, &args, &[("OWNER", owner)]);
        assert_eq!(ended.code, code, "{}", ended.said);
        assert_eq!(cluster.calls("helm upgrade").is_empty(), code == 1);
        assert_eq!(ended.said.contains("not from this script"), code == 1, "{}", ended.said);
    }
    let args = [&["--profile", "gmp", "--no-verify"], &HOOKS[2..]].concat();
    let ended = setup(&cluster, &args, &[]);
    assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
}

#[test]
fn volumes_go_only_with_the_stack() {
    let cluster = cluster();
    let ended = setup(&cluster, &["--profile", "local", "--volumes"], &[]);
    assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
    assert_eq!(setup(&cluster, &["--profile", "local", "--teardown"], &[]).code, 0);
    assert!(cluster.calls("kubectl delete persistentvolumeclaims").is_empty());
    let ended = setup(&cluster, &["--profile", "local", "--teardown", "--volumes"], &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(cluster.calls("kubectl delete persistentvolumeclaims").len(), 1);
}

#[test]
fn rendering_asks_no_cluster() {
    let cluster = cluster();
    let into = cluster.path("rendered");
    let into = into.to_str().expect("text");
    let args = [&["--profile", "autopilot", "--render", into], HOOKS].concat();
    let ended = setup(&cluster, &args, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(
        cluster.read("rendered/tempo.yaml"),
        "kind: Service\n---\nkind: ConfigMap\n---\nkind: Service\n"
    );
    assert!(cluster.calls("kubectl").is_empty() && cluster.calls("helm upgrade").is_empty());
    let ended = setup(&cluster, &["--profile", "autopilot", "--render", into], &[]);
    assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
    assert!(ended.said.contains("some alert reaches no person"), "{}", ended.said);
}

/// Alertmanager's own reading of the routes, with the labels that the stack's alerts have.
#[test]
#[ignore = "needs amtool; cargo xtask test --only deploy"]
fn every_alert_reaches_a_receiver() {
    let cluster = cluster();
    let args = [
        &["--profile", "autopilot", "--no-verify", "--heartbeat-url", "https://h.example.com/"],
        HOOKS,
    ];
    assert_eq!(setup(&cluster, &args.concat(), &[]).code, 0);
    let values = yaml(&cluster.read("kube-prometheus-stack.3"));
    let config = serde_yaml_ng::to_string(&values["alertmanager"]["config"]).expect("YAML");
    let file = cluster.write("alertmanager.yaml", &config);
    let amtool = |args: &[&str]| {
        let output = Command::new("amtool").args(args).output().expect("amtool runs");
        assert!(output.status.success(), "{args:?} {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    amtool(&["check-config", &file]);
    let slo = "alertname=SLOErrorBudgetBurn service=demo-app namespace=demo severity=";
    for (labels, receiver) in [
        (format!("{slo}page"), "slo-page"),
        (format!("{slo}ticket"), "slo-ticket"),
        ("alertname=KubePodCrashLooping severity=warning".to_owned(), "slo-ticket"),
        ("alertname=PrometheusRuleFailures severity=critical".to_owned(), "slo-page"),
        ("alertname=Watchdog severity=none".to_owned(), "heartbeat"),
        ("alertname=InfoInhibitor severity=none".to_owned(), "nobody"),
    ] {
        let labels: Vec<_> = labels.split(' ').collect();
        let routed =
            amtool(&[&["config", "routes", "test", "--config.file", &file], &labels[..]].concat());
        assert_eq!(routed, receiver, "{labels:?}");
    }
}
