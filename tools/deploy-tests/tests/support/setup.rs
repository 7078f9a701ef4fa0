//! `charts/setup_cluster.sh` with stand-ins for helm and kubectl.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::deploy::root;
use crate::stand_in::{Ended, StandIns};

/// Knows what was installed; `pull` leaves the chart's address as an archive, and values
/// are kept under the release's name.
const HELM: &str = r#"
case $1 in
    pull) for last; do :; done; printf '%s' "$2" >"$last/chart.tgz" ;;
    template)
        [ "${UNRENDERED:-}" != "$2" ] || { echo "Error: nil pointer evaluating interface {}" >&2; exit 1; }
        printf 'kind: Service\n---\nkind: ConfigMap\n---\nkind: Service\n' ;;
    upgrade)
        n=0; previous=
        for word; do
            if [ "$previous" = --values ]; then n=$((n + 1)); cp "$word" "$DIR/$3.$n"; fi
            previous=$word
        done
        echo "$3" >>"$DIR/installed" ;;
    status) grep -qx "$2" "$DIR/installed" 2>/dev/null ;;
esac"#;

const KUBECTL: &str = r#"
case "$*" in
    *custom.metrics*) [ "${BROKEN:-}" != metrics ] || exit 1 ;;
    *alertmanager:9093*) [ "${BROKEN:-}" != alertmanager ] || exit 1 ;;
    *"create rolebinding"*) [ -z "${REFUSED:-}" ] || { echo "error: kube-system is managed" >&2; exit 1; } ;;
    *"get secret alertmanager"*) printf '%s' "${OWNER:-}" ;;
    *"create secret generic alert-receivers"*)
        for word; do
            case $word in slo-*=* | heartbeat=*) cp "${word#*=}" "$DIR/secret.${word%%=*}" ;; esac
        done ;;
    *"label --local"*) cat ;;
    *"create secret"*) cat "$(echo "$*" | sed 's/.*alertmanager.yaml=\([^ ]*\).*/\1/')" ;;
    apply*) cat >"$DIR/applied" ;;
    *demo-app:80*) echo x >>"$DIR/visits" ;;
    *tempo:3200*) [ "$(wc -l <"$DIR/visits" 2>/dev/null || echo 0)" -lt "${NEEDED:-0}" ] || echo '"traceID"' ;;
    *loki-gateway*) echo '"values":[["1"]]' ;;
    *"api/v1/query?"*) echo '{"value":[1,"1"]}' ;;
    *"api/v1/rules?"*) echo SLOErrorBudgetBurn ;;
esac"#;

/// What an installation outside local needs; the project is gmp's.
pub(crate) const HOOKS: &[&str] = &[
    "--project",
    "demo-project",
    "--page-url",
    "https://p.example.com/",
    "--ticket-url",
    "https://t.example.com/",
];

pub(crate) fn cluster() -> StandIns {
    let cluster = StandIns::new(&[("helm", HELM), ("kubectl", KUBECTL)]);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root().join("charts"))
        .arg(cluster.path("charts"))
        .status();
    assert!(copied.expect("cp runs").success());
    cluster
}

/// Runs the script with digests that are pinned as the stand-in leaves them.
pub(crate) fn setup(cluster: &StandIns, args: &[&str], env: &[(&str, &str)]) -> Ended {
    pin(cluster, |_| false);
    run(cluster, args, env)
}

pub(crate) fn run(cluster: &StandIns, args: &[&str], env: &[(&str, &str)]) -> Ended {
    let env = [&[("SETUP_CLUSTER_PAUSE", "0.01")], env].concat();
    cluster.run(&cluster.path("charts/setup_cluster.sh"), args, &env)
}

/// Pins every release but those that `leave` names.
pub(crate) fn pin(cluster: &StandIns, leave: impl Fn(&str) -> bool) {
    let lock = cluster.path("charts/observability/releases.lock");
    let text = fs::read_to_string(&lock).expect("the lock");
    let lines = text.lines().map(|line| {
        let mut fields: Vec<_> = line.split(' ').map(str::to_owned).collect();
        if !line.starts_with('#') && fields.len() == 6 {
            cluster.write("archive", &fields[1]);
            let sum = Command::new("sha256sum").arg(cluster.path("archive")).output();
            let sum = sum.expect("sha256sum runs").stdout;
            fields[3] = format!("sha256:{}", String::from_utf8_lossy(&sum[..64]));
            if leave(&fields[0]) {
                "-".clone_into(&mut fields[3]);
            }
        }
        fields.join(" ")
    });
    let lines: Vec<_> = lines.collect();
    fs::write(&lock, lines.join("\n") + "\n").expect("written");
}

pub(crate) fn yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}
