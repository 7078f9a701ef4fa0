//! Steps of the workflows, executed as GitHub's runner does, with stand-ins for what
//! reaches Google, the cluster and the visitors.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_yaml_ng::Value;

use crate::deploy::root;
use crate::stand_in::{Ended, StandIns};

pub(crate) fn workflow(file: &str) -> Value {
    let text = fs::read_to_string(root().join(".github/workflows").join(file)).expect("text");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

/// The step of this name.
fn step(file: &str, name: &str) -> Value {
    let workflow = workflow(file);
    let jobs = workflow["jobs"].as_mapping().expect("jobs");
    let mut steps = jobs.values().flat_map(|job| job["steps"].as_sequence().into_iter().flatten());
    let found = steps.find(|step| step["name"] == name);
    found.unwrap_or_else(|| panic!("{file} has no step {name}")).clone()
}

/// Runs a step. `env` is what the runner would have; the step's own variables are
/// expressions, so each of them has to be in it.
pub(crate) fn run(stand_ins: &StandIns, file: &str, name: &str, env: &[(&str, &str)]) -> Ended {
    let step = step(file, name);
    for (variable, _) in step["env"].as_mapping().into_iter().flatten() {
        let variable = variable.as_str().expect("text");
        assert!(env.iter().any(|(name, _)| *name == variable), "{name} needs {variable}");
    }
    let script = step["run"].as_str().expect("a script");
    assert!(
        !script.contains("${{"),
        "an expression in a script runs as code, and its author may be anyone"
    );
    let script = stand_ins.write("step.sh", script);
    let out = |name: &str| stand_ins.path(name).display().to_string();
    let files = [
        ("GITHUB_ENV", out("github.env")),
        ("GITHUB_OUTPUT", out("github.output")),
        ("GITHUB_STEP_SUMMARY", out("github.summary")),
        ("GITHUB_PATH", out("github.path")),
    ];
    let mut env: Vec<_> = env.to_vec();
    env.extend(files.iter().map(|(name, path)| (*name, path.as_str())));
    let args = ["--noprofile", "--norc", "-eo", "pipefail", &script];
    stand_ins.run(Path::new("/bin/bash"), &args, &env)
}

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

#[test]
fn what_is_no_digest_is_refused() {
    for (digest, code) in
        [("latest", 1), ("sha256:abc", 1), (&*format!("sha256:{}", "0".repeat(64)), 0)]
    {
        let all = StandIns::new(&[]);
        let ended =
            run(&all, "deploy.yml", "Reject anything that is not a digest", &[("DIGEST", digest)]);
        assert_eq!(ended.code, code, "{digest}: {}", ended.said);
    }
}

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

#[test]
fn terraform_plans_without_a_lock_and_applies_with_one() {
    let env = [
        ("DIR", "env"),
        ("STATE", "-backend-config=bucket=states -backend-config=prefix=environments/dev"),
        ("TFVARS", "region = \"europe-west1\""),
    ];
    for (name, last) in [
        ("Plan", "terraform -chdir=env show -no-color tfplan"),
        ("Apply", "terraform -chdir=env apply -auto-approve -lock-timeout=5m"),
    ] {
        let all =
            StandIns::new(&[("terraform", "case $* in *plan*) exit \"${FAILS:-0}\" ;; esac")]);
        all.write("env/main.tf", "");
        let ended = run(&all, "terraform.yml", name, &env);
        assert_eq!(ended.code, 0, "{}", ended.said);
        assert_eq!(all.read("env/terraform.tfvars"), "region = \"europe-west1\"\n");
        let calls = all.calls("terraform");
        assert!(calls[0].ends_with("-backend-config=prefix=environments/dev"), "{calls:?}");
        assert_eq!(calls.last().map(String::as_str), Some(last));
    }
    let all = StandIns::new(&[("terraform", "case $* in *'plan -lock'*) exit 1 ;; esac")]);
    all.write("env/main.tf", "");
    assert_eq!(
        run(&all, "terraform.yml", "Plan", &env).code,
        1,
        "a plan that fails fails the step"
    );
}

/// The chart of a release names the image of that release by its digest.
#[test]
fn a_released_chart_names_an_image_that_is_there() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let all = StandIns::new(&[
        ("docker", &format!("echo {digest}")),
        ("cosign", ""),
        (
            "helm",
            "case $1 in package) mkdir -p out; touch out/demo-app-1.2.3.tgz ;; push) echo Digest: sha256:1 ;; esac",
        ),
    ]);
    let env = [
        ("REPOSITORY", "r.example.com/demo-app"),
        ("VERSION", "v1.2.3"),
        ("GITHUB_SHA", "0123"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "Sre-Kit/sre-kit"),
        ("GITHUB_REPOSITORY_OWNER", "Sre-Kit"),
    ];
    let ended = run(&all, "release.yml", "Verify and copy", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let calls = all.calls("cosign");
    assert!(
        calls[0].starts_with(&format!("cosign verify r.example.com/demo-app@{digest}")),
        "{calls:?}"
    );
    assert_eq!(
        calls[1],
        format!("cosign copy r.example.com/demo-app@{digest} ghcr.io/sre-kit/demo-app:1.2.3")
    );
    let output = all.read("github.output");
    assert!(output.contains("repository=ghcr.io/sre-kit/demo-app") && output.contains(&digest));

    let values = fs::read_to_string(root().join("charts/demo-app/values.yaml")).expect("text");
    all.write("charts/demo-app/values.yaml", &values);
    let env = [
        ("VERSION", "v1.2.3"),
        ("IMAGE", "ghcr.io/sre-kit/demo-app"),
        ("DIGEST", digest.as_str()),
        ("GITHUB_REPOSITORY", "Sre-Kit/sre-kit"),
    ];
    let ended = run(&all, "release.yml", "Push and sign", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let values: Value =
        serde_yaml_ng::from_str(&all.read("charts/demo-app/values.yaml")).expect("YAML");
    assert_eq!(values["image"]["repository"], "ghcr.io/sre-kit/demo-app");
    assert_eq!(values["image"]["digest"], digest.as_str());
    assert!(all.calls("helm package")[0].contains("--version 1.2.3"));
}

#[test]
fn both_images_are_pushed_as_built_and_the_index_is_signed() {
    let digest = format!("sha256:{}", "c".repeat(64));
    let docker = format!("case $* in *inspect*) echo {digest} ;; esac");
    let all = StandIns::new(&[("skopeo", ""), ("docker", &docker), ("cosign", "")]);
    for (arch, digit) in [("amd64", "a"), ("arm64", "b")] {
        all.write(&format!("image-{arch}/digest"), &format!("sha256:{}", digit.repeat(64)));
    }
    let env = [("REPOSITORY", "r.example.com/demo-app"), ("GITHUB_SHA", "0123")];
    let ended = run(&all, "image.yml", "Push both images and their index", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let copied = all.calls("skopeo copy --preserve-digests oci-archive:image-");
    assert_eq!(copied.len(), 2);
    let made = all.calls("docker buildx imagetools create").concat();
    for digit in ["a", "b"] {
        assert!(
            made.contains(&format!("r.example.com/demo-app@sha256:{}", digit.repeat(64))),
            "{made}"
        );
    }
    let output = all.read("github.output");
    assert!(output.contains(&format!("\ndigest={digest}\n")), "{output}");

    let image = format!("r.example.com/demo-app@{digest}");
    let step = "Sign the index and both images";
    assert_eq!(run(&all, "image.yml", step, &[("IMAGE", &image)]).code, 0);
    assert_eq!(all.calls("cosign"), [format!("cosign sign --yes --recursive {image}")]);

    for file in ["image.yml", "deploy.yml"] {
        let env = [("REPOSITORY", "europe-west1-docker.pkg.dev/demo/demo/demo-app")];
        assert_eq!(run(&all, file, "Find the registry's host", &env).code, 0);
        assert!(all.read("github.output").contains("host=europe-west1-docker.pkg.dev\n"));
    }
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn an_image_is_verified_by_who_signed_it_and_where_it_was_built() {
    let all = StandIns::new(&[
        ("cosign", "[ -z \"${UNSIGNED:-}\" ] && echo '[{\"critical\": {}}]'"),
        ("gh", "cat \"$PROVENANCE\""),
    ]);
    // As gh prints what sigstore says of the certificate.
    let provenance = |commit: &str| {
        let text = format!(
            r#"[{{"verificationResult": {{"signature": {{"certificate": {{"sourceRepositoryDigest": "{commit}"}}}}}}}}]"#
        );
        all.write("gh.json", &text)
    };
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let gh = provenance(commit);
    let name = "Verify signature and provenance";
    let env = [
        ("IMAGE", "r.example.com/demo-app@sha256:0"),
        ("GH_TOKEN", "none"),
        ("GITHUB_REPOSITORY", "owner/name"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("PROVENANCE", gh.as_str()),
    ];
    let ended = run(&all, "deploy.yml", name, &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let signer = "owner/name/.github/workflows/image.yml";
    let call = all.calls("cosign verify").concat();
    assert!(call.contains(&format!("https://github.com/{signer}@refs/heads/main")), "{call}");
    let call = all.calls("gh attestation verify").concat();
    assert!(call.contains(&format!("--signer-workflow {signer}")), "{call}");
    assert_eq!(all.read("github.output"), format!("commit={commit}\n"));
    let unsigned = [&env[..], &[("UNSIGNED", "1")]].concat();
    assert_ne!(run(&all, "deploy.yml", name, &unsigned).code, 0);
    for wrong in ["", "main", "0123"] {
        provenance(wrong);
        let ended = run(&all, "deploy.yml", name, &env);
        assert_eq!(ended.code, 1, "{}", ended.said);
        assert!(ended.said.contains("the provenance names"), "{}", ended.said);
    }

    // What is rolled out has the chart of that commit.
    let workflow = workflow("deploy.yml");
    let checkout = &workflow["jobs"]["rollout"]["steps"][0]["with"]["ref"];
    assert_eq!(checkout.as_str(), Some("${{ needs.verify.outputs.commit }}"));
    let output = &workflow["jobs"]["verify"]["outputs"]["commit"];
    assert_eq!(output.as_str(), Some("${{ steps.provenance.outputs.commit }}"));
}
