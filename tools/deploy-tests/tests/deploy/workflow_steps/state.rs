//! What jobs read of Terraform's state, and how they reach the cluster by it.

use std::collections::BTreeMap;
use std::fs;

use serde_yaml_ng::Value;

use super::run;
use crate::deploy::root;
use crate::stand_in::StandIns;

const STATE: &str = r#"{"version": 4, "outputs": {
    "namespace": {"value": "demo"},
    "base_url": {"value": "https://demo.example.com"},
    "prometheus": {"value": {"namespace": "observability", "service": "kube-prometheus-stack-prometheus"}},
    "cluster": {"value": {"name": "demo-dev", "location": "europe-west1", "project": "demo-project"}},
    "helm_values": {"value": {"image": {"repository": "r"}}}}}"#;

/// client-go has had no provider `gcp` since 1.26.
#[test]
fn no_kubeconfig_names_the_provider_that_was_removed() {
    for file in ["deploy.yml", "load.yml"] {
        let text = fs::read_to_string(root().join(".github/workflows").join(file)).expect("text");
        assert!(!text.contains("use_auth_provider"), "{file}");
        assert!(!text.contains("get-gke-credentials"), "{file}: it writes no other kubeconfig");
        let plugin = text.find("install_components: gke-gcloud-auth-plugin").expect("a plugin");
        let credentials = text.find("clusters get-credentials").expect("credentials");
        assert!(plugin < credentials, "{file}");
    }
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn place_and_values_are_read_from_the_state() {
    let gcloud = format!("case $1 in storage) cat <<'EOF'\n{STATE}\nEOF\n;; esac");
    for (file, name) in [
        ("deploy.yml", "Read the cluster and the Helm values from Terraform's state"),
        ("load.yml", "Read the cluster from Terraform's state"),
    ] {
        let all = StandIns::new(&[("gcloud", &gcloud), ("kubectl", "")]);
        let ended = run(&all, file, name, &[("BUCKET", "states"), ("ENVIRONMENT", "dev")]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        assert_eq!(
            all.calls("gcloud"),
            [
                "gcloud storage cat gs://states/environments/dev/default.tfstate",
                "gcloud container clusters get-credentials demo-dev --location europe-west1 \
                 --project demo-project --dns-endpoint",
            ]
        );
        let variables: BTreeMap<_, _> = all
            .read("github.env")
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(variables["NAMESPACE"], "demo");
        assert_eq!(variables["BASE_URL"], "https://demo.example.com");
        assert_eq!(variables["PROMETHEUS_NAMESPACE"], "observability");
        assert_eq!(variables["PROMETHEUS_SERVICE"], "kube-prometheus-stack-prometheus");
        if file == "deploy.yml" {
            let values: Value = serde_yaml_ng::from_str(&all.read("values.json")).expect("JSON");
            assert_eq!(values["image"]["repository"], "r");
        }
    }
}
