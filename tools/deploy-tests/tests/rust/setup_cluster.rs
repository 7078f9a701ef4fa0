//! `charts/setup_cluster.sh` with stand-ins for helm and kubectl that write down
//! how they were called.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// `pull` leaves an archive whose content is the chart's address; `status` knows
/// what was installed; the rest is written down.
const HELM: &str = r#"#!/bin/sh
echo "helm $*" >>"$CALLS"
if [ "$1" = --kube-context ]; then shift 2; fi
case $1 in
    pull)
        for last; do :; done
        printf '%s' "$2" >"$last/chart.tgz"
        ;;
    upgrade)
        [ "${FAIL:-}" = "$3" ] && exit 1
        case "$*" in *--values*alertmanager.yaml*) cat "$(echo "$*" | tr ' ' '\n' | grep alertmanager.yaml)" >"$ALERTMANAGER" ;; esac
        echo "$3" >>"$INSTALLED"
        ;;
    status) grep -qx "$2" "$INSTALLED" 2>/dev/null ;;
esac
"#;

/// Answers as the stack does, or as `BROKEN` says.
const KUBECTL: &str = r#"#!/bin/sh
echo "kubectl $*" >>"$CALLS"
if [ "$1" = --context ]; then shift 2; fi
# What writes into a pipe fails if the other end closes it first.
case "$*" in *"--filename -"*) cat >/dev/null ;; esac
case "$*" in
    version) [ "${BROKEN:-}" != cluster ] ;;
    *"/proxy/api/v1/query?"*) [ "${BROKEN:-}" = targets ] && v=0 || v=1; echo '{"data":{"result":[{"value":[1,"'$v'"]}]}}' ;;
    *"/proxy/api/v1/rules?"*) [ "${BROKEN:-}" = rules ] && echo '{}' || echo '{"name":"SLOErrorBudgetBurn"}' ;;
    *"tempo:3200/"*) [ "${BROKEN:-}" = trace ] && echo '{"traces":[]}' || echo '{"traces":[{"traceID":"1"}]}' ;;
    *"loki-gateway:80/"*) [ "${BROKEN:-}" = log ] && echo '{"result":[]}' || echo '{"result":[{"values":[["1","x"]]}]}' ;;
    *podmonitorings*) echo True ;;
    *rules.monitoring.googleapis.com*) echo rules/x ;;
esac
"#;

/// Outside `local` an installation without webhooks is refused.
fn webhooks(args: &[&str]) -> Vec<(&'static str, &'static str)> {
    if args.contains(&"local") {
        return Vec::new();
    }
    vec![("PAGE_URL", "https://page.example.com/"), ("TICKET_URL", "https://ticket.example.com/")]
}

struct Cluster {
    dir: TempDir,
}

impl Cluster {
    fn new() -> Self {
        let cluster = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        fs::create_dir(cluster.path("bin")).expect("made");
        for (name, text) in [("helm", HELM), ("kubectl", KUBECTL)] {
            let file = cluster.path("bin").join(name);
            fs::write(&file, text).expect("written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
        }
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A copy of the scripts and lists, whose digests are those of the stand-in.
    fn charts(&self) -> PathBuf {
        let charts = self.path("charts");
        if charts.exists() {
            return charts;
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts");
        let copied = Command::new("cp").arg("-r").arg(source).arg(&charts).status();
        assert!(copied.expect("cp runs").success());
        let lock = charts.join("observability/releases.lock");
        let text = fs::read_to_string(&lock).expect("the lock");
        let pinned: Vec<_> = text.lines().map(|line| self.pin(line)).collect();
        fs::write(&lock, pinned.join("\n") + "\n").expect("written");
        charts
    }

    fn pin(&self, line: &str) -> String {
        let fields: Vec<_> = line.split(' ').collect();
        if line.starts_with('#') || fields.len() != 6 {
            return line.to_owned();
        }
        let archive = self.path("archive");
        fs::write(&archive, fields[1]).expect("written");
        let sum = Command::new("sha256sum").arg(&archive).output().expect("sha256sum runs").stdout;
        let sum = String::from_utf8_lossy(&sum[..64]).into_owned();
        line.replace(&format!(" {} ", fields[3]), &format!(" sha256:{sum} "))
    }

    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> (i32, String) {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let Output { status, stdout, stderr } =
            Command::new(self.charts().join("setup_cluster.sh"))
                .args(args)
                .env_clear()
                .env("PATH", path)
                .env("CALLS", self.path("calls"))
                .env("INSTALLED", self.path("installed"))
                .env("ALERTMANAGER", self.path("alertmanager.yaml"))
                .env("SETUP_CLUSTER_PAUSE", "0.01")
                .envs(webhooks(args))
                .envs(env.iter().copied())
                .output()
                .expect("the script runs");
        let said = [stdout, stderr].concat();
        (status.code().expect("ends by itself"), String::from_utf8_lossy(&said).into_owned())
    }

    fn calls(&self, beginning: &str) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
    }

    /// The releases that were installed, in order.
    fn installed(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("installed")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn values(&self) -> String {
        let file = self.path("values.yaml");
        fs::write(&file, "{}").expect("written");
        file.to_str().expect("text").to_owned()
    }
}

/// What a profile has without `--with`.
const STANDARD: &[&str] = &[
    "kube-prometheus-stack",
    "prometheus-adapter",
    "loki",
    "tempo",
    "alloy",
    "keda",
    "keda-add-ons-http",
];

#[test]
fn a_profile_is_installed_in_the_order_of_the_lock_and_verified() {
    let cluster = Cluster::new();
    let (code, said) =
        cluster.run(&["--profile", "standard", "--app-values", &cluster.values()], &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(cluster.installed(), [STANDARD, &["demo-app"]].concat());
    for call in cluster.calls("helm upgrade") {
        for part in ["--install", "--create-namespace", "--wait", "--timeout 600s"] {
            assert!(call.contains(part), "{call}");
        }
    }
    let four =
        ["target of the demo is up:", "rules are loaded:", "trace is found:", "log is found:"];
    assert!(four.iter().all(|check| said.contains(check)), "{said}");
}

#[test]
fn each_profile_has_its_own_releases_and_values() {
    for (profile, has, has_not) in [
        ("autopilot", "kube-prometheus-stack/autopilot.yaml", "promtail"),
        ("gmp", "grafana/values.yaml", "kube-prometheus-stack"),
        ("local", "kube-prometheus-stack/local.yaml", "external-dns"),
        ("promtail", "alloy/promtail.yaml", "autopilot.yaml"),
    ] {
        let cluster = Cluster::new();
        let args = ["--profile", profile, "--no-verify", "--project", "demo-project"];
        let (code, said) = cluster.run(&args, &[]);
        assert_eq!(code, 0, "{said}");
        let calls = cluster.calls("helm upgrade").join("\n");
        assert!(calls.contains(has), "{profile}: {calls}");
        assert!(!calls.contains(has_not), "{profile}: {calls}");
    }
}

#[test]
fn running_it_again_says_the_same_to_helm() {
    let cluster = Cluster::new();
    let normal = |calls: Vec<String>| -> Vec<String> {
        // The directory of the archives is another one each time.
        calls.iter().map(|call| call.split("/tmp").next().expect("a part").to_owned()).collect()
    };
    cluster.run(&["--profile", "local"], &[]);
    let first = normal(cluster.calls("helm upgrade"));
    fs::remove_file(cluster.path("calls")).expect("removed");
    let (code, _) = cluster.run(&["--profile", "local"], &[]);
    assert_eq!((code, normal(cluster.calls("helm upgrade"))), (0, first));
}

#[test]
fn a_dry_run_changes_nothing_and_asks_no_cluster() {
    let cluster = Cluster::new();
    let args = ["--profile", "autopilot", "--dry-run", "--app-values", &cluster.values()];
    let (code, said) = cluster.run(&args, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("would run: helm upgrade --install").count(), STANDARD.len() + 1);
    let (code, said) = cluster.run(&["--profile", "autopilot", "--dry-run", "--teardown"], &[]);
    assert_eq!(code, 0);
    assert_eq!(said.matches("would run: helm uninstall").count(), STANDARD.len() + 3, "{said}");
    let mut calls = cluster.calls("");
    calls.retain(|call| !call.starts_with("helm pull") && !call.starts_with("helm template"));
    assert!(calls.is_empty(), "{calls:?}");
}

#[test]
fn teardown_goes_the_other_way() {
    let cluster = Cluster::new();
    let (code, said) = cluster.run(&["--profile", "standard", "--teardown"], &[]);
    assert_eq!(code, 0, "{said}");
    let gone: Vec<_> = cluster
        .calls("helm uninstall")
        .iter()
        .map(|call| call.split(' ').nth(2).expect("a release").to_owned())
        .collect();
    let mut order = [&["cert-manager"], STANDARD, &["external-dns", "demo-app"]].concat();
    order.reverse();
    assert_eq!(gone, order);
}

#[test]
fn an_archive_that_is_not_the_pinned_one_is_not_installed() {
    let cluster = Cluster::new();
    let lock = cluster.charts().join("observability/releases.lock");
    let text = fs::read_to_string(&lock).expect("the lock");
    let line = text.lines().find(|line| line.starts_with("loki ")).expect("loki").to_owned();
    let digest = line.split(' ').nth(3).expect("a digest");
    fs::write(&lock, text.replace(digest, &format!("sha256:{}", "0".repeat(64)))).expect("written");
    let (code, said) = cluster.run(&["--profile", "standard"], &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("loki: the archive's digest is"), "{said}");
    assert!(!cluster.installed().contains(&"loki".to_owned()));
}

#[test]
fn a_release_that_nobody_pinned_stops_everything_before_it_begins() {
    let cluster = Cluster::new();
    let lock = cluster.charts().join("observability/releases.lock");
    let text = fs::read_to_string(&lock).expect("the lock");
    let line = text.lines().find(|line| line.starts_with("alloy ")).expect("alloy").to_owned();
    let digest = line.split(' ').nth(3).expect("a digest");
    fs::write(&lock, text.replace(digest, "-")).expect("written");
    let (code, said) = cluster.run(&["--profile", "standard"], &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("alloy: its digest is not pinned"), "{said}");
    assert!(cluster.installed().is_empty());
    let (code, said) = cluster.run(&["--profile", "standard", "--unpinned"], &[]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_does_not_become_ready_is_named_and_nothing_follows_it() {
    let cluster = Cluster::new();
    let (code, said) =
        cluster.run(&["--profile", "standard", "--timeout", "7"], &[("FAIL", "tempo")]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("tempo: not ready after 7 s; look at"), "{said}");
    assert_eq!(cluster.installed().last().map(String::as_str), Some("loki"));
}

#[test]
fn verification_says_what_is_not_there() {
    for (broken, sentence) in [
        ("targets", "every target of the demo is up:"),
        ("rules", "its rules are loaded:"),
        ("trace", "a trace is found:"),
        ("log", "a line of its log is found:"),
    ] {
        let cluster = Cluster::new();
        let args = ["--profile", "local", "--timeout", "0", "--app-values", &cluster.values()];
        let (code, said) = cluster.run(&args, &[("BROKEN", broken)]);
        assert_eq!(code, 3, "{said}");
        let line = said.lines().find(|line| line.contains(sentence)).expect("said");
        assert!(line.ends_with("no"), "{said}");
        assert_eq!(said.lines().filter(|line| line.ends_with(" no")).count(), 1, "{said}");
    }
    let cluster = Cluster::new();
    let (code, said) = cluster.run(&["--profile", "local", "--verify"], &[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("loki: not installed"), "{said}");
    assert!(cluster.calls("helm upgrade").is_empty());
}

#[test]
fn alertmanager_gets_the_generated_routes_and_the_webhooks() {
    let cluster = Cluster::new();
    let args = [
        "--profile",
        "local",
        "--no-verify",
        "--app-namespace",
        "shop",
        "--page-url",
        "https://pager.example.com/hook",
    ];
    let (code, said) = cluster.run(&args, &[]);
    assert_eq!(code, 0, "{said}");
    let text = fs::read_to_string(cluster.path("alertmanager.yaml")).expect("handed over");
    let values: serde_json::Value = serde_yaml_ng::from_str(&text).expect("YAML");
    let config = &values["alertmanager"]["config"];
    let route = config["route"]["routes"][0]["matchers"].to_string();
    assert!(route.contains("namespace=\\\"shop\\\""), "{route}");
    let receivers = config["receivers"].to_string();
    assert!(receivers.contains("https://pager.example.com/hook"), "{receivers}");
    assert!(receivers.contains("ticket-receiver.invalid"), "{receivers}");
}

#[test]
fn a_context_goes_to_both_tools() {
    let cluster = Cluster::new();
    let (code, said) = cluster.run(&["--profile", "local", "--context", "blue"], &[]);
    assert_eq!(code, 0, "{said}");
    let mut calls = cluster.calls("helm ");
    calls.retain(|call| !call.starts_with("helm pull"));
    calls.extend(cluster.calls("kubectl "));
    assert!(calls.len() > 5 && calls.iter().all(|call| call.contains("context blue")), "{calls:?}");
}

#[test]
fn a_mistake_is_one_sentence_and_touches_nothing() {
    for (args, sentence) in [
        (vec![], "--profile is missing"),
        (vec!["--profile", "moon"], "--profile is moon"),
        (vec!["--profile"], "--profile has no value"),
        (vec!["--profile", "local", "--timeout", "soon"], "--timeout is soon"),
        (vec!["--profile", "local", "--only", "moon"], "--only is moon"),
        (vec!["--profile", "local", "--app-values", "/none"], "--app-values is /none"),
        (vec!["--profile", "local", "--page-url", "ftp://x"], "--page-url has an address"),
        (vec!["--profile", "local", "--fast"], "--fast is no option"),
    ] {
        let cluster = Cluster::new();
        let (code, said) = cluster.run(&args, &[]);
        assert_eq!(code, 2, "{args:?}: {said}");
        assert!(said.contains(sentence) && said.lines().count() == 1, "{args:?}: {said}");
        assert!(!said.contains("ftp://x"), "an address may be a secret: {said}");
        assert!(cluster.calls("").is_empty());
    }
    let cluster = Cluster::new();
    let (code, said) = cluster.run(&["--profile", "local"], &[("BROKEN", "cluster")]);
    assert_eq!(code, 1);
    assert!(said.contains("the cluster does not answer"), "{said}");
    assert!(cluster.installed().is_empty());
}

#[test]
fn one_release_alone_can_be_named() {
    let cluster = Cluster::new();
    let args = ["--profile", "standard", "--only", "keda", "--no-verify"];
    let (code, said) = cluster.run(&args, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(cluster.installed(), ["keda"]);
}
