//! Who is notified: the receivers that `charts/setup_cluster.sh` takes, and where it keeps their secrets.

use std::process::Command;

use crate::deploy::root;
use crate::setup::{cluster, setup, yaml};
use crate::stand_in::StandIns;

/// A secret of each kind, as an editor leaves it: with a line break at the end.
fn receiver_files(cluster: &StandIns) -> Vec<(&'static str, String)> {
    [
        ("slack", "https://hooks.slack.com/services/s3cr3t\n"),
        ("webhook", "https://hooks.example.com/?a=1&token=s3cr3t\n"),
        ("pagerduty", "s3cr3t\n"),
        ("opsgenie", "s3cr3t\n"),
        (
            "email",
            "to=sre@example.com\nfrom=alerts@example.com\nsmarthost=smtp.example.com:587\n\
             username=alerts\npassword=s3cr3t\n",
        ),
    ]
    .map(|(kind, text)| (kind, format!("{kind}:{}", cluster.write(kind, text))))
    .into()
}

#[test]
fn receivers_of_each_kind_have_their_secrets_in_files_without_a_line_break() {
    for at in 0..5 {
        let cluster = cluster();
        let (kind, receiver) = receiver_files(&cluster).swap_remove(at);
        let args = ["--profile", "autopilot", "--no-verify", "--page", &receiver];
        let args = [&args[..], &["--ticket", &receiver, "--heartbeat", &receiver]].concat();
        let ended = setup(&cluster, &args, &[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        let secret = cluster.read("secret.slo-page");
        assert!(secret.ends_with("s3cr3t"), "{kind}: {secret:?}");
        let text = cluster.read("kube-prometheus-stack.3");
        assert!(!text.contains("s3cr3t"), "{kind}: {text}");
        let values = yaml(&text);
        let mounted = &values["alertmanager"]["alertmanagerSpec"]["secrets"];
        assert_eq!(mounted, &serde_json::json!(["alert-receivers"]));
        for receiver in ["slo-page", "slo-ticket", "heartbeat"] {
            let path = format!("/etc/alertmanager/secrets/alert-receivers/{receiver}");
            assert!(text.contains(&path), "{kind}: {text}");
        }
        let config = values["alertmanager"]["config"]["receivers"].to_string();
        assert_eq!(config.matches("\"send_resolved\":false").count(), 1, "the heartbeat: {config}");
        if kind == "email" {
            assert_eq!(config.matches("smtp.example.com:587").count(), 3, "{config}");
        }
        // Google's Alertmanager mounts no further Secret.
        let args = [&["--profile", "gmp", "--project", "demo-project"], &args[2..]].concat();
        let ended = setup(&cluster, &args, &[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        let config = yaml(&cluster.read("applied"))["receivers"].to_string();
        assert_eq!(config.matches("s3cr3t\"").count(), 3, "{kind}: {config}");
        assert!(!config.contains("/etc/alertmanager"), "{kind}: {config}");
    }
}

#[test]
fn a_receiver_that_cannot_work_is_one_sentence_without_its_secret() {
    let cluster = cluster();
    let two = cluster.write("two", "s3cr3t\nand more\n");
    let empty = cluster.write("empty", "\n");
    let bare = cluster.write("bare", "hooks.example.com/s3cr3t");
    let half = cluster.write("half", "to=a@example.com\npassword=s3cr3t\n");
    let good = cluster.write("good", "s3cr3t");
    let (url, both) = ("https://x.example.com/s3cr3t", format!("pagerduty:{good}"));
    for (args, sentence) in [
        (vec!["--page", "s3cr3t"], "--page is not KIND:FILE"),
        (vec!["--ticket", "sms:s3cr3t"], "--ticket is not KIND:FILE"),
        (vec!["--heartbeat", "opsgenie:"], "--heartbeat is not KIND:FILE"),
        (vec!["--page", "pagerduty:/none/s3cr3t"], "--page names a file that cannot be read"),
        (vec!["--page", &format!("pagerduty:{two}")], "--page names a file that has not one line"),
        (vec!["--page", &format!("opsgenie:{empty}")], "--page names a file that has not one line"),
        (vec!["--page", &format!("slack:{bare}")], "--page has an address"),
        (vec!["--page", &format!("email:{half}")], "a line from="),
        (vec!["--page", &both, "--page-url", url], "--page and --page-url"),
        (vec!["--ticket-url", "https://x.example.com/s3cr3t x"], "--ticket-url has an address"),
        (vec!["--heartbeat-url", "s3cr3t"], "--heartbeat-url has an address"),
    ] {
        let ended = setup(&cluster, &[&["--profile", "local"], &args[..]].concat(), &[]);
        assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{args:?}: {}", ended.said);
        assert!(ended.said.contains(sentence), "{args:?}: {}", ended.said);
        assert!(!ended.said.contains("s3cr3t"), "{args:?}: {}", ended.said);
        assert!(cluster.calls("").is_empty());
    }
}

/// Alertmanager's own reading of each receiver; webhooks by file need a later one than Debian's.
#[test]
#[ignore = "needs amtool; cargo xtask test --only deploy"]
fn alertmanager_takes_the_receivers_of_each_kind() {
    for profile in ["autopilot", "gmp"] {
        let cluster = cluster();
        for (kind, receiver) in receiver_files(&cluster) {
            if (profile, kind) == ("autopilot", "webhook") {
                continue;
            }
            let args = ["--profile", profile, "--project", "demo-project", "--no-verify"];
            let all = ["--page", &receiver, "--ticket", &receiver, "--heartbeat", &receiver];
            let ended = setup(&cluster, &[&args[..], &all].concat(), &[]);
            assert_eq!(ended.code, 0, "{}", ended.said);
            let config = if profile == "gmp" {
                cluster.read("applied")
            } else {
                let values = yaml(&cluster.read("kube-prometheus-stack.3"));
                serde_yaml_ng::to_string(&values["alertmanager"]["config"]).expect("YAML")
            };
            let file = cluster.write("alertmanager.yaml", &config);
            let checked = Command::new("amtool").args(["check-config", &file]).output();
            let checked = checked.expect("amtool runs");
            let said = String::from_utf8_lossy(&checked.stdout).into_owned();
            assert!(checked.status.success(), "{profile} {kind}: {said}\n{config}");
        }
    }
}

/// Alertmanager's reading of the routes with the alert that the chart installs.
#[test]
#[ignore = "needs amtool and helm; cargo xtask test --only deploy"]
fn the_heartbeat_has_an_alert_in_gmp_too() {
    let rendered = Command::new("helm")
        .args(["template", "gmp-frontend", "--set-string", "project=demo-project"])
        .args(["--show-only", "templates/watchdog.yaml"])
        .arg(root().join("charts/gmp-frontend"))
        .output()
        .expect("helm runs");
    let rules = yaml(&String::from_utf8_lossy(&rendered.stdout));
    let rule = &rules["spec"]["groups"][0]["rules"][0];
    assert_eq!(rule["expr"], "vector(1)", "it always fires: {rules}");
    let cluster = cluster();
    let args = ["--profile", "gmp", "--project", "demo-project", "--no-verify", "--no-alerts"];
    let args = [&args[..], &["--heartbeat-url", "https://h.example.com/"]].concat();
    assert_eq!(setup(&cluster, &args, &[]).code, 0);
    let file = cluster.write("alertmanager.yaml", &cluster.read("applied"));
    let label =
        |name: &str, value: &serde_json::Value| format!("{name}={}", value.as_str().expect("text"));
    let routed = Command::new("amtool")
        .args(["config", "routes", "test", "--config.file", &file])
        .args(["--verify.receivers", "heartbeat"])
        .args([label("alertname", &rule["alert"]), label("severity", &rule["labels"]["severity"])])
        .output()
        .expect("amtool runs");
    assert!(routed.status.success(), "{}", String::from_utf8_lossy(&routed.stdout));
}

#[test]
fn the_secrets_go_with_the_stack() {
    for (profile, secret) in [
        ("autopilot", "alert-receivers --namespace observability"),
        ("gmp", "--namespace gmp-public --field-selector metadata.name=alertmanager --selector"),
    ] {
        let cluster = cluster();
        let ended = setup(&cluster, &["--profile", profile, "--teardown"], &[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        let calls = cluster.calls("kubectl delete secret");
        assert!(calls.len() == 1 && calls[0].contains(secret), "{calls:?}");
    }
}
